"""The feed of changes: one row for each thing that happened; its place is given once it is committed."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from storage.tables.columns import GIVEN_A_PLACE, metadata, moment

# Written by triggers on status_events, materials and material_events: in the transaction of what changed, and
# by no way of writing those that could forget it.
changes = Table(
    "changes",
    metadata,
    # In the order of writing; rows from before revision 0005 were given negative ids, before all others.
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # Dense from 1, given by the sequencer to committed rows only; null until then, then never changed.
    Column("position", BigInteger),
    # Who may read it: the USCC of the issuing authority, or `client:` and the id of who handed a material in.
    Column("audience", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("certificate_id", Uuid, ForeignKey("certificates.id")),
    Column("status_event_id", BigInteger, ForeignKey("status_events.id"), unique=True),
    Column("material_id", Uuid, ForeignKey("materials.id")),
    # Of materials: the level that the change left.
    Column("trust", Text),
    moment("at"),
    UniqueConstraint("material_id", "action"),
    CheckConstraint(
        "(material_id IS NULL) <> (certificate_id IS NULL)"
        " AND (certificate_id IS NULL) = (status_event_id IS NULL)"
        " AND (material_id IS NULL) = (trust IS NULL)",
        name="one_subject",
    ),
    Index("uq_changes_position", "position", unique=True, postgresql_where=text("position IS NOT NULL")),
    Index(
        "ix_changes_audience_position", "audience", "position", postgresql_where=text("position IS NOT NULL")
    ),
    Index("ix_changes_pending", "id", postgresql_where=text("position IS NULL")),
    postgresql_with=GIVEN_A_PLACE,
)


# How far the rows from before revision 0005 have been copied into `changes`: one row a source.
change_backfills = Table(
    "change_backfills",
    metadata,
    Column("source", Text, primary_key=True),
    # Key of the last row copied, as text; null before the first batch.
    Column("copied_through", Text),
    Column("copied", BigInteger, nullable=False),
    Column("done", Boolean, nullable=False),
)
