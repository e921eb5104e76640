"""Webhooks and their secrets: addresses and secrets in envelopes, found by a blind index of the address."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.key_state import found_by
from storage.tables import clients, webhook_deliveries, webhook_secrets, webhooks

# Purpose of the blind index.
URL = "webhook-url"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a client has its changes sent. `cut_through`: the place up to which deliveries have been cut."""

    webhook_id: UUID
    client_id: str
    url: str = field(repr=False)
    created_at: datetime
    cut_through: int


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """What deliveries are signed with; `expires_at` None while it is the newest."""

    secret_id: UUID
    secret: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookState:
    """A webhook as it stands: deliveries under way and given up, and when one arrived last."""

    webhook: Webhook
    pending: int
    dead: int
    delivered_at: datetime | None


def lock_client(db: WriteConnection, client_id: str) -> bool:
    """Holds a client until the transaction ends; False where it is not there or disabled."""
    query = (
        select(clients.c.id)
        .where(clients.c.id == client_id, clients.c.disabled_at.is_(None))
        .with_for_update(key_share=True)
    )
    return db.execute(query).scalar_one_or_none() is not None


def count_webhooks(db: ReadConnection, client_id: str) -> int:
    """How many a client has."""
    query = select(func.count()).select_from(webhooks).where(webhooks.c.client_id == client_id)
    return int(db.execute(query).scalar_one())


def insert_webhook(db: WriteConnection, keys: KeyRing, new: Webhook) -> bool:
    """Keeps a webhook; False where the client, whose row the caller holds, has one for this address."""
    same = select(webhooks.c.id).where(
        webhooks.c.client_id == new.client_id, found_by(webhooks.c.url_index, keys, (URL, new.url))
    )
    if db.execute(same).first() is not None:
        return False
    data_key = keys.new_data_key(f"webhooks.data_key:{new.webhook_id}")
    statement = (
        insert(webhooks)
        .values(
            id=new.webhook_id,
            client_id=new.client_id,
            **url_index_values(keys, new.url),
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, {"url": new.url}, f"webhooks.sealed:{new.webhook_id}"),
            created_at=new.created_at,
            cut_through=new.cut_through,
        )
        .on_conflict_do_nothing(index_elements=["client_id", "url_index"])
        .returning(webhooks.c.id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def url_index_values(keys: KeyRing, url: str) -> dict[str, object]:
    """The columns by which a webhook is found, under the active index key."""
    return {"url_index": keys.index(URL, url), "index_version": keys.index_version}


def find_webhook(
    db: ReadConnection, keys: KeyRing, webhook_id: UUID, *, lock: bool = False
) -> Webhook | None:
    """One webhook; `lock` holds its row until the transaction ends."""
    query = select(webhooks).where(webhooks.c.id == webhook_id)
    row = db.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
    return None if row is None else _webhook(keys, row)


def all_webhooks(db: ReadConnection, keys: KeyRing, client_id: str | None) -> Iterator[WebhookState]:
    """The webhooks of a client, or all, oldest first, each with what became of its deliveries."""
    of = webhook_deliveries.c.webhook_id == webhooks.c.id
    state = webhook_deliveries.c.state
    query = select(
        webhooks,
        select(func.count()).where(of, state == "pending").scalar_subquery().label("pending"),
        select(func.count()).where(of, state == "dead").scalar_subquery().label("dead"),
        select(func.max(webhook_deliveries.c.settled_at))
        .where(of, state == "delivered")
        .scalar_subquery()
        .label("delivered_at"),
    ).order_by(webhooks.c.client_id, webhooks.c.id)
    if client_id is not None:
        query = query.where(webhooks.c.client_id == client_id)
    for row in db.execute(query):
        yield WebhookState(_webhook(keys, row), row.pending, row.dead, row.delivered_at)


def delete_webhook(db: WriteConnection, webhook_id: UUID) -> None:
    """Forgets a webhook with its secrets and deliveries."""
    db.execute(delete(webhook_deliveries).where(webhook_deliveries.c.webhook_id == webhook_id))
    db.execute(delete(webhook_secrets).where(webhook_secrets.c.webhook_id == webhook_id))
    db.execute(delete(webhooks).where(webhooks.c.id == webhook_id))


def insert_signing_secret(db: WriteConnection, keys: KeyRing, webhook_id: UUID, new: SigningSecret) -> None:
    """Gives a webhook one more secret."""
    data_key = keys.new_data_key(f"webhook_secrets.data_key:{new.secret_id}")
    db.execute(
        insert(webhook_secrets).values(
            id=new.secret_id,
            webhook_id=webhook_id,
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, {"secret": new.secret}, f"webhook_secrets.sealed:{new.secret_id}"),
            created_at=new.created_at,
            expires_at=new.expires_at,
        )
    )


def signing_secrets(
    db: ReadConnection, keys: KeyRing, webhook_id: UUID, at: datetime
) -> tuple[SigningSecret, ...]:
    """The secrets of a webhook that are good at this time, newest first."""
    query = (
        select(webhook_secrets)
        .where(webhook_secrets.c.webhook_id == webhook_id)
        .where(or_(webhook_secrets.c.expires_at.is_(None), webhook_secrets.c.expires_at > at))
        .order_by(webhook_secrets.c.created_at.desc(), webhook_secrets.c.id.desc())
    )
    return tuple(_secret(keys, row) for row in db.execute(query))


def end_signing_secret(db: WriteConnection, secret_id: UUID, expires_at: datetime) -> None:
    """Lets a secret that has no end yet, or a later one, end at this time."""
    of = webhook_secrets.c.expires_at
    db.execute(
        update(webhook_secrets)
        .where(webhook_secrets.c.id == secret_id, or_(of.is_(None), of > expires_at))
        .values(expires_at=expires_at)
    )


def forget_signing_secrets(db: WriteConnection, secret_ids: Sequence[UUID]) -> None:
    """Deletes secrets that sign nothing any more."""
    db.execute(delete(webhook_secrets).where(webhook_secrets.c.id.in_(secret_ids)))


def _webhook(keys: KeyRing, row: Row[Any]) -> Webhook:
    data_key = keys.data_key(row.data_key, f"webhooks.data_key:{row.id}")
    url = open_json(data_key, row.sealed, f"webhooks.sealed:{row.id}")["url"]
    return Webhook(row.id, row.client_id, url, row.created_at, row.cut_through)


def _secret(keys: KeyRing, row: Row[Any]) -> SigningSecret:
    data_key = keys.data_key(row.data_key, f"webhook_secrets.data_key:{row.id}")
    secret = open_json(data_key, row.sealed, f"webhook_secrets.sealed:{row.id}")["secret"]
    return SigningSecret(row.id, secret, row.created_at, row.expires_at)
