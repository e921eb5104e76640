"""Every envelope that is no certificate's: whether it opens, and whether its row is found by what it says."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

from sqlalchemy import Row, Select, Table, select, true

from storage.consents import consent_place, consents_with_keys
from storage.db import ReadConnection
from storage.deferrals import NUMBER, number_text, order_key, order_of, order_place, orders_with_keys
from storage.delegations import delegate_of, delegation_place, delegations_with_keys
from storage.disputes import DISPUTE, disputant_key, dispute_place, disputes_with_keys, request_of, step_place
from storage.envelope import DataKey, KeyRing, open_json
from storage.history import CASE, look_keys_or_why, look_place
from storage.holders import index_text
from storage.inspection import PAGE_ROWS
from storage.materials import event_key, event_place
from storage.on_file import UNREADABLE
from storage.people import subject_text
from storage.record_keys import MATERIALS, USES, opened_key, record_key, way_in, way_in_columns
from storage.spans import Span, spans_of, within
from storage.tables import (
    audit_events,
    cases,
    consents,
    deferral_orders,
    delegations,
    desks,
    dispute_events,
    disputes,
    holders,
    material_events,
    materials,
    people,
    uses,
    webhook_secrets,
    webhooks,
)
from storage.uses import REQUEST, use_of, use_records
from storage.webhooks import URL
from vault.errors import IntegrityError
from vault.model.holders import HolderCode
from vault.model.use import request_text
from vault.model.written import case_number_form

TABLES = {
    table.name: table
    for table in (
        cases,
        materials,
        material_events,
        holders,
        people,
        uses,
        webhooks,
        webhook_secrets,
        deferral_orders,
        disputes,
        dispute_events,
        consents,
        delegations,
        desks,
    )
}
"""By name. Without certificates, looked at as records, and audit events, whose keys may be anybody's."""

# Rows with an envelope that one process looks at on end: a second's work.
SPAN_ROWS = 5_000

Texts = dict[str, tuple[str, str]]


def damaged_envelopes(db: ReadConnection, keys: KeyRing, name: str, span: Span) -> Iterator[tuple[str, str]]:
    """Rows of this span of a table of `TABLES` whose envelope does not open, and why.

    A row whose blind index does not follow from the envelope is among them. What was erased has no envelope,
    and is none of them.
    """
    table = TABLES[name]
    for row in chain.from_iterable(_pages_of(db, table, span)):
        try:
            content = _content(keys, table, row)
            if content is not None and table in _INDEXED:
                _prove_indexes(keys, row, _INDEXED[table](keys, row, content))
        except IntegrityError as error:
            yield f"{table.name} {row.id}", error.detail
        except UNREADABLE as error:
            yield f"{table.name} {row.id}", f"The row cannot be read: {type(error).__name__}."


def damaged_events(db: ReadConnection, keys: KeyRing, span: Span) -> Iterator[tuple[str, str]]:
    """Audit events whose envelope does not open, or that are not found by the case that it names.

    The audit chain leaves out what leads to the envelope, since a rotation writes that anew.
    """
    for page in _pages_of(db, audit_events, span):
        data_keys = look_keys_or_why(db, keys, page)
        for row in page:
            try:
                _check_event(keys, row, data_keys.get(row.id))
            except IntegrityError as error:
                yield f"audit event {row.id}", error.detail
            except UNREADABLE as error:
                yield f"audit event {row.id}", f"The row cannot be read: {type(error).__name__}."


def spans_of_envelopes(db: ReadConnection, name: str) -> Iterator[Span]:
    """All of a table of `TABLES` in parts."""
    return spans_of(db, TABLES[name], SPAN_ROWS)


def spans_of_events(db: ReadConnection) -> Iterator[Span]:
    """All audit events in parts."""
    return spans_of(db, audit_events, SPAN_ROWS)


def _check_event(keys: KeyRing, row: Row[Any], data_key: DataKey | IntegrityError | None) -> None:
    if isinstance(data_key, IntegrityError):
        raise data_key
    if data_key is None:  # nothing was sealed, or it was erased with those whom it is about
        return
    reasons = open_json(data_key, row.sealed, look_place("sealed", row.actor, row.at))
    if reasons.get("case_number") is not None:
        _prove_indexes(keys, row, {"case_index": (CASE, case_number_form(reasons["case_number"]))})


def _content(keys: KeyRing, table: Table, row: Row[Any]) -> Any:  # noqa: ANN401 - JSON is what it is
    """What a row's envelope says; None where it was erased."""
    if table in (deferral_orders, disputes, dispute_events, consents, delegations):
        return _told(keys, table, row)
    data_key: DataKey | None
    where = f"{table.name}.sealed:{row.id}"
    if table in (materials, uses):
        data_key = record_key(MATERIALS if table is materials else USES, keys, row)
    elif table is material_events:
        # An event's number is not known before it is written: its envelope is bound to its material.
        of_material = _key_of_material(keys, row)
        data_key = None if of_material is None else event_key(keys, of_material, row.own_key, row.material_id)
        where = event_place(row.material_id)
    else:
        data_key = (
            None if row.data_key is None else keys.data_key(row.data_key, f"{table.name}.data_key:{row.id}")
        )
    if data_key is None and (row.sealed is None or table is material_events):
        return None
    if data_key is None or row.sealed is None:
        raise IntegrityError("The envelope or its data key is gone.")
    return open_json(data_key, row.sealed, where)


def _told(keys: KeyRing, table: Table, row: Row[Any]) -> Any:  # noqa: ANN401 - JSON is what it is
    """What an order, a dispute, a step of one or a grant says; None where nothing, or once erased."""
    if table is deferral_orders:
        key, where = order_key(keys, row), order_place("sealed", row.id)
    elif table is disputes:
        key, where = disputant_key(keys, row), dispute_place(row.id)
    elif table is consents:
        key, where = disputant_key(keys, row), consent_place(row.id)
    elif table is delegations:
        key, where = disputant_key(keys, row), delegation_place(row.id)
    else:
        key, where = disputant_key(keys, row), step_place(row.dispute_id, row.state)
    return None if key is None or row.sealed is None else open_json(key, row.sealed, where)


def _key_of_material(keys: KeyRing, row: Row[Any]) -> DataKey | None:
    return opened_key(
        MATERIALS, keys, row.material_id, row.data_key, (row.opener, row.wrapped, row.opener_key)
    )


def _of_code(_: KeyRing, row: Row[Any], content: Mapping[str, Any]) -> Texts:
    if row.code_type is None:
        return {}
    return {"code_index": index_text(HolderCode.parse(row.code_type, content["code"]))}


def _of_person(keys: KeyRing, row: Row[Any], content: Mapping[str, Any]) -> Texts:
    return {**_of_code(keys, row, content), "subject_index": subject_text(row.issuer, content["subject"])}


def _of_webhook(_: KeyRing, __: Row[Any], content: Mapping[str, Any]) -> Texts:
    return {"url_index": (URL, content["url"])}


def _of_use(keys: KeyRing, row: Row[Any], _: Mapping[str, Any]) -> Texts:
    use = use_of(keys, row)
    return {"request_index": (REQUEST, request_text(use, copy=use.copy is not None))}


def _of_dispute(keys: KeyRing, row: Row[Any], _: Mapping[str, Any]) -> Texts:
    request = request_of(keys, row)
    return {} if request is None else {"request_index": (DISPUTE, request)}


def _of_order(keys: KeyRing, row: Row[Any], content: Mapping[str, Any]) -> Texts:
    number = order_of(keys, row).case_number
    found = {"number_index": (NUMBER, number_text(content["issuing_body"], content["number"]))}
    return found if number is None else {**found, "case_index": (CASE, case_number_form(number))}


def _of_delegation(_: KeyRing, __: Row[Any], content: Mapping[str, Any]) -> Texts:
    delegate = delegate_of(content)
    return {} if delegate is None else {"delegate_index": index_text(delegate)}


# The blind indexes of a row by column, as purpose and text.
_INDEXED: Mapping[Table, Callable[[KeyRing, Row[Any], Any], Texts]] = {
    holders: _of_code,
    people: _of_person,
    webhooks: _of_webhook,
    uses: _of_use,
    disputes: _of_dispute,
    deferral_orders: _of_order,
    delegations: _of_delegation,
}


def _prove_indexes(keys: KeyRing, row: Row[Any], texts: Texts) -> None:
    for column, text in texts.items():
        if getattr(row, column) not in keys.indexes(*text):
            what = column.removesuffix("_index")
            raise IntegrityError(f"The index does not follow from the {what}: nobody finds this row by it.")


def _steps() -> Select[Any]:
    return (
        select(dispute_events, disputes.c.holder_id, holders.c.data_key.label("holder_key"))
        .join(disputes, disputes.c.id == dispute_events.c.dispute_id)
        .join(holders, holders.c.id == disputes.c.holder_id)
    )


_QUERIES: Mapping[Table, Callable[[], Select[Any]]] = {
    uses: use_records,
    deferral_orders: orders_with_keys,
    disputes: disputes_with_keys,
    dispute_events: _steps,
    consents: consents_with_keys,
    delegations: delegations_with_keys,
}


def _query_of(table: Table) -> Select[Any]:
    """A table's rows, with what opens them beside those that have no data key of their own."""
    opener = way_in(MATERIALS)
    if table in _QUERIES:
        return _QUERIES[table]()
    if table is materials:
        return select(materials, *way_in_columns(opener)).outerjoin(opener, true())
    if table is material_events:
        return (
            select(
                material_events.c.id,
                material_events.c.material_id,
                material_events.c.sealed,
                material_events.c.data_key.label("own_key"),
                materials.c.data_key,
                *way_in_columns(opener),
            )
            .join(materials, materials.c.id == material_events.c.material_id)
            .outerjoin(opener, true())
        )
    return select(table)


def _pages_of(db: ReadConnection, table: Table, span: Span) -> Iterator[Sequence[Row[Any]]]:
    while True:
        query = within(_query_of(table), table.c.id, span).order_by(table.c.id).limit(PAGE_ROWS)
        page = db.execute(query).all()
        if not page:
            return
        yield page
        span = replace(span, after=page[-1].id)
