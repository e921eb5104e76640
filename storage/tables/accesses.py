"""The holder's history: what each audit event is about, what is shown later, public looks by day."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from storage.tables.columns import WRITTEN_ONCE, metadata, moment

# Written by a trigger on audit_events, in the transaction of the event: no flow can look and forget it. Ids
# of holders, certificates and materials; all zeros for what concerns everybody. Each one's history is a scan
# of this key. No foreign keys: an event that was tampered away leaves its place behind, as in the chain.
audit_subjects = Table(
    "audit_subjects",
    metadata,
    Column("about", Uuid, primary_key=True),
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_audit_subjects_event_id", "event_id"),
    postgresql_with=WRITTEN_ONCE,
)


# Orders by which a holder is shown something only later. Whom, or which case; a client narrows it.
deferral_orders = Table(
    "deferral_orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("holder_id", Uuid, ForeignKey("holders.id")),
    # As audit_events.case_index.
    Column("case_index", LargeBinary),
    Column("client_id", Text, ForeignKey("clients.id")),
    # What happened from the one moment on and before the other is shown from the other on.
    moment("covers_from"),
    moment("ends_at"),
    Column("renews", Uuid, ForeignKey("deferral_orders.id"), unique=True),
    moment("recorded_at"),
    Column("recorded_by", Text, nullable=False),
    # Blind index of issuing body and number.
    Column("number_index", LargeBinary, nullable=False, unique=True),
    Column("index_version", SmallInteger, nullable=False),
    # Wrapped by the key of the holder whom it names, or by the vault's own.
    Column("data_key", LargeBinary, nullable=False),
    # JSON: number, issuing_body, legal_basis, case_number.
    Column("sealed", LargeBinary, nullable=False),
    CheckConstraint("holder_id IS NOT NULL OR case_index IS NOT NULL", name="somebody"),
    CheckConstraint("ends_at > recorded_at", name="dates_in_order"),
    Index("ix_deferral_orders_holder_id", "holder_id", postgresql_where=text("holder_id IS NOT NULL")),
    Index(
        "ix_deferral_orders_case_index",
        "case_index",
        postgresql_where=text("holder_id IS NULL AND case_index IS NOT NULL"),
    ),
)


# How often strangers verified a certificate on a day in China. Who did is recorded nowhere.
verification_days = Table(
    "verification_days",
    metadata,
    Column("certificate_id", Uuid, ForeignKey("certificates.id"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("count", Integer, nullable=False),
    # Of the day's first count: the day's place in the history.
    Column("event_id", BigInteger, nullable=False),
    UniqueConstraint("event_id", "certificate_id"),
)


# Batches of counts that were taken over: one that comes again, its answer lost, is not counted twice.
verification_batches = Table(
    "verification_batches",
    metadata,
    Column("id", Uuid, primary_key=True),
    moment("at"),
    Index("ix_verification_batches_at", "at"),
)
