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

from storage.tables.columns import WRITTEN_ONCE, metadata, moment

holders = Table(
    "holders",
    metadata,
    Column("id", Uuid, primary_key=True),
    # As first handed in; the index alone tells holders apart.
    Column("code_type", Text, nullable=False),
    # Null, as key and envelope are, once the holder is erased.
    Column("code_index", LargeBinary, unique=True),
    Column("index_version", SmallInteger, nullable=False),
    # Wrapped by the vault's own key; it wraps the keys of everything that is about this holder.
    Column("data_key", LargeBinary),
    Column("sealed", LargeBinary),
    moment("erased_at", nullable=True),
)


certificates = Table(
    "certificates",
    metadata,
    Column("id", Uuid, ForeignKey("reservations.certificate_id"), primary_key=True),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    # Its reservation keeps it unique.
    Column("identifier", Text, nullable=False),
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
    # Null: each holder's row in certificate_holders has the data key, wrapped by that holder's.
    Column("data_key", LargeBinary),
    # JSON: number, holders, fields, verification_code, token. Null once the last holder is erased.
    Column("sealed", LargeBinary),
    Column("supersedes", Uuid, ForeignKey("certificates.id")),
    Column("superseded_by", Uuid),
    moment("committed_at"),
    # Of the three indexes; null in rows from before revision 0010, which are of version 1.
    Column("index_version", SmallInteger),
    # What its files are (vault.model.origin); null: sealed when it was issued. Who attested a scan stands in
    # the envelope.
    Column("origin", Text),
    CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="dates_in_order"),
    Index("ix_certificates_number_index", "number_index"),
    Index("ix_certificates_case_id", "case_id"),
    # Four octets of each; a B-tree has the 82 characters.
    Index("ix_certificates_identifier", "identifier", postgresql_using="hash"),
    postgresql_with=WRITTEN_ONCE,
)


certificate_holders = Table(
    "certificate_holders",
    metadata,
    Column("holder_id", Uuid, ForeignKey("holders.id"), primary_key=True),
    Column("certificate_id", Uuid, ForeignKey("certificates.id"), primary_key=True),
    Column("position", SmallInteger, nullable=False),
    Column("data_key", LargeBinary),
    Index("ix_certificate_holders_certificate_id", "certificate_id"),
    postgresql_with=WRITTEN_ONCE,
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
    # Null: it came with the seal that it bears, which is not the vault's.
    Column("seal_id", Text, ForeignKey("seals.id")),
    Column("content_type", Text, nullable=False),
    # Null: from before revision 0010, in clear under its digest.
    Column("object_name", Text),
    Index("ix_documents_sha256_hash", "sha256", postgresql_using="hash"),
    postgresql_with=WRITTEN_ONCE,
)
