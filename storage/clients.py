"""Approval systems that may come in, and the SHA-256 of their secrets: never the secrets themselves."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, bindparam, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from storage.db import ReadConnection, WriteConnection
from storage.tables import client_secrets, clients
from vault.model.actors import ClientGrant

_GRANT: tuple[Column[Any], ...] = (clients.c.id, clients.c.name, clients.c.authorities)
_ENABLED = select(*_GRANT).where(clients.c.id == bindparam("client_id"), clients.c.disabled_at.is_(None))
ENABLED_CLIENT = str(_ENABLED.compile(dialect=PGDialect_psycopg()))  # type: ignore[no-untyped-call]  # its own gap
"""The same for the driver itself: every request of an approval system asks it once."""


def insert_client(db: WriteConnection, client: ClientGrant, at: datetime) -> bool:
    """Keeps a new client; False where its id is taken."""
    statement = (
        insert(clients)
        .values(id=client.client_id, name=client.name, authorities=sorted(client.authorities), created_at=at)
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(clients.c.id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def insert_secret(db: WriteConnection, client_id: str, secret_hash: bytes, at: datetime) -> None:
    """Gives a client one more secret, without an end."""
    db.execute(insert(client_secrets).values(client_id=client_id, secret_hash=secret_hash, created_at=at))


def end_secrets(db: WriteConnection, client_id: str, expires_at: datetime) -> None:
    """Lets every secret of a client end by `expires_at`; one that ends sooner keeps its end."""
    db.execute(
        update(client_secrets)
        .where(client_secrets.c.client_id == client_id)
        .where(or_(client_secrets.c.expires_at.is_(None), client_secrets.c.expires_at > expires_at))
        .values(expires_at=expires_at)
    )


def disable_client(db: WriteConnection, client_id: str, at: datetime) -> bool:
    """Shuts a client out from now on; False where there is no such client. A repeat keeps the first time."""
    statement = update(clients).where(clients.c.id == client_id, clients.c.disabled_at.is_(None))
    db.execute(statement.values(disabled_at=at))
    return db.execute(select(clients.c.id).where(clients.c.id == client_id)).scalar_one_or_none() is not None


def find_client(db: ReadConnection | WriteConnection, client_id: str) -> ClientGrant | None:
    """A client that is not disabled: one read by primary key."""
    row = db.execute(_ENABLED, {"client_id": client_id}).one_or_none()
    return None if row is None else grant_of(row)


def grant_of(row: Row[Any]) -> ClientGrant:
    """The grant in a row of `_GRANT`, whoever read it."""
    return ClientGrant(row.id, row.name, frozenset(row.authorities))


def find_client_by_secret(
    db: ReadConnection, client_id: str, secret_hash: bytes, at: datetime
) -> ClientGrant | None:
    """The client, where it is not disabled and has this secret at this time."""
    query = (
        select(*_GRANT)
        .join(client_secrets, client_secrets.c.client_id == clients.c.id)
        .where(clients.c.id == client_id, clients.c.disabled_at.is_(None))
        .where(client_secrets.c.secret_hash == secret_hash)
        .where(or_(client_secrets.c.expires_at.is_(None), client_secrets.c.expires_at > at))
    )
    row = db.execute(query).one_or_none()
    return None if row is None else grant_of(row)
