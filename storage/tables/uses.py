"""Who used what of whom, for which case; the codes that say so, and the copies that were made."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import metadata, moment

uses = Table(
    "uses",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Who made it: an approval system, or a clerk who signed in. No foreign key to people: every row would be
    # checked for it while the table stands still.
    Column("client_id", Text, ForeignKey("clients.id")),
    Column("person_id", Uuid),
    # What is used: one of the two.
    Column("certificate_id", Uuid, ForeignKey("certificates.id")),
    Column("material_id", Uuid, ForeignKey("materials.id")),
    # Null where an organisation without service items asked, on a consent.
    Column("service_item", Text),
    # Blind index of the whole request: the same one again is the same use.
    Column("request_index", LargeBinary, nullable=False),
    # As in certificates: null, the keys stand in use_holders.
    Column("data_key", LargeBinary),
    # JSON: purpose, case_number, organisation, clerk. Null once the last holder is erased.
    Column("sealed", LargeBinary),
    moment("made_at"),
    moment("expires_at"),
    # What holds now; use_events tell who did it.
    moment("revoked_at", nullable=True),
    # Null in rows from before revision 0010, which are of version 1.
    Column("index_version", SmallInteger),
    CheckConstraint("(certificate_id IS NULL) <> (material_id IS NULL)", name="one_subject"),
    Index("ix_uses_request_index", "request_index"),
)


# One row for each holder of what is used: a holder's history is one scan of this key, newest first.
use_holders = Table(
    "use_holders",
    metadata,
    Column("holder_id", Uuid, ForeignKey("holders.id"), primary_key=True),
    Column("use_id", Uuid, ForeignKey("uses.id"), primary_key=True),
    Column("data_key", LargeBinary),
    Index("ix_use_holders_use_id", "use_id"),
)


use_codes = Table(
    "use_codes",
    metadata,
    # SHA-256 is enough: a code is 128 random bits, there is nothing to guess.
    Column("code_hash", LargeBinary, primary_key=True),
    Column("use_id", Uuid, ForeignKey("uses.id"), nullable=False, index=True),
    moment("issued_at"),
    moment("expires_at"),
    # A code is redeemed once, by one client.
    Column("redeemed_by", Text, ForeignKey("clients.id")),
    moment("redeemed_at", nullable=True),
)


# What a use rests on: one of the two. Without a row: the common statutory duty, as of most uses, and of all
# from before there were consents.
use_footings = Table(
    "use_footings",
    metadata,
    Column("use_id", Uuid, ForeignKey("uses.id"), primary_key=True),
    Column("legal_basis", Text),
    Column("consent_id", Uuid, ForeignKey("consents.id"), index=True),
    CheckConstraint("(legal_basis IS NULL) <> (consent_id IS NULL)", name="one_footing"),
)


use_copies = Table(
    "use_copies",
    metadata,
    Column("use_id", Uuid, ForeignKey("uses.id"), primary_key=True),
    Column("sha256", LargeBinary, nullable=False, unique=True),
    Column("size_bytes", Integer, nullable=False),
    Column("pages", Integer, nullable=False),
    Column("original_sha256", LargeBinary, nullable=False),
    Column("level", Text, nullable=False),
    Column("seal_id", Text, ForeignKey("seals.id"), nullable=False),
    # Null: from before revision 0010, in clear under its digest.
    Column("object_name", Text),
)


use_events = Table(
    "use_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("use_id", Uuid, ForeignKey("uses.id"), nullable=False, index=True),
    # make, code, redeem, revoke
    Column("action", Text, nullable=False),
    # A client's id, or `person:` and theirs.
    Column("actor", Text, nullable=False),
    moment("at"),
    # Of redemptions: what they rest on, as audit events write it.
    Column("footing", JSONB),
)
