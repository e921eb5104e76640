"""Holders and their certificates."""

from sqlalchemy import (
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
    Uuid,
)

from storage.tables.columns import metadata, moment

holders = Table(
    "holders",
    metadata,
    Column("id", Uuid, primary_key=True),
    # As first handed in; the index alone tells holders apart.
    Column("code_type", Text, nullable=False),
    Column("code_index", LargeBinary, nullable=False, unique=True),
    Column("index_version", SmallInteger, nullable=False),
    Column("data_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)


certificates = Table(
    "certificates",
    metadata,
    Column("id", Uuid, ForeignKey("reservations.certificate_id"), primary_key=True),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("identifier", Text, nullable=False, unique=True),
    Column("version", SmallInteger, nullable=False),
    Column("type_code", Text, nullable=False),
    Column("type_version", Integer, nullable=False),
    Column("issuing_authority", Text, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date),
    Column("status", Text, nullable=False),
    moment("status_since"),
    Column("number_index", LargeBinary, nullable=False),
    Column("code_index", LargeBinary, nullable=False),
    Column("token_index", LargeBinary, nullable=False, unique=True),
    Column("data_key", LargeBinary, nullable=False),
    # JSON: number, holders, fields, verification_code, token.
    Column("sealed", LargeBinary, nullable=False),
    Column("supersedes", Uuid, ForeignKey("certificates.id")),
    Column("superseded_by", Uuid),
    moment("committed_at"),
    CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates_in_order"),
    Index("ix_certificates_number_index", "number_index"),
    Index("ix_certificates_case_id", "case_id"),
)


certificate_holders = Table(
    "certificate_holders",
    metadata,
    Column("holder_id", Uuid, ForeignKey("holders.id"), primary_key=True),
    Column("certificate_id", Uuid, ForeignKey("certificates.id"), primary_key=True),
    Column("position", SmallInteger, nullable=False),
    Index("ix_certificate_holders_certificate_id", "certificate_id"),
)


documents = Table(
    "documents",
    metadata,
    Column("certificate_id", Uuid, ForeignKey("certificates.id"), primary_key=True),
    Column("format", Text, primary_key=True),
    Column("sha256", LargeBinary, nullable=False),
    Column("sm3", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("level", Text, nullable=False),
    Column("seal_id", Text, ForeignKey("seals.id"), nullable=False),
    Column("content_type", Text, nullable=False),
    Index("ix_documents_sha256", "sha256"),
)
