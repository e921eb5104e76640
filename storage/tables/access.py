"""Who may come in: approval systems and people, what they prove it with, and what may not be shown twice."""

from sqlalchemy import (
    ARRAY,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import metadata, moment

clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # USCCs of the authorities for which this approval system deposits.
    Column("authorities", ARRAY(Text), nullable=False),
    moment("created_at"),
    moment("disabled_at", nullable=True),
    # Codes of the certificate types that it deposits and changes for them; null for all.
    Column("types", ARRAY(Text)),
    # The legal basis of the function under which it asks; null for that of every approval system.
    Column("legal_basis", Text),
    # USCC of an organisation without such a function: its client asks on consents only.
    Column("organisation", Text),
)


client_secrets = Table(
    "client_secrets",
    metadata,
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    # SHA-256 is enough: a secret is 256 random bits, there is nothing to guess.
    Column("secret_hash", LargeBinary, primary_key=True),
    moment("created_at"),
    moment("expires_at", nullable=True),
)


# Public keys with which a client signs its assertions (RFC 7523).
client_keys = Table(
    "client_keys",
    metadata,
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    Column("kid", Text, primary_key=True),
    Column("jwk", JSONB, nullable=False),
    moment("created_at"),
    moment("expires_at", nullable=True),
)


# Assertions that were taken, until they would be refused for their age anyway.
used_assertions = Table(
    "used_assertions",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("jti_hash", LargeBinary, primary_key=True),
    moment("expires_at"),
    Index("ix_used_assertions_expires_at", "expires_at"),
)


people = Table(
    "people",
    metadata,
    Column("id", Uuid, primary_key=True),
    # Who introduced them (OpenID Connect): the provider's identifier, and the blind index of `sub` there,
    # since some providers take an ID number for it.
    Column("issuer", Text, nullable=False),
    Column("subject_index", LargeBinary, nullable=False),
    Column("index_version", SmallInteger, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    # USCC: public.
    Column("organisation", Text),
    Column("assurance", SmallInteger, nullable=False),
    Column("code_type", Text),
    Column("code_index", LargeBinary),
    Column("data_key", LargeBinary, nullable=False),
    # JSON: subject, name, code.
    Column("sealed", LargeBinary, nullable=False),
    moment("created_at"),
    moment("signed_in_at"),
    UniqueConstraint("issuer", "subject_index"),
)


web_sessions = Table(
    "web_sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    # Which provider of the configuration: where signing out goes on.
    Column("provider", Text, nullable=False),
    moment("started_at"),
    moment("seen_at"),
    moment("expires_at"),
    Index("ix_web_sessions_expires_at", "expires_at"),
)


# Sign-ins that a browser has begun at a provider. The browser has the secret, this row its SHA-256.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("attempt_hash", LargeBinary, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("return_to", Text, nullable=False),
    moment("expires_at"),
    Index("ix_sign_in_attempts_expires_at", "expires_at"),
)
