"""Orders by which a holder is shown an access only later: written once, matched when a history is read.

What an order says is sealed under the key of the holder whom it names, and goes with them; where it names
none, under the vault's own.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    LargeBinary,
    Row,
    Select,
    Uuid,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import (
    BY_A_ROW,
    DataKey,
    KeyRing,
    open_json,
    seal_json,
    unwrap_key,
    version_of,
    wrap_key,
)
from storage.history import CASE
from storage.key_state import found_by
from storage.record_keys import KnownHolder, holder_key
from storage.tables import deferral_orders, holders
from vault.model.deferral import DeferralOrder, OrderKind
from vault.model.written import case_number_form

# Purpose of the blind index of body and number.
NUMBER = "deferral-number"
# How the actors of auditors' looks begin.
AUDITOR = "auditor:"
# Of what stands in the place of an index whose text nobody knows any more.
INDEX_BYTES = 32


def covering(holder_id: UUID, event: FromClause, aliases: Sequence[tuple[UUID, bytes]]) -> Select[Any]:
    """Of the orders that cover an event of this holder's, the one that ends last: kind and end.

    By two indexes: orders for the holder, and orders for the event's case whoever is looked up. An auditor's
    look is covered by every order for the holder: it may have opened what the order keeps back. `aliases`:
    from `other_case_indexes`.
    """
    order = deferral_orders
    audited = event.c.actor.startswith(AUDITOR)
    of_case = _of_case(event, aliases)
    return (
        select(order.c.kind, order.c.ends_at)
        .where(
            or_(
                (order.c.holder_id == holder_id) & (order.c.case_index.is_(None) | of_case | audited),
                order.c.holder_id.is_(None) & of_case,
            ),
            order.c.client_id.is_(None) | (order.c.client_id == event.c.actor) | audited,
            order.c.covers_from <= event.c.at,
            order.c.ends_at > event.c.at,
        )
        .order_by(order.c.ends_at.desc(), order.c.id)
        .limit(1)
    )


def other_case_indexes(db: ReadConnection, keys: KeyRing) -> tuple[tuple[UUID, bytes], ...]:
    """The orders for cases, each with the indexes under which events of its case may stand beside its own.

    While a rotation is under way an order may be of one index key and an event of another. Nothing, and no
    statement, where the key ring has one index key, as it has unless a rotation began and nobody retired the
    older key yet.

    Raises:
        IntegrityError: an envelope does not open.
    """
    if len(keys.index_versions) == 1:
        return ()
    rows = db.execute(orders_with_keys().where(deferral_orders.c.case_index.is_not(None))).all()
    return tuple(
        (row.id, index)
        for row in rows
        for number in [order_of(keys, row).case_number]
        if number is not None
        for index in keys.indexes(CASE, case_number_form(number))
        if index != row.case_index
    )


def insert_order(
    db: WriteConnection, keys: KeyRing, order: DeferralOrder, holder: KnownHolder | None
) -> bool:
    """Records an order; False where its number is taken, or the order that it renews is renewed already.

    `holder`: whom it names, held by the caller.
    """
    place = order_place("data_key", order.order_id)
    data_key = keys.new_data_key(place) if holder is None else keys.new_record_key()
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
            client_id=order.client_id,
            covers_from=order.covers_from,
            ends_at=order.ends_at,
            renews=order.renews,
            recorded_at=order.recorded_at,
            recorded_by=order.recorded_by,
            data_key=data_key.wrapped if holder is None else wrap_key(holder.key, data_key, place),
            sealed=seal_json(data_key, content, order_place("sealed", order.order_id)),
            **order_index_values(keys, order),
        )
        .on_conflict_do_nothing()
        .returning(deferral_orders.c.id)
    )
    return db.execute(statement).scalar_one_or_none() is not None


def order_index_values(keys: KeyRing, order: DeferralOrder) -> dict[str, object]:
    """The columns by which an order is found and matched, under the active index key; erased, by nothing."""
    return {
        "case_index": None
        if order.case_number is None
        else keys.index(CASE, case_number_form(order.case_number)),
        "number_index": secrets.token_bytes(INDEX_BYTES)
        if order.issuing_body is None or order.number is None
        else keys.index(NUMBER, number_text(order.issuing_body, order.number)),
        "index_version": keys.index_version,
    }


def number_text(issuing_body: str, number: str) -> str:
    """The text of the index under which an order's number is found."""
    return f"{issuing_body}\x00{number}"


def find_order(db: ReadConnection, keys: KeyRing, order_id: UUID) -> DeferralOrder | None:
    """One order by its id."""
    row = db.execute(orders_with_keys().where(deferral_orders.c.id == order_id)).one_or_none()
    return None if row is None else order_of(keys, row)


def order_by_number(
    db: ReadConnection, keys: KeyRing, issuing_body: str, number: str
) -> DeferralOrder | None:
    """The order with this number of this body."""
    text = (NUMBER, number_text(issuing_body, number))
    query = orders_with_keys().where(found_by(deferral_orders.c.number_index, keys, text))
    row = db.execute(query).one_or_none()
    return None if row is None else order_of(keys, row)


def is_renewed(db: ReadConnection, order_id: UUID) -> bool:
    """Whether another order took on from this one."""
    query = select(deferral_orders.c.id).where(deferral_orders.c.renews == order_id)
    return db.execute(query).scalar_one_or_none() is not None


def count_standing(db: ReadConnection, holder_id: UUID, at: datetime) -> int:
    """How many orders that name this holder have not ended."""
    query = select(func.count()).where(
        deferral_orders.c.holder_id == holder_id, deferral_orders.c.ends_at > at
    )
    return int(db.execute(query).scalar_one())


def orders_after(db: ReadConnection, keys: KeyRing, after: UUID, rows: int) -> tuple[DeferralOrder, ...]:
    """The next orders in the order of their recording."""
    query = orders_with_keys().where(deferral_orders.c.id > after).order_by(deferral_orders.c.id).limit(rows)
    return tuple(order_of(keys, row) for row in db.execute(query))


def orders_with_keys() -> Select[Any]:
    """Every order's row with the wrapped key of the holder whom it names."""
    return select(deferral_orders, holders.c.data_key.label("holder_key")).outerjoin(
        holders, holders.c.id == deferral_orders.c.holder_id
    )


def order_key(keys: KeyRing, row: Row[Any]) -> DataKey | None:
    """The data key of the order in such a row; None once the holder whom it names is erased.

    Raises:
        IntegrityError: it does not open.
    """
    place = order_place("data_key", row.id)
    if version_of(row.data_key) != BY_A_ROW:
        return keys.data_key(row.data_key, place)
    if row.holder_key is None:
        return None
    return unwrap_key(holder_key(keys, row.holder_id, row.holder_key), row.data_key, place)


def order_of(keys: KeyRing, row: Row[Any]) -> DeferralOrder:
    """The order in such a row.

    Raises:
        IntegrityError: its envelope does not open.
    """
    data_key = order_key(keys, row)
    content: Mapping[str, Any] = {}
    if data_key is not None:
        content = open_json(data_key, row.sealed, order_place("sealed", row.id))
    return DeferralOrder(
        order_id=row.id,
        kind=OrderKind(row.kind),
        number=content.get("number"),
        issuing_body=content.get("issuing_body"),
        legal_basis=content.get("legal_basis"),
        holder_id=row.holder_id,
        case_number=content.get("case_number"),
        client_id=row.client_id,
        covers_from=row.covers_from,
        ends_at=row.ends_at,
        renews=row.renews,
        recorded_at=row.recorded_at,
        recorded_by=row.recorded_by,
    )


def order_place(column: str, order_id: UUID) -> str:
    """What an order's envelope and data key are bound to."""
    return f"deferral_orders.{column}:{order_id}"


def _of_case(event: FromClause, aliases: Sequence[tuple[UUID, bytes]]) -> ColumnElement[bool]:
    """Whether an order is for the event's case."""
    same: ColumnElement[bool] = deferral_orders.c.case_index == event.c.case_index
    if not aliases:
        return same
    other = (
        func.unnest(
            literal([order_id for order_id, _ in aliases], ARRAY(Uuid)),
            literal([index for _, index in aliases], ARRAY(LargeBinary)),
        )
        .table_valued("order_id", "case_index")
        .render_derived("other")
    )
    found = select(other.c.order_id).where(
        other.c.order_id == deferral_orders.c.id, other.c.case_index == event.c.case_index
    )
    return or_(same, found.correlate(deferral_orders, event).exists())
