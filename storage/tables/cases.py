"""Cases, and what they reserved."""

from sqlalchemy import (
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

cases = Table(
    "cases",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    Column("number", Text, nullable=False),
    Column("service_item", Text, nullable=False),
    moment("completed_at"),
    # One byte: the request stands in the envelope. Empty where a deposit was refused at its commit: its
    # contents are forgotten. (Before revision 0010 a SHA-256, from which an ID number could be tried out.)
    Column("request_digest", LargeBinary, nullable=False),
    # Counts the contents that the case had so far; a try may commit only the attempt that it reserved.
    Column("attempt", Integer, nullable=False),
    # Null, as the envelope is, once somebody in it is erased.
    Column("data_key", LargeBinary),
    Column("sealed", LargeBinary),
    moment("reserved_at"),
    moment("committed_at", nullable=True),
    # Blind index of the applicant's code: what is still to come for somebody is found by it.
    # Null once it is committed.
    Column("applicant_index", LargeBinary),
    Column("index_version", SmallInteger),
    UniqueConstraint("client_id", "number"),
    Index("ix_cases_applicant_index", "applicant_index", postgresql_where=text("committed_at IS NULL")),
    # Those that may not close; without the ones that were refused and forgotten.
    Index(
        "ix_cases_open",
        "reserved_at",
        postgresql_where=text("committed_at IS NULL AND request_digest <> ''::bytea"),
    ),
)


reservations = Table(
    "reservations",
    metadata,
    Column("certificate_id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("identifier", Text, nullable=False),
    # The identifier without version and check: all versions of one certificate.
    Column("lineage", Text, nullable=False),
    Column("version", SmallInteger, nullable=False),
    UniqueConstraint("lineage", "version"),
    # The first 16 octets of its SHA-256: an index of identifiers would be larger than its table's other
    # columns together.
    Index("uq_reservations_identifier_key", text("identifier_key(identifier)"), unique=True),
    # Set when the case came again with other contents before it was committed; the row stays so that
    # an object left behind by the first try is explained.
    moment("abandoned_at", nullable=True),
    # The seal-use grant that it is counted on, and the legal day; null in rows from before revision 0009.
    Column("grant_id", Uuid),
    Column("counted_on", Date),
    # Of the national seal on its OFD, on the same day; null where none is made, as `grant_id` is without PDF.
    Column("national_grant_id", Uuid),
    Index(
        "uq_reservations_case_id_position",
        "case_id",
        "position",
        unique=True,
        postgresql_where=text("abandoned_at IS NULL"),
    ),
    postgresql_with=WRITTEN_ONCE,
)


# Blind indexes of those who will hold a reserved result; gone when the case is committed or taken back.
reserved_holders = Table(
    "reserved_holders",
    metadata,
    Column("certificate_id", Uuid, ForeignKey("reservations.certificate_id"), primary_key=True),
    Column("code_index", LargeBinary, primary_key=True),
    Index("ix_reserved_holders_code_index", "code_index"),
)
