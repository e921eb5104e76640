"""Deliveries of webhooks: a range of the feed each, and how far it has come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import clients, webhook_deliveries, webhooks
from vault.model.actors import ClientGrant

_rows = webhook_deliveries.c


class DeliveryState(StrEnum):
    """`dead`: given up; a dead letter until somebody replays it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """The changes after one place and through another, on their way to a webhook."""

    delivery_id: UUID
    webhook_id: UUID
    after: int
    through: int
    state: DeliveryState
    tries: int
    failure: str | None
    created_at: datetime
    next_try_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class BehindFeed:
    """A webhook for which the feed has news, and who may see what."""

    client: ClientGrant
    cut_through: int
    pending: int


def insert_delivery(db: WriteConnection, new: Delivery) -> None:
    """Keeps a new delivery."""
    db.execute(
        insert(webhook_deliveries).values(
            id=new.delivery_id,
            webhook_id=new.webhook_id,
            after_position=new.after,
            through_position=new.through,
            state=new.state,
            tries=new.tries,
            created_at=new.created_at,
            next_try_at=new.next_try_at,
        )
    )


def find_delivery(db: ReadConnection, delivery_id: UUID, *, lock: bool = False) -> Delivery | None:
    """One delivery; `lock` holds its row until the transaction ends."""
    query = select(webhook_deliveries).where(_rows.id == delivery_id)
    row = db.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _delivery(row)


def save_delivery(db: WriteConnection, changed: Delivery) -> None:
    """Writes how far a locked delivery has come."""
    db.execute(
        update(webhook_deliveries)
        .where(_rows.id == changed.delivery_id)
        .values(
            state=changed.state,
            tries=changed.tries,
            failure=changed.failure,
            next_try_at=changed.next_try_at,
            settled_at=changed.settled_at,
        )
    )


def dead_deliveries(
    db: ReadConnection, webhook_id: UUID | None, limit: int
) -> tuple[tuple[Delivery, str], ...]:
    """Dead letters, the newest first, each with its client."""
    query = (
        select(webhook_deliveries, webhooks.c.client_id)
        .join(webhooks, webhooks.c.id == _rows.webhook_id)
        .where(_rows.state == DeliveryState.DEAD.value)
        .order_by(_rows.settled_at.desc(), _rows.id)
        .limit(limit)
    )
    if webhook_id is not None:
        query = query.where(_rows.webhook_id == webhook_id)
    return tuple((_delivery(row), row.client_id) for row in db.execute(query))


def unsettled_counts(db: ReadConnection) -> dict[DeliveryState, int]:
    """How many deliveries are pending and how many dead."""
    found = {}
    for state in (DeliveryState.PENDING, DeliveryState.DEAD):
        query = select(func.count()).select_from(webhook_deliveries).where(_rows.state == state.value)
        found[state] = int(db.execute(query).scalar_one())
    return found


def delivery_counts(db: ReadConnection) -> tuple[tuple[UUID, str, int, int, datetime | None], ...]:
    """Every webhook with its client, deliveries under way, those given up, and when one arrived last."""
    of = _rows.webhook_id == webhooks.c.id
    query = select(
        webhooks.c.id,
        webhooks.c.client_id,
        select(func.count()).where(of, _rows.state == DeliveryState.PENDING.value).scalar_subquery(),
        select(func.count()).where(of, _rows.state == DeliveryState.DEAD.value).scalar_subquery(),
        select(func.max(_rows.settled_at))
        .where(of, _rows.state == DeliveryState.DELIVERED.value)
        .scalar_subquery(),
    ).order_by(webhooks.c.client_id, webhooks.c.id)
    return tuple((row[0], row[1], row[2], row[3], row[4]) for row in db.execute(query))


def behind_feed(db: ReadConnection, last: int, pending_max: int) -> tuple[UUID, ...]:
    """Webhooks of enabled clients for which the feed may have news, and that may have more under way."""
    query = (
        _behind()
        .where(webhooks.c.cut_through < last)
        .having(func.count(_rows.id) < pending_max)
        .order_by(webhooks.c.id)
    )
    return tuple(row.id for row in db.execute(query))


def lock_behind(db: WriteConnection, webhook_id: UUID) -> BehindFeed | None:
    """Holds a webhook until the transaction ends; None where another one does, or it is gone."""
    held = (
        select(webhooks.c.id)
        .where(webhooks.c.id == webhook_id)
        .with_for_update(key_share=True, skip_locked=True)
    )
    if db.execute(held).one_or_none() is None:
        return None
    row = db.execute(_behind().where(webhooks.c.id == webhook_id)).one_or_none()
    if row is None:
        return None
    types = None if row.types is None else frozenset(row.types)
    client = ClientGrant(row.client_id, row.name, frozenset(row.authorities), types)
    return BehindFeed(client, row.cut_through, row.pending)


def set_cut_through(db: WriteConnection, webhook_id: UUID, position: int) -> None:
    """Deliveries of a locked webhook have been cut up to here."""
    db.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(cut_through=position))


def stranded_deliveries(db: WriteConnection, before: datetime, limit: int) -> Sequence[UUID]:
    """Holds pending deliveries whose next try was due before this time."""
    query = (
        select(_rows.id)
        .where(_rows.state == DeliveryState.PENDING.value, _rows.next_try_at < before)
        .order_by(_rows.next_try_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return db.execute(query).scalars().all()


def delay_deliveries(db: WriteConnection, delivery_ids: Sequence[UUID], next_try_at: datetime) -> None:
    """Their next try is then."""
    statement = update(webhook_deliveries).where(_rows.id.in_(delivery_ids))
    db.execute(statement.values(next_try_at=next_try_at))


def forget_delivered(db: WriteConnection, before: datetime, limit: int) -> None:
    """Deletes deliveries that arrived before this time, the oldest first."""
    old = (
        select(_rows.id)
        .where(_rows.state == DeliveryState.DELIVERED.value, _rows.settled_at < before)
        .order_by(_rows.settled_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    db.execute(delete(webhook_deliveries).where(_rows.id.in_(old)))


def _behind() -> Select[Any]:
    """Webhooks of enabled clients with what they have under way."""
    under_way = and_(_rows.webhook_id == webhooks.c.id, _rows.state == DeliveryState.PENDING.value)
    return (
        select(
            webhooks.c.id,
            webhooks.c.client_id,
            webhooks.c.cut_through,
            clients.c.name,
            clients.c.authorities,
            clients.c.types,
            func.count(_rows.id).label("pending"),
        )
        .join(clients, clients.c.id == webhooks.c.client_id)
        .outerjoin(webhook_deliveries, under_way)
        .where(clients.c.disabled_at.is_(None))
        .group_by(webhooks.c.id, clients.c.id)
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        delivery_id=row.id,
        webhook_id=row.webhook_id,
        after=row.after_position,
        through=row.through_position,
        state=DeliveryState(row.state),
        tries=row.tries,
        failure=row.failure,
        created_at=row.created_at,
        next_try_at=row.next_try_at,
        settled_at=row.settled_at,
    )
