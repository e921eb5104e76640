"""Orders to tell a holder of an access only later (暂缓告知): recorded, listed, never taken back."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from storage.clients import find_client
from storage.db import WriteConnection
from storage.deferrals import find_order, insert_order, is_renewed, order_by_number, orders_after
from storage.erasure import lock_holder
from storage.history import AuditRow, insert_audit
from vault.errors import Conflict, FieldProblem, InputError
from vault.log import moment
from vault.model.access import Action, Actor, authorize
from vault.model.deferral import ORDER_DAYS_MAX, ORDER_NAMES, DeferralOrder, OrderKind
from vault.model.holders import HolderCode
from vault.model.ids import uuid7
from vault.model.legal_time import day_begins, legal_day
from vault.model.written import case_number_form, hides_something, text_form
from vault.workshop import Workshop

# The login under which somebody is known; never a name.
LOGIN = re.compile(r"[a-z0-9][a-z0-9.@_-]{1,62}")
NUMBER_MAX_CHARS = 128  # as a case number
BODY_MAX_CHARS = 100  # the full name of a state body
BASIS_MAX_CHARS = 500  # law, article and what is ordered, in a sentence or two
CASE_NUMBER_MAX_CHARS = 128  # as for a deposit's case number
ORDERS_READ_AT_ONCE = 200
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FIELDS = {
    "kind",
    "number",
    "issuing_body",
    "legal_basis",
    "holder",
    "case_number",
    "client",
    "until",
    "renews",
}
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as it was handed in, checked. `until`: the first day on which the accesses are shown."""

    kind: OrderKind
    number: str = field(repr=False)
    issuing_body: str = field(repr=False)
    legal_basis: str = field(repr=False)
    holder: HolderCode | None = field(repr=False)
    case_number: str | None = field(repr=False)
    client_id: str | None
    until: date
    renews: UUID | None


def read_order(request: Mapping[str, Any], *, at: datetime) -> OrderRequest:
    """Checks an order's JSON.

    Raises:
        InputError: with one problem for each bad field.
    """
    problems = [
        FieldProblem(f"/{name}", "There is no such field.") for name in sorted(set(request) - _FIELDS)
    ]
    kind = request.get("kind")
    if not isinstance(kind, str) or kind not in list(OrderKind):
        problems.append(FieldProblem("/kind", f"Expected one of {', '.join(OrderKind)}."))
    number = _text(problems, request, "number", NUMBER_MAX_CHARS)
    body = _text(problems, request, "issuing_body", BODY_MAX_CHARS)
    basis = _text(problems, request, "legal_basis", BASIS_MAX_CHARS)
    holder = _holder(problems, request.get("holder"), at)
    case_number = None
    if request.get("case_number") is not None:
        case_number = case_number_form(_text(problems, request, "case_number", CASE_NUMBER_MAX_CHARS))
    if request.get("holder") is None and request.get("case_number") is None:
        problems.append(FieldProblem("", "Name a holder or a case: an order is never about everybody."))
    client_id = request.get("client")
    if client_id is not None and not isinstance(client_id, str):
        problems.append(FieldProblem("/client", "Expected a client's id."))
    until = _until(problems, request.get("until"), at)
    renews = _renews(problems, request.get("renews"))
    if problems or until is None or not isinstance(kind, str):
        raise InputError("The order was refused.", *problems)
    return OrderRequest(OrderKind(kind), number, body, basis, holder, case_number, client_id, until, renews)


def record_order(
    workshop: Workshop, actor: Actor, request: OrderRequest, *, by: str, at: datetime
) -> tuple[DeferralOrder, bool]:
    """Records an order; the order, and whether it was there before.

    1. hold the holder whom it names: nobody erases them meanwhile.
    2. find: the same number of the same body with the same contents is a retry.
    3. judge: whom it names is known; what it renews is the same in scope, has not ended and is not renewed.
    4. record order and audit event. **The transaction's end is the commit point.**

    It covers what happens from now on, or from when the renewed order began: what a holder may have read
    already is never taken back.

    Raises:
        NotAuthenticated: the actor is not the machine.
        InputError: the login is none, or holder, client or renewed order are not there; at their pointers.
        Conflict: the number is another order's, or the renewed order has ended or is renewed.
        Unavailable: the database does not answer; the same order may be sent again.
    """
    authorize(actor, Action.DEFER_TELLING)
    if LOGIN.fullmatch(by) is None:
        raise InputError("An operator's login is 2 to 63 lower-case letters, digits and . @ _ -.")
    with workshop.database.writing() as db:
        holder = None if request.holder is None else lock_holder(db, workshop.keys, request.holder)  # 1
        wanted = _wanted(request, None if holder is None else holder.holder_id, by, at)
        known = order_by_number(db, workshop.keys, request.issuing_body, request.number)  # 2
        if known is not None:
            return _repeated(known, wanted)
        if request.holder is not None and holder is None:  # 3
            raise InputError.at(
                "/holder", "The vault holds nothing of this holder: there is nothing to defer."
            )
        order = _judged(db, workshop, wanted, at)
        if not insert_order(db, workshop.keys, order, holder):  # 4
            known = order_by_number(db, workshop.keys, request.issuing_body, request.number)
            if known is None:
                raise _renewed_already()
            return _repeated(known, wanted)
        details = {"order": str(order.order_id), "kind": order.kind.value}
        insert_audit(db, [AuditRow(f"operator:{by}", "history-defer", None, None, details)], at)
    return order, False


def list_orders(
    workshop: Workshop, actor: Actor, *, by: str, standing: bool, at: datetime
) -> Iterator[DeferralOrder]:
    """Every order, oldest first; `standing`: those only that have not ended. The look is recorded first.

    Raises:
        NotAuthenticated: the actor is not the machine.
        InputError: the login is none.
        IntegrityError: an envelope does not open.
        Unavailable: the database does not answer.
    """
    authorize(actor, Action.SEE_ORDERS)
    if LOGIN.fullmatch(by) is None:
        raise InputError("An operator's login is 2 to 63 lower-case letters, digits and . @ _ -.")
    with workshop.database.writing() as db:
        insert_audit(db, [AuditRow(f"operator:{by}", "history-list", None, None, {})], at)
    after = _NOBODY
    while True:
        with workshop.database.reading() as db:
            page = orders_after(db, workshop.keys, after, ORDERS_READ_AT_ONCE)
        yield from (order for order in page if not standing or order.ends_at > at)
        if not page:
            return
        after = page[-1].order_id


def order_json(order: DeferralOrder) -> dict[str, Any]:
    """An order for programs. The holder by the vault's own id: whose it is stays out of lists.

    Of an order for somebody who was erased, number, body, basis and case are null.
    """
    return {
        "order_id": str(order.order_id),
        "kind": order.kind.value,
        "kind_name": ORDER_NAMES[order.kind][0],
        "number": order.number,
        "issuing_body": order.issuing_body,
        "legal_basis": order.legal_basis,
        "holder_id": None if order.holder_id is None else str(order.holder_id),
        "case_number": order.case_number,
        "client": order.client_id,
        "covers_from": moment(order.covers_from),
        "until": legal_day(order.ends_at).isoformat(),
        "renews": None if order.renews is None else str(order.renews),
        "recorded_at": moment(order.recorded_at),
        "recorded_by": order.recorded_by,
    }


def _repeated(known: DeferralOrder, wanted: DeferralOrder) -> tuple[DeferralOrder, bool]:
    if known.ordered != wanted.ordered:
        sentence = "An order with this number of this body is recorded with other contents."
        raise Conflict(sentence, FieldProblem("/number", sentence))
    return known, True


def _renewed_already() -> Conflict:
    sentence = "That order was renewed before: renew the one that took on from it."
    return Conflict(sentence, FieldProblem("/renews", sentence))


def _wanted(request: OrderRequest, holder_id: UUID | None, by: str, at: datetime) -> DeferralOrder:
    return DeferralOrder(
        order_id=uuid7(at),
        kind=request.kind,
        number=request.number,
        issuing_body=request.issuing_body,
        legal_basis=request.legal_basis,
        holder_id=holder_id,
        case_number=request.case_number,
        client_id=request.client_id,
        covers_from=at,
        ends_at=day_begins(request.until),
        renews=request.renews,
        recorded_at=at,
        recorded_by=by,
    )


def _judged(db: WriteConnection, workshop: Workshop, order: DeferralOrder, at: datetime) -> DeferralOrder:
    if order.client_id is not None and find_client(db, order.client_id) is None:
        raise InputError.at("/client", "There is no client with this id that is not disabled.")
    return order if order.renews is None else _renewing(db, workshop, order, order.renews, at)


def _renewing(
    db: WriteConnection, workshop: Workshop, order: DeferralOrder, renews: UUID, at: datetime
) -> DeferralOrder:
    before = find_order(db, workshop.keys, renews)
    if before is None:
        raise InputError.at("/renews", "There is no order with this id; certvault history list shows them.")
    scope = (order.kind, order.holder_id, order.case_number, order.client_id)
    if scope != (before.kind, before.holder_id, before.case_number, before.client_id):
        sentence = "A renewal is of the same kind, for the same holder, case and client."
        raise InputError.at("/renews", sentence)
    if before.ends_at <= at:
        sentence = "That order has ended and what it covered is shown: record a new one without renews."
        raise Conflict(sentence, FieldProblem("/renews", sentence))
    if is_renewed(db, renews):
        raise _renewed_already()
    return replace(order, covers_from=before.covers_from)


def _text(problems: list[FieldProblem], request: Mapping[str, Any], name: str, max_chars: int) -> str:
    value = request.get(name)
    text = text_form(value) if isinstance(value, str) else ""
    if not 1 <= len(text) <= max_chars:
        problems.append(FieldProblem(f"/{name}", f"Expected a text of 1 to {max_chars} characters."))
    elif hides_something(text):
        detail = "Expected printable characters, got a control or invisible one."
        problems.append(FieldProblem(f"/{name}", detail))
    return text


def _holder(problems: list[FieldProblem], value: object, at: datetime) -> HolderCode | None:
    match value:
        case None:
            return None
        case {"code_type": str(code_type), "code": str(code), **rest} if not rest:
            try:
                return HolderCode.parse(code_type, code, today=legal_day(at))
            except InputError as error:
                problems += error.under("/holder").problems
        case _:
            problems.append(FieldProblem("/holder", "Expected an object with code_type and code."))
    return None


def _until(problems: list[FieldProblem], value: object, at: datetime) -> date | None:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else None
    except ValueError:
        day = None
    today = legal_day(at)
    if day is None:
        problems.append(FieldProblem("/until", "Expected a date as YYYY-MM-DD."))
    elif not today < day <= today + timedelta(days=ORDER_DAYS_MAX):
        last = today + timedelta(days=ORDER_DAYS_MAX)
        sentence = f"Expected a day after {today} and no later than {last}: longer needs another order then."
        problems.append(FieldProblem("/until", sentence))
    return day


def _renews(problems: list[FieldProblem], value: object) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(value) if isinstance(value, str) else UUID("")
    except ValueError:
        problems.append(FieldProblem("/renews", "Expected the id of an order."))
        return None
