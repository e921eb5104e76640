"""Which of the vault's own keys are in use, keys of clients, and holds on holders."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from storage.tables.columns import WRITTEN_ONCE, metadata, moment

# One row. `_version`: what is written now; `_oldest`: what rows may still be of, smaller during a rotation.
key_state = Table(
    "key_state",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("index_version", SmallInteger, nullable=False),
    Column("index_oldest", SmallInteger, nullable=False),
    Column("wrapping_version", SmallInteger, nullable=False),
    Column("wrapping_oldest", SmallInteger, nullable=False),
    moment("changed_at"),
    # Null until everything from before revision 0010 was renewed.
    moment("renewed_at", nullable=True),
    CheckConstraint("id = 1", name="one_row"),
)


# What a client hands in lies under its own key until a deposit names it.
upload_keys = Table(
    "upload_keys",
    metadata,
    Column("id", Text, ForeignKey("clients.id"), primary_key=True),
    Column("data_key", LargeBinary, nullable=False),
)


# Everybody who is named in a case's envelope: it is destroyed with the first of them.
case_holders = Table(
    "case_holders",
    metadata,
    Column("holder_id", Uuid, ForeignKey("holders.id"), primary_key=True),
    Column("case_id", Uuid, ForeignKey("cases.id"), primary_key=True),
    postgresql_with=WRITTEN_ONCE,
)


# Legal holds: a holder is held while more holds than releases stand here.
hold_events = Table(
    "hold_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("holder_id", Uuid, ForeignKey("holders.id"), nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    moment("at"),
    # JSON: reason. Under the holder's key.
    Column("sealed", LargeBinary, nullable=False),
)
