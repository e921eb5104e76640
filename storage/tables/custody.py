"""Seals under control: grants, what was done to them and to seals, and what was used of each today."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from storage.tables.columns import metadata, moment

# Insert-only: a grant's terms never change; another grant takes its place.
seal_grants = Table(
    "seal_grants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("seal_id", Text, ForeignKey("seals.id"), nullable=False),
    Column("type_code", Text, nullable=False),
    Column("type_version", Integer, nullable=False),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    Column("daily_cap", Integer, nullable=False),
    moment("valid_from"),
    moment("valid_to"),
    Column("made_by", Text, nullable=False),
    Column("made_via", Text, nullable=False),
    moment("made_at"),
    CheckConstraint("daily_cap > 0", name="cap_above_zero"),
    CheckConstraint("valid_to > valid_from", name="window_in_order"),
    Index("ix_seal_grants_seal_id_client_id_type_code", "seal_id", "client_id", "type_code"),
)


# Insert-only: `approve` and `end`, each at most once.
seal_grant_events = Table(
    "seal_grant_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("grant_id", Uuid, ForeignKey("seal_grants.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("reason", Text),
    moment("at"),
    UniqueConstraint("grant_id", "action"),
)


# Insert-only. `answers`: the proposal that a resumption approves.
seal_events = Table(
    "seal_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("seal_id", Text, ForeignKey("seals.id"), nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("via", Text, nullable=False),
    Column("reason", Text),
    Column("answers", BigInteger, ForeignKey("seal_events.id"), unique=True),
    moment("at"),
)


# A day's cap of a grant, cut into slots: deposits that run at the same time count on different rows.
seal_uses = Table(
    "seal_uses",
    metadata,
    Column("grant_id", Uuid, ForeignKey("seal_grants.id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("slot", SmallInteger, primary_key=True),
    Column("share", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    CheckConstraint("used BETWEEN 0 AND share", name="within_share"),
    postgresql_with={"fillfactor": "50"},
)
