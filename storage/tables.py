"""The vault's tables. Personal data stands only in `sealed` columns (envelopes) and `_index` columns (HMAC).

`migrations/versions/` creates them; a test compares the two.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


# --- who may come in -------------------------------------------------------------------------------

clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # USCCs of the authorities for which this approval system deposits.
    Column("authorities", ARRAY(Text), nullable=False),
    _moment("created_at"),
    _moment("disabled_at", nullable=True),
)

client_secrets = Table(
    "client_secrets",
    metadata,
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    # SHA-256 is enough: a secret is 256 random bits, there is nothing to guess.
    Column("secret_hash", LargeBinary, primary_key=True),
    _moment("created_at"),
    _moment("expires_at", nullable=True),
)

people = Table(
    "people",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("organisation", Text),
    Column("code_type", Text),
    Column("code_index", LargeBinary),
    Column("data_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

web_sessions = Table(
    "web_sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    _moment("started_at"),
    _moment("expires_at"),
)

# --- what is issued, and by which seal -------------------------------------------------------------

certificate_types = Table(
    "certificate_types",
    metadata,
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("definition", JSONB, nullable=False),
    Column("digest", Text, nullable=False),
    _moment("applied_at"),
)

service_items = Table(
    "service_items",
    metadata,
    Column("code", Text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("definition", JSONB, nullable=False),
    Column("digest", Text, nullable=False),
    _moment("applied_at"),
)

seals = Table(
    "seals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("authority", Text, nullable=False, index=True),
    Column("authority_name", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    # Name of the key in the key folder; the key itself never enters the database.
    Column("key_name", Text, nullable=False),
    Column("certificate_pem", Text, nullable=False),
    Column("picture", LargeBinary, nullable=False),
    _moment("not_after"),
    _moment("created_at"),
    _moment("stopped_at", nullable=True),
)

# --- cases and what they reserved ------------------------------------------------------------------

cases = Table(
    "cases",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    Column("number", Text, nullable=False),
    Column("service_item", Text, nullable=False),
    _moment("completed_at"),
    # SHA-256 of the normalised request: the same case handed in again is told from a changed one.
    # Empty where a deposit was refused at its commit: its contents are forgotten.
    Column("request_digest", LargeBinary, nullable=False),
    # Counts the contents that the case had so far; a try may commit only the attempt that it reserved.
    Column("attempt", Integer, nullable=False),
    Column("data_key", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    _moment("reserved_at"),
    _moment("committed_at", nullable=True),
    # Blind index of the applicant's code: what is still to come for somebody is found by it.
    Column("applicant_index", LargeBinary),
    UniqueConstraint("client_id", "number"),
    Index("ix_cases_applicant_index", "applicant_index", postgresql_where=text("committed_at IS NULL")),
)

reservations = Table(
    "reservations",
    metadata,
    Column("certificate_id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("identifier", Text, nullable=False, unique=True),
    # The identifier without version and check: all versions of one certificate.
    Column("lineage", Text, nullable=False),
    Column("version", SmallInteger, nullable=False),
    UniqueConstraint("lineage", "version"),
    # Set when the case came again with other contents before it was committed; the row stays so that
    # an object left behind by the first try is explained.
    _moment("abandoned_at", nullable=True),
    Index(
        "uq_reservations_case_id_position",
        "case_id",
        "position",
        unique=True,
        postgresql_where=text("abandoned_at IS NULL"),
    ),
)

# --- holders and their certificates ----------------------------------------------------------------

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
    _moment("status_since"),
    Column("number_index", LargeBinary, nullable=False),
    Column("code_index", LargeBinary, nullable=False),
    Column("token_index", LargeBinary, nullable=False, unique=True),
    Column("data_key", LargeBinary, nullable=False),
    # JSON: number, holders, fields, verification_code, token.
    Column("sealed", LargeBinary, nullable=False),
    Column("supersedes", Uuid, ForeignKey("certificates.id")),
    Column("superseded_by", Uuid),
    _moment("committed_at"),
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

materials = Table(
    "materials",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False, index=True),
    Column("position", SmallInteger, nullable=False),
    Column("type_code", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("content_type", Text, nullable=False),
    # The level that counts now; material_events tell how it came to it.
    Column("trust", Text, nullable=False),
    Column("issued_on", Date),
    Column("valid_to", Date),
    Column("data_key", LargeBinary, nullable=False),
    # JSON: name.
    Column("sealed", LargeBinary, nullable=False),
    # The client at whose window it was compared with the original; the clerk stands in the event's envelope.
    Column("verified_by", Text),
    _moment("verified_at", nullable=True),
)

material_holders = Table(
    "material_holders",
    metadata,
    Column("holder_id", Uuid, ForeignKey("holders.id"), primary_key=True),
    Column("material_id", Uuid, ForeignKey("materials.id"), primary_key=True),
    Column("position", SmallInteger, nullable=False),
)

# --- history, never updated ------------------------------------------------------------------------

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
    _moment("at"),
)

material_events = Table(
    "material_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("material_id", Uuid, ForeignKey("materials.id"), nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("trust", Text, nullable=False),
    Column("actor", Text, nullable=False),
    _moment("at"),
    Column("data_key", LargeBinary, nullable=False),
    # JSON: clerk, note.
    Column("sealed", LargeBinary, nullable=False),
)

# One row for each required material that a case was answered for from the vault; a case that asks again
# leaves the same rows again, and is counted once.
avoided_resubmissions = Table(
    "avoided_resubmissions",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _moment("at"),
    # Blind index of client and case number: what somebody writes into a number stays out of clear columns.
    Column("case_index", LargeBinary, nullable=False),
    Column("service_item", Text, nullable=False),
    Column("authority", Text, nullable=False),
    Column("requirement", Text, nullable=False),
)

log_leaves = Table(
    "log_leaves",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("certificate_id", Uuid, ForeignKey("certificates.id"), nullable=False, index=True),
    # Canonical JSON (RFC 8785), never of the holder.
    Column("leaf", LargeBinary, nullable=False),
    Column("leaf_hash", LargeBinary, nullable=False, unique=True),
    Column("promise", Text, nullable=False),
    # Given by the sequencer; null until then.
    Column("log_index", BigInteger, unique=True),
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
    # JSON: purpose, service_item, case_number.
    Column("sealed", LargeBinary),
    Index("ix_audit_events_certificate_id", "certificate_id"),
)
