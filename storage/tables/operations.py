"""How the vault itself is doing: deposits counted by the minute and hour, clients last seen, upkeep runs.

Nothing in here is about a certificate or a person: counts, times and words of the vault's own.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
)

from storage.tables.columns import metadata, moment

# Handed over by each process every few seconds; rows of minutes live for hours, those of hours for weeks.
deposit_tallies = Table(
    "deposit_tallies",
    metadata,
    Column("span", Text, primary_key=True),
    Column("starts_at", DateTime(timezone=True), primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    # `deposited`, `repeated`, or the kind of the problem that the deposit was refused with.
    Column("outcome", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    CheckConstraint("span IN ('minute', 'hour')", name="span_known"),
)

client_sightings = Table(
    "client_sightings",
    metadata,
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    moment("seen_at"),
)


operation_runs = Table(
    "operation_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    # `fsck`, or which part a backup was of.
    Column("kind", Text, nullable=False),
    moment("started_at"),
    # When it last said how far it had come.
    moment("seen_at"),
    moment("finished_at", nullable=True),
    # Null while it runs, and for ever where it was killed.
    Column("outcome", Text),
    Column("done", BigInteger, nullable=False),
    Column("problems", Integer, nullable=False),
    Column("notes", Integer, nullable=False),
    # Of backups.
    Column("size_bytes", BigInteger),
    CheckConstraint(
        "kind IN ('fsck', 'backup-database', 'backup-objects', 'backup-keys')", name="kind_known"
    ),
    CheckConstraint("outcome IN ('well', 'problems', 'failed')", name="outcome_known"),
    CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="ended_with_an_outcome"),
    Index("ix_operation_runs_kind", "kind", "started_at"),
)
