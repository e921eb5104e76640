"""The transparency log beside its leaves, and the chain over the audit events."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
)

from storage.tables.columns import WRITTEN_ONCE, metadata, moment

log_shards = Table(
    "log_shards",
    metadata,
    Column("year", SmallInteger, primary_key=True, autoincrement=False),
    Column("origin", Text, nullable=False, unique=True),
    # The number of its first leaf among the leaves of all shards.
    Column("first_index", BigInteger, nullable=False, unique=True),
    moment("opened_at"),
)


# A row is a promise never to sign another root for this size: the key keeps it unique.
log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("year", SmallInteger, ForeignKey("log_shards.year"), primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("root", LargeBinary, nullable=False),
    # The signed note, byte for byte, without cosignatures.
    Column("note", LargeBinary, nullable=False),
    moment("made_at"),
)


log_publications = Table(
    "log_publications",
    metadata,
    Column("year", SmallInteger, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    moment("at"),
    ForeignKeyConstraint(["year", "size"], ["log_checkpoints.year", "log_checkpoints.size"]),
)


log_cosignatures = Table(
    "log_cosignatures",
    metadata,
    Column("year", SmallInteger, primary_key=True),
    Column("size", BigInteger, primary_key=True),
    Column("witness", Text, primary_key=True),
    # The signature line of the note.
    Column("line", Text, nullable=False),
    # When the witness says that it signed.
    moment("signed_at"),
    moment("received_at"),
    ForeignKeyConstraint(["year", "size"], ["log_checkpoints.year", "log_checkpoints.size"]),
)


# Derived from the leaves, for proofs and for growing: the last tile of each level is written as it fills.
log_tiles = Table(
    "log_tiles",
    metadata,
    # A shard's year, or "audit".
    Column("tree", Text, primary_key=True),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    # Up to 256 hashes of 32 bytes.
    Column("hashes", LargeBinary, nullable=False),
)


# No foreign key to the event: a deleted event must leave its place in the chain behind.
audit_chain = Table(
    "audit_chain",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, nullable=False, unique=True),
    # 32 random bytes: without them nobody can try out what an event may have said.
    Column("salt", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False),
    postgresql_with=WRITTEN_ONCE,
)


audit_heads = Table(
    "audit_heads",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", LargeBinary, nullable=False),
    # The highest event id in the chain at this size.
    Column("high_event_id", BigInteger, nullable=False),
    moment("made_at"),
)
