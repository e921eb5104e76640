"""Approval systems that may come in: SHA-256 of their secrets, their public keys, what they have shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Row, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from storage.db import ReadConnection, WriteConnection
from storage.round_trip import ask_together
from storage.tables import client_keys, client_secrets, clients, used_assertions
from vault.model.actors import ClientFile, ClientGrant, PublicKey
from vault.model.footing import STATUTORY_DUTY, ByConsent, Standing, Statutory

_GRANT: tuple[Column[Any], ...] = (
    clients.c.id,
    clients.c.name,
    clients.c.authorities,
    clients.c.types,
    clients.c.legal_basis,
    clients.c.organisation,
)
# More than anybody looks through; a city connects some dozens.
ORGANISATIONS_MAX = 500
_ENABLED = select(*_GRANT).where(clients.c.id == bindparam("client_id"), clients.c.disabled_at.is_(None))
ENABLED_CLIENT = str(_ENABLED.compile(dialect=PGDialect_psycopg()))  # type: ignore[no-untyped-call]  # its own gap
"""The same for the driver itself: every request of an approval system asks it once."""


@dataclass(frozen=True, slots=True)
class AskingOrganisation:
    """A system of an organisation that asks by consent: its USCC, and the name that it goes by."""

    client_id: str
    organisation: str
    name: str


def asking_organisations(db: ReadConnection) -> tuple[AskingOrganisation, ...]:
    """Every system that asks by consent and may come in, by name."""
    query = (
        select(clients.c.id, clients.c.organisation, clients.c.name)
        .where(clients.c.organisation.is_not(None), clients.c.disabled_at.is_(None))
        .order_by(clients.c.name, clients.c.id)
        .limit(ORGANISATIONS_MAX)
    )
    return tuple(AskingOrganisation(row.id, row.organisation, row.name) for row in db.execute(query))


def insert_client(db: WriteConnection, client: ClientGrant, at: datetime) -> bool:
    """Keeps a new client; False where its id is taken."""
    statement = (
        insert(clients)
        .values(
            id=client.client_id,
            name=client.name,
            authorities=sorted(client.authorities),
            types=None if client.types is None else sorted(client.types),
            **_standing_columns(client.standing),
            created_at=at,
        )
        .on_conflict_do_nothing(index_elements=["id"])
        .returning(clients.c.id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def insert_secret(db: WriteConnection, client_id: str, secret_hash: bytes, at: datetime) -> None:
    """Gives a client one more secret, without an end."""
    db.execute(insert(client_secrets).values(client_id=client_id, secret_hash=secret_hash, created_at=at))


def insert_keys(db: WriteConnection, client_id: str, keys: Sequence[PublicKey], at: datetime) -> None:
    """Gives a client these keys, without an end; one that it had under the same id is replaced."""
    statement = insert(client_keys)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["client_id", "kid"],
            set_={"jwk": statement.excluded.jwk, "created_at": at, "expires_at": None},
        ),
        [
            {
                "client_id": client_id,
                "kid": key.kid,
                "jwk": dict(key.jwk),
                "created_at": at,
                "expires_at": None,
            }
            for key in keys
        ],
    )


def end_secrets(db: WriteConnection, client_id: str, expires_at: datetime) -> None:
    """Lets every secret of a client end by `expires_at`; one that ends sooner keeps its end."""
    db.execute(
        update(client_secrets)
        .where(client_secrets.c.client_id == client_id)
        .where(or_(client_secrets.c.expires_at.is_(None), client_secrets.c.expires_at > expires_at))
        .values(expires_at=expires_at)
    )


def end_older_secrets(db: WriteConnection, client_id: str, at: datetime) -> None:
    """Ends every secret of a client but the newest, at once."""
    newest = select(func.max(client_secrets.c.created_at)).where(client_secrets.c.client_id == client_id)
    db.execute(
        update(client_secrets)
        .where(client_secrets.c.client_id == client_id)
        .where(client_secrets.c.created_at < newest.scalar_subquery())
        .where(or_(client_secrets.c.expires_at.is_(None), client_secrets.c.expires_at > at))
        .values(expires_at=at)
    )


def end_keys(db: WriteConnection, client_id: str, expires_at: datetime) -> None:
    """Lets every key of a client end by `expires_at`; one that ends sooner keeps its end."""
    db.execute(
        update(client_keys)
        .where(client_keys.c.client_id == client_id)
        .where(or_(client_keys.c.expires_at.is_(None), client_keys.c.expires_at > expires_at))
        .values(expires_at=expires_at)
    )


def lock_client(db: WriteConnection, client_id: str) -> ClientGrant | None:
    """A client that is not disabled; its row is held until the transaction ends."""
    query = select(*_GRANT).where(clients.c.id == client_id, clients.c.disabled_at.is_(None))
    row = db.execute(query.with_for_update(key_share=True)).one_or_none()
    return None if row is None else grant_of(row)


def disable_client(db: WriteConnection, client_id: str, at: datetime) -> bool:
    """Shuts a client out from now on; False where there is no such client. A repeat keeps the first time."""
    statement = update(clients).where(clients.c.id == client_id, clients.c.disabled_at.is_(None))
    db.execute(statement.values(disabled_at=at))
    return db.execute(select(clients.c.id).where(clients.c.id == client_id)).scalar_one_or_none() is not None


def find_client(db: ReadConnection | WriteConnection, client_id: str) -> ClientGrant | None:
    """A client that is not disabled: one read by primary key."""
    (rows,) = ask_together(db, (_ENABLED, {"client_id": client_id}))
    return grant_of(rows[0]) if rows else None


def grant_of(row: Row[*tuple[Any, ...]]) -> ClientGrant:
    """The grant in a row of `_GRANT`, whoever read it."""
    types = None if row.types is None else frozenset(row.types)
    standing: Standing = Statutory(row.legal_basis or STATUTORY_DUTY)
    if row.organisation is not None:
        standing = ByConsent(row.organisation)
    return ClientGrant(row.id, row.name, frozenset(row.authorities), types, standing=standing)


def _standing_columns(standing: Standing) -> dict[str, str | None]:
    match standing:
        case Statutory(legal_basis):
            return {"legal_basis": legal_basis, "organisation": None}
        case ByConsent(organisation):
            return {"legal_basis": None, "organisation": organisation}


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


def live_keys(db: ReadConnection, client_id: str, at: datetime) -> tuple[PublicKey, ...]:
    """The keys that a client may sign with at this time; none where it is disabled."""
    query = (
        select(client_keys.c.kid, client_keys.c.jwk, client_keys.c.expires_at)
        .join(clients, clients.c.id == client_keys.c.client_id)
        .where(clients.c.id == client_id, clients.c.disabled_at.is_(None))
        .where(or_(client_keys.c.expires_at.is_(None), client_keys.c.expires_at > at))
        .order_by(client_keys.c.kid)
    )
    return tuple(PublicKey(*row) for row in db.execute(query))


def use_assertion(db: WriteConnection, client_id: str, jti_hash: bytes, expires_at: datetime) -> bool:
    """Notes that a client showed an assertion; False where it did before, in whichever process."""
    statement = (
        insert(used_assertions)
        .values(client_id=client_id, jti_hash=jti_hash, expires_at=expires_at)
        .on_conflict_do_nothing(index_elements=["client_id", "jti_hash"])
        .returning(used_assertions.c.client_id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def forget_assertions(db: WriteConnection, at: datetime) -> int:
    """Deletes what is too old to be shown again anyway; how many there were."""
    return db.execute(delete(used_assertions).where(used_assertions.c.expires_at <= at)).rowcount


def client_files(db: ReadConnection, at: datetime, client_id: str | None = None) -> tuple[ClientFile, ...]:
    """Every client, or the one with this id, disabled ones too: three statements for any number."""
    heads = select(*_GRANT, clients.c.created_at, clients.c.disabled_at).order_by(clients.c.id)
    secrets = select(client_secrets.c.client_id, client_secrets.c.expires_at).where(
        or_(client_secrets.c.expires_at.is_(None), client_secrets.c.expires_at > at)
    )
    keys = select(
        client_keys.c.client_id, client_keys.c.kid, client_keys.c.jwk, client_keys.c.expires_at
    ).where(or_(client_keys.c.expires_at.is_(None), client_keys.c.expires_at > at))
    if client_id is not None:
        heads = heads.where(clients.c.id == client_id)
        secrets = secrets.where(client_secrets.c.client_id == client_id)
        keys = keys.where(client_keys.c.client_id == client_id)
    ends: dict[str, list[datetime | None]] = {}
    for owner, expires_at in db.execute(secrets.order_by(client_secrets.c.created_at)):
        ends.setdefault(owner, []).append(expires_at)
    owned: dict[str, list[PublicKey]] = {}
    for owner, *key in db.execute(keys.order_by(client_keys.c.kid)):
        owned.setdefault(owner, []).append(PublicKey(*key))
    return tuple(
        ClientFile(
            grant_of(row),
            row.created_at,
            row.disabled_at,
            tuple(ends.get(row.id, ())),
            tuple(owned.get(row.id, ())),
        )
        for row in db.execute(heads)
    )
