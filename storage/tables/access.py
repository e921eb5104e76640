"""Who may come in."""

from sqlalchemy import (
    ARRAY,
    Column,
    ForeignKey,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

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
    Column("index_version", SmallInteger),
)


web_sessions = Table(
    "web_sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False),
    moment("started_at"),
    moment("expires_at"),
)
