"""What holders grant: consents to organisations, delegations to other people, and presentations."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
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

consents = Table(
    "consents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("holder_id", Uuid, ForeignKey("holders.id"), nullable=False),
    # USCC: public.
    Column("organisation", Text, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    # Keys of the face, no values; null for all of it.
    Column("fields", ARRAY(Text)),
    Column("service_item", Text),
    # JSON: purpose. Under the holder's key; null once they are erased.
    Column("sealed", LargeBinary),
    # First and last day, in China.
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=False),
    Column("uses_max", Integer, nullable=False),
    # What holds now; consent_events tell of each use.
    Column("uses_left", Integer, nullable=False),
    moment("made_at"),
    moment("revoked_at", nullable=True),
    CheckConstraint("uses_left BETWEEN 0 AND uses_max", name="uses"),
    Index("ix_consents_holder_id_organisation", "holder_id", "organisation"),
)


consent_events = Table(
    "consent_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("consent_id", Uuid, ForeignKey("consents.id"), nullable=False, index=True),
    # grant, use, revoke
    Column("action", Text, nullable=False),
    # A client's id, or `person:` and theirs.
    Column("actor", Text, nullable=False),
    # Of uses: holdings, reuse-check, use, use-redeem; of which certificate, where it was one; and what only
    # the holder's key derives from the request, which counts once however often it is repeated within some
    # minutes.
    Column("look", Text),
    Column("certificate_id", Uuid, ForeignKey("certificates.id")),
    Column("request_tag", LargeBinary),
    moment("at"),
)


delegations = Table(
    "delegations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("holder_id", Uuid, ForeignKey("holders.id"), nullable=False, index=True),
    # The delegate need not be known yet: the same blind index as of holders and people. Random bytes once the
    # holder or the delegate is erased.
    Column("delegate_index", LargeBinary, nullable=False, index=True),
    Column("index_version", SmallInteger, nullable=False),
    Column("types", ARRAY(Text), nullable=False),
    # download, present
    Column("actions", ARRAY(Text), nullable=False),
    # JSON: holder_name, delegate (code_type, code; null once they are erased). Under the holder's key; null
    # once they are erased themselves.
    Column("sealed", LargeBinary),
    Column("valid_from", Date, nullable=False),
    Column("valid_to", Date, nullable=False),
    moment("made_at"),
    moment("accepted_at", nullable=True),
    moment("revoked_at", nullable=True),
)


delegation_events = Table(
    "delegation_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("delegation_id", Uuid, ForeignKey("delegations.id"), nullable=False, index=True),
    # grant, accept, view, download, present, revoke
    Column("action", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("certificate_id", Uuid, ForeignKey("certificates.id")),
    # No personal data.
    Column("details", JSONB, nullable=False),
    moment("at"),
)


presentations = Table(
    "presentations",
    metadata,
    Column("id", Uuid, primary_key=True),
    # SHA-256 is enough: a code is 128 random bits, there is nothing to guess.
    Column("code_hash", LargeBinary, nullable=False, unique=True),
    Column("certificate_id", Uuid, ForeignKey("certificates.id"), nullable=False),
    Column("holder_id", Uuid, ForeignKey("holders.id"), nullable=False, index=True),
    Column("delegation_id", Uuid, ForeignKey("delegations.id")),
    Column("made_by", Uuid, ForeignKey("people.id"), nullable=False),
    Column("fields", ARRAY(Text)),
    moment("made_at"),
    moment("expires_at"),
    # When its code was spent; its events say by what.
    moment("redeemed_at", nullable=True),
)


presentation_events = Table(
    "presentation_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("presentation_id", Uuid, ForeignKey("presentations.id"), nullable=False, index=True),
    # make, redeem, end
    Column("action", Text, nullable=False),
    # A client's id, `person:` and theirs, or `anyone`.
    Column("actor", Text, nullable=False),
    moment("at"),
)
