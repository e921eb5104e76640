"""What is written once and never updated."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import GIVEN_A_PLACE, WRITTEN_ONCE, metadata, moment

status_events = Table(
    "status_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("certificate_id", Uuid, ForeignKey("certificates.id"), nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("actor", Text, nullable=False),
    # Public text of the authority: the edge refuses what looks like an ID number.
    Column("reason", Text),
    # Null in rows from before revision 0002; they hold from the day of `at`.
    Column("effective_on", Date),
    # Of inspections only.
    Column("result", Text),
    moment("at"),
    postgresql_with=WRITTEN_ONCE,
)


# One row for each required material that a case was answered for from the vault; a case that asks again
# leaves the same rows again, and is counted once.
avoided_resubmissions = Table(
    "avoided_resubmissions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    moment("at"),
    # Blind index of client and case number: what somebody writes into a number stays out of clear columns.
    Column("case_index", LargeBinary, nullable=False),
    Column("service_item", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("requirement", Text, nullable=False),
    # Whether a case asked before.
    Index("ix_avoided_resubmissions_case_index", "case_index"),
    postgresql_with=WRITTEN_ONCE,
)


# The same added up, so that nobody counts the whole table; the newest rows are counted when somebody asks.
avoided_months = Table(
    "avoided_months",
    metadata,
    Column("month", Text, primary_key=True),
    Column("service_item", Text, primary_key=True),
    Column("authority", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)


avoided_progress = Table(
    "avoided_progress",
    metadata,
    Column("one", SmallInteger, primary_key=True, autoincrement=False),
    # Rows up to this id are in `avoided_months`.
    Column("counted_through", BigInteger, nullable=False),
    CheckConstraint("one = 1", name="one_row"),
)


log_leaves = Table(
    "log_leaves",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # Null where the log speaks of itself: a shard opened or closed, a head of the audit chain.
    Column("certificate_id", Uuid, ForeignKey("certificates.id")),
    # Canonical JSON (RFC 8785), never of the holder.
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False, unique=True),
    Column("promise", Text, nullable=False),
    # Given by the sequencer; null until then. Counted over all shards.
    Column("log_index", BigInteger, unique=True),
    # In the order of ids: the leaf of the issue is the first, and no walk through the log in that order is
    # ever the cheaper plan.
    Index("ix_log_leaves_certificate_id_id", "certificate_id", "id"),
    Index("ix_log_leaves_waiting", "id", postgresql_where=text("log_index IS NULL")),
    Index("ix_log_leaves_own", "id", postgresql_where=text("certificate_id IS NULL")),
    postgresql_with=GIVEN_A_PLACE,
)


audit_events = Table(
    "audit_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("certificate_id", Uuid),
    Column("case_id", Uuid),
    # No personal data; why somebody looked, in their own words, goes into the envelope.
    Column("details", JSONB, nullable=False),
    Column("data_key", LargeBinary),
    # JSON: purpose, service_item, case_number, acting_for.
    Column("sealed", LargeBinary),
    # Blind index of the case number that a look was for.
    Column("case_index", LargeBinary),
    # Null in rows from before revision 0010, which are of version 1.
    Column("index_version", SmallInteger),
    Index("ix_audit_events_certificate_id", "certificate_id"),
    # Certificates that stand in the details: of deposits, holdings, reuse checks.
    Index(
        "ix_audit_events_details",
        "details",
        postgresql_using="gin",
        postgresql_ops={"details": "jsonb_path_ops"},
    ),
    Index("ix_audit_events_case_id", "case_id", postgresql_where=text("case_id IS NOT NULL")),
    Index("ix_audit_events_case_index", "case_index", postgresql_where=text("case_index IS NOT NULL")),
    Index("ix_audit_events_actor", "actor", "id"),
    # Times rise with the ids: block ranges tell enough.
    Index("ix_audit_events_at", "at", postgresql_using="brin"),
    # In parts of 10⁸ ids, which the worker makes ahead of need (revision 0025, `storage.audit_parts`). Their
    # parameters are WRITTEN_ONCE: a divided table has none of its own.
    postgresql_partition_by="RANGE (id)",
)
