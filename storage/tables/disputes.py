"""What holders dispute, and what became of it."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from storage.tables.columns import metadata, moment

_OPEN = text("state IN ('submitted', 'accepted')")

disputes = Table(
    "disputes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("holder_id", Uuid, ForeignKey("holders.id"), nullable=False),
    # What is disputed, one of the two: a certificate, or an access by its audit event.
    Column("certificate_id", Uuid, ForeignKey("certificates.id")),
    Column("access_id", BigInteger),
    # Who decides: the USCC of an authority, or `client:` and the id of the system that looked.
    Column("audience", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # What holds now; dispute_events tell how it came to it.
    Column("state", Text, nullable=False),
    # Blind index of the whole request: the same one again, while it is open, is the same dispute.
    Column("request_index", LargeBinary, nullable=False),
    Column("index_version", SmallInteger, nullable=False),
    # JSON: statement; under the holder's key.
    Column("sealed", LargeBinary, nullable=False),
    moment("opened_at"),
    # The last day on which it is in time.
    Column("due_on", Date, nullable=False),
    moment("accepted_at", nullable=True),
    moment("closed_at", nullable=True),
    CheckConstraint("(certificate_id IS NULL) <> (access_id IS NULL)", name="one_subject"),
    CheckConstraint("state IN ('submitted', 'accepted', 'rejected', 'resolved')", name="state_known"),
    CheckConstraint(
        "(state = 'submitted' AND accepted_at IS NULL AND closed_at IS NULL)"
        " OR (state = 'accepted' AND accepted_at IS NOT NULL AND closed_at IS NULL)"
        " OR (state = 'rejected' AND accepted_at IS NULL AND closed_at IS NOT NULL)"
        " OR (state = 'resolved' AND accepted_at IS NOT NULL AND closed_at IS NOT NULL)",
        name="state_has_its_times",
    ),
    Index("ix_disputes_holder_id_id", "holder_id", "id"),
    Index("ix_disputes_audience_id", "audience", "id"),
    # Read with every verification: a handful of rows, whatever else there is.
    Index(
        "ix_disputes_standing",
        "certificate_id",
        "accepted_at",
        postgresql_where=text("state = 'accepted' AND certificate_id IS NOT NULL"),
    ),
    Index("ix_disputes_open_due_on", "due_on", "id", postgresql_where=_OPEN),
    Index("uq_disputes_open", "holder_id", "request_index", unique=True, postgresql_where=_OPEN),
)


dispute_events = Table(
    "dispute_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("dispute_id", Uuid, ForeignKey("disputes.id"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    # Of resolutions only.
    Column("outcome", Text),
    # A client's id, or `person:` and theirs.
    Column("actor", Text, nullable=False),
    moment("at"),
    # JSON: reason; under the holder's key. Null where nothing was said.
    Column("sealed", LargeBinary),
)
