"""Orders by which a holder is shown an access only later: written once, matched when a history is read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Row, Select, or_, select
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.history import CASE
from storage.tables import deferral_orders
from vault.model.deferral import DeferralOrder, OrderKind
from vault.model.written import case_number_form

# Purposes of blind indexes: of body and number, and of a whole order.
NUMBER = "deferral-number"
ORDER = "deferral-order"
# How the actors of auditors' looks begin.
AUDITOR = "auditor:"


def covering(holder_id: UUID, event: FromClause) -> Select[Any]:
    """Of the orders that cover an event of this holder's, the one that ends last: kind and end.

    By two indexes: orders for the holder, and orders for the event's case whoever is looked up. An auditor's
    look is covered by every order for the holder: it may have opened what the order keeps back.
    """
    order = deferral_orders
    audited = event.c.actor.startswith(AUDITOR)
    return (
        select(order.c.kind, order.c.ends_at)
        .where(
            or_(
                (order.c.holder_id == holder_id)
                & (order.c.case_index.is_(None) | (order.c.case_index == event.c.case_index) | audited),
                order.c.holder_id.is_(None) & (order.c.case_index == event.c.case_index),
            ),
            order.c.client_id.is_(None) | (order.c.client_id == event.c.actor) | audited,
            order.c.covers_from <= event.c.at,
            order.c.ends_at > event.c.at,
        )
        .order_by(order.c.ends_at.desc(), order.c.id)
        .limit(1)
    )


def insert_order(db: WriteConnection, keys: KeyRing, order: DeferralOrder, canonical: str) -> bool:
    """Records an order; False where its number is taken, or the order that it renews is renewed already."""
    data_key = keys.new_data_key(_place("data_key", order.order_id))
    content = {
        "number": order.number,
        "issuing_body": order.issuing_body,
        "legal_basis": order.legal_basis,
        "case_number": order.case_number,
    }
    statement = (
        insert(deferral_orders)
        .values(
            id=order.order_id,
            kind=order.kind,
            holder_id=order.holder_id,
            case_index=None
            if order.case_number is None
            else keys.index(CASE, case_number_form(order.case_number)),
            client_id=order.client_id,
            covers_from=order.covers_from,
            ends_at=order.ends_at,
            renews=order.renews,
            recorded_at=order.recorded_at,
            recorded_by=order.recorded_by,
            number_index=_number_index(keys, order.issuing_body, order.number),
            order_index=keys.index(ORDER, canonical),
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, content, _place("sealed", order.order_id)),
        )
        .on_conflict_do_nothing()
        .returning(deferral_orders.c.id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def find_order(db: ReadConnection, keys: KeyRing, order_id: UUID) -> DeferralOrder | None:
    """One order by its id."""
    row = db.execute(select(deferral_orders).where(deferral_orders.c.id == order_id)).one_or_none()
    return None if row is None else _order(keys, row)


def order_by_number(
    db: ReadConnection, keys: KeyRing, issuing_body: str, number: str, canonical: str
) -> tuple[DeferralOrder, bool] | None:
    """The order with this number of this body, and whether it is the very same order."""
    index = _number_index(keys, issuing_body, number)
    row = db.execute(select(deferral_orders).where(deferral_orders.c.number_index == index)).one_or_none()
    if row is None:
        return None
    return _order(keys, row), row.order_index == keys.index(ORDER, canonical)


def is_renewed(db: ReadConnection, order_id: UUID) -> bool:
    """Whether another order took on from this one."""
    query = select(deferral_orders.c.id).where(deferral_orders.c.renews == order_id)
    return db.execute(query).scalar_one_or_none() is not None


def orders_after(db: ReadConnection, keys: KeyRing, after: UUID, rows: int) -> tuple[DeferralOrder, ...]:
    """The next orders in the order of their recording."""
    query = (
        select(deferral_orders).where(deferral_orders.c.id > after).order_by(deferral_orders.c.id).limit(rows)
    )
    return tuple(_order(keys, row) for row in db.execute(query))


def _number_index(keys: KeyRing, issuing_body: str, number: str) -> bytes:
    return keys.index(NUMBER, f"{issuing_body}\x00{number}")


def _order(keys: KeyRing, row: Row[Any]) -> DeferralOrder:
    data_key = keys.data_key(row.data_key, _place("data_key", row.id))
    content: Mapping[str, Any] = open_json(data_key, row.sealed, _place("sealed", row.id))
    recorded_at: datetime = row.recorded_at
    return DeferralOrder(
        order_id=row.id,
        kind=OrderKind(row.kind),
        number=content["number"],
        issuing_body=content["issuing_body"],
        legal_basis=content["legal_basis"],
        holder_id=row.holder_id,
        case_number=content["case_number"],
        client_id=row.client_id,
        covers_from=row.covers_from,
        ends_at=row.ends_at,
        renews=row.renews,
        recorded_at=recorded_at,
        recorded_by=row.recorded_by,
    )


def _place(column: str, order_id: UUID) -> str:
    return f"deferral_orders.{column}:{order_id}"
