"""How a rotation renews what is about several people at once: cases, records, and the histories."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, true, union

from storage.cases import content_place, envelope_values, insert_case_holders, key_place
from storage.certificates import index_values
from storage.db import WriteConnection
from storage.deferrals import order_index_values, order_of, order_place, orders_with_keys
from storage.disputes import dispute_index_values, disputes_with_keys, request_of
from storage.envelope import BY_A_ROW, DataKey, KeyRing, open_json, seal_json, version_of, wrap_key
from storage.history import case_index_values, keys_of_subjects, look_keys, look_place, subject_of
from storage.holders import ensure_holders, holder_index
from storage.materials import event_key_place
from storage.record_keys import (
    CERTIFICATES,
    MATERIALS,
    USES,
    RecordKind,
    opened_key,
    record_key,
    way_in,
    way_in_columns,
    wrap_for_all,
)
from storage.renewal import (
    CONSENTS,
    DELEGATIONS,
    DESKS,
    HOLDERS,
    PEOPLE,
    UPLOAD_KEYS,
    WEBHOOK_SECRETS,
    WEBHOOKS,
    Renewed,
    Values,
    old_envelope,
    old_index,
    old_wrap,
)
from storage.reservations import index_reserved_holders
from storage.tables import (
    audit_events,
    cases,
    certificate_holders,
    certificates,
    deferral_orders,
    disputes,
    material_events,
    material_holders,
    materials,
    uses,
)
from storage.uses import request_index_values, use_of, use_records
from vault.errors import IntegrityError
from vault.model.holders import Holder, HolderCode
from vault.model.use import request_text


def _of_case(keys: KeyRing) -> ColumnElement[bool]:
    indexed = and_(cases.c.applicant_index.is_not(None), old_index(cases, keys))
    return or_(old_wrap(cases.c.data_key, keys), old_envelope(cases.c.sealed, keys), indexed)


def _renew_cases(db: WriteConnection, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Values]:
    contents = {
        row.id: open_json(keys.data_key(row.data_key, key_place(row.id)), row.sealed, content_place(row.id))
        for row in rows
    }
    # Committed before revision 0010: it still has its codes, and nobody keeps who is named in it.
    older = [row for row in rows if row.committed_at is not None and "codes" in contents[row.id]]
    if older:
        requests = {row.id: contents[row.id]["request"] for row in older}
        _keep_holders(db, keys, requests, older[-1].committed_at)
    renewed: list[Values] = []
    pending: dict[UUID, list[list[HolderCode]]] = {}
    for row in rows:
        content = contents[row.id]
        if row in older:
            content = {"request": content["request"]}
        index = None
        if row.applicant_index is not None and row.committed_at is None and content:
            applicant = content["request"]["case"]["applicant"]
            index = holder_index(keys, HolderCode.parse(applicant["code_type"], applicant["code"]))
            pending[row.id] = [_codes(result) for result in content["request"]["results"]]
        renewed.append(
            {
                "id_": row.id,
                "applicant_index": index,
                "index_version": keys.index_version,
                **envelope_values(keys, row.id, content),
            }
        )
    index_reserved_holders(db, keys, pending)
    return renewed


def _codes(result: Mapping[str, Any]) -> list[HolderCode]:
    return [HolderCode.parse(holder["code_type"], holder["code"]) for holder in result["holders"]]


def _keep_holders(db: WriteConnection, keys: KeyRing, requests: dict[Any, Any], at: datetime) -> None:
    """Keeps who is named in these cases, their applicants among them."""
    applicants = {
        case_id: Holder(HolderCode.parse(a["code_type"], a["code"]), a["name"])
        for case_id, request in requests.items()
        for a in (request["case"]["applicant"],)
    }
    known = ensure_holders(db, keys, applicants.values(), at)
    of_certificates = select(certificates.c.case_id, certificate_holders.c.holder_id).join(
        certificate_holders, certificate_holders.c.certificate_id == certificates.c.id
    )
    of_materials = select(materials.c.case_id, material_holders.c.holder_id).join(
        material_holders, material_holders.c.material_id == materials.c.id
    )
    query = union(
        of_certificates.where(certificates.c.case_id.in_(requests)),
        of_materials.where(materials.c.case_id.in_(requests)),
    )
    named = {case_id: {known[applicant.code].holder_id} for case_id, applicant in applicants.items()}
    for row in db.execute(query):
        named[row.case_id].add(row.holder_id)
    for case_id, holder_ids in named.items():
        insert_case_holders(db, case_id, holder_ids)


def _record_query(kind: RecordKind) -> Callable[[], Select[Any]]:
    def query() -> Select[Any]:
        opener = way_in(kind)
        return select(kind.table, *way_in_columns(opener)).outerjoin(opener, true())

    return query


def _renew_records(
    kind: RecordKind, values: Callable[[KeyRing, Row[Any], Any], Values]
) -> Callable[[WriteConnection, KeyRing, Sequence[Row[Any]]], list[Values]]:
    def renew(db: WriteConnection, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Values]:
        renewed: list[Values] = []
        record_keys: dict[Any, DataKey] = {}
        for row in rows:
            data_key = record_key(kind, keys, row)
            if data_key is None:
                raise IntegrityError(f"{kind.table.name} {row.id} has an envelope and no data key.")
            content = open_json(data_key, row.sealed, kind.content_place(row.id))
            record_keys[row.id] = data_key
            renewed.append(
                {
                    "id_": row.id,
                    "data_key": None,
                    "sealed": seal_json(data_key, content, kind.content_place(row.id)),
                    **values(keys, row, content),
                }
            )
        wrap_for_all(db, keys, kind, record_keys)
        return renewed

    return renew


def _of_certificate(keys: KeyRing) -> ColumnElement[bool]:
    old = or_(
        certificates.c.data_key.is_not(None),
        old_envelope(certificates.c.sealed, keys),
        old_index(certificates, keys),
    )
    return and_(certificates.c.sealed.is_not(None), old)


def _of_material(keys: KeyRing) -> ColumnElement[bool]:
    old = or_(materials.c.data_key.is_not(None), old_envelope(materials.c.sealed, keys))
    return and_(materials.c.sealed.is_not(None), old)


def _of_use(keys: KeyRing) -> ColumnElement[bool]:
    old = or_(uses.c.data_key.is_not(None), old_envelope(uses.c.sealed, keys), old_index(uses, keys))
    return and_(uses.c.sealed.is_not(None), old)


def _certificate_indexes(keys: KeyRing, _: Row[Any], content: Any) -> Values:  # noqa: ANN401 - JSON is what it is
    return index_values(keys, content["number"], content["code"], content["token"])


def _use_indexes(keys: KeyRing, row: Row[Any], _: Any) -> Values:  # noqa: ANN401 - JSON is what it is
    use = use_of(keys, row)
    return request_index_values(keys, request_text(use, copy=use.copy is not None))


def _event_query() -> Select[Any]:
    opener = way_in(MATERIALS)
    return (
        select(
            material_events.c.id,
            material_events.c.data_key,
            material_events.c.material_id,
            materials.c.data_key.label("material_key"),
            *way_in_columns(opener),
        )
        .join(materials, materials.c.id == material_events.c.material_id)
        .outerjoin(opener, true())
    )


def _renew_material_events(_: WriteConnection, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Values]:
    """From before revision 0010: from now on its material's key wraps an event's, so that it goes with it."""
    renewed: list[Values] = []
    for row in rows:
        place = event_key_place(row.material_id)
        own = keys.data_key(row.data_key, place)
        way = (row.opener, row.wrapped, row.opener_key)
        outer = opened_key(MATERIALS, keys, row.material_id, row.material_key, way)
        wrapped = keys.rewrapped(own, place).wrapped if outer is None else wrap_key(outer, own, place)
        renewed.append({"id_": row.id, "data_key": wrapped})
    return renewed


def _of_audit_event(keys: KeyRing) -> ColumnElement[bool]:
    indexed = and_(audit_events.c.case_index.is_not(None), old_index(audit_events, keys))
    return or_(old_wrap(audit_events.c.data_key, keys), indexed)


def _renew_audit_events(db: WriteConnection, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Values]:
    """What is about one holder or one use is from now on under its key, so that it goes with it.

    Where it has gone, nobody knows the case number any more, and the index by which it was found goes, too.
    """
    outer, known = keys_of_subjects(db, keys, rows), look_keys(db, keys, rows)
    renewed: list[Values] = []
    for row in rows:
        place, own, number = look_place("data_key", row.actor, row.at), known[row.id], None
        wrapped = row.data_key
        if own is not None:
            reasons = open_json(own, row.sealed, look_place("sealed", row.actor, row.at))
            number = None if row.case_index is None else reasons["case_number"]
        if own is not None and version_of(row.data_key) != BY_A_ROW:
            subject = subject_of(row.details)
            under = None if subject is None else outer.get(subject)
            wrapped = keys.rewrapped(own, place).wrapped if under is None else wrap_key(under, own, place)
        renewed.append({"id_": row.id, "data_key": wrapped, **case_index_values(keys, number)})
    return renewed


def _of_order(keys: KeyRing) -> ColumnElement[bool]:
    return or_(old_wrap(deferral_orders.c.data_key, keys), old_index(deferral_orders, keys))


def _renew_orders(_: WriteConnection, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Values]:
    renewed: list[Values] = []
    for row in rows:
        wrapped, place = row.data_key, order_place("data_key", row.id)
        if version_of(wrapped) != BY_A_ROW:
            wrapped = keys.rewrapped(keys.data_key(wrapped, place), place).wrapped
        indexes = order_index_values(keys, order_of(keys, row))
        renewed.append({"id_": row.id, "data_key": wrapped, **indexes})
    return renewed


def _renew_disputes(_: WriteConnection, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Values]:
    return [{"id_": row.id, **dispute_index_values(keys, request_of(keys, row))} for row in rows]


# Holders first: what is about them is wrapped by their keys.
RENEWED = (
    HOLDERS,
    PEOPLE,
    CONSENTS,
    DELEGATIONS,
    UPLOAD_KEYS,
    WEBHOOKS,
    WEBHOOK_SECRETS,
    DESKS,
    Renewed(
        certificates,
        _record_query(CERTIFICATES),
        _of_certificate,
        _renew_records(CERTIFICATES, _certificate_indexes),
    ),
    Renewed(
        materials,
        _record_query(MATERIALS),
        _of_material,
        _renew_records(MATERIALS, lambda _, __, ___: {}),
    ),
    Renewed(uses, use_records, _of_use, _renew_records(USES, _use_indexes)),
    Renewed(cases, lambda: select(cases), _of_case, _renew_cases),
    Renewed(
        material_events,
        _event_query,
        lambda keys: old_wrap(material_events.c.data_key, keys),
        _renew_material_events,
    ),
    Renewed(audit_events, lambda: select(audit_events), _of_audit_event, _renew_audit_events),
    Renewed(deferral_orders, orders_with_keys, _of_order, _renew_orders),
    Renewed(disputes, disputes_with_keys, lambda keys: old_index(disputes, keys), _renew_disputes),
)
