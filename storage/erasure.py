"""What is destroyed when a holder is erased, and what stands in the way of it."""

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, func, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert

from storage.blobs import plain_name
from storage.cases import FORGOTTEN, content_place, key_place
from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.holders import index_text
from storage.key_state import found_by
from storage.record_keys import (
    CERTIFICATES,
    KnownHolder,
    RecordKind,
    holder_key,
    record_key,
    way_in,
    way_in_columns,
)
from storage.reservations import forget_reserved_holders
from storage.tables import (
    case_holders,
    cases,
    certificates,
    documents,
    hold_events,
    holders,
    material_holders,
    materials,
    use_copies,
    use_holders,
    uses,
)
from vault.model.holders import HolderCode

INDEX_BYTES = 32
HOLD, RELEASE = "hold", "release"
# Uncommitted cases are few: they are read one page after the other.
PAGE_ROWS = 200

Unnamed = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A certificate or material of a holder, and since when it is kept; `type_code` of certificates."""

    record_id: UUID
    type_code: str | None
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class NamedIn:
    """A case in which a holder is named, with what it handed in, by the client's uploads."""

    case_id: UUID
    client_id: str
    uploads: frozenset[str] = field(repr=False)


def lock_holder(db: WriteConnection, keys: KeyRing, code: HolderCode) -> KnownHolder | None:
    """The holder with this code, held until the transaction ends: no deposit names them meanwhile."""
    query = (
        select(holders.c.id, holders.c.data_key)
        .where(found_by(holders.c.code_index, keys, index_text(code)))
        .with_for_update()
    )
    row = db.execute(query).one_or_none()
    return None if row is None else KnownHolder(row.id, holder_key(keys, row.id, row.data_key))


def lock_uncommitted(db: WriteConnection, case_ids: Collection[UUID]) -> tuple[UUID, ...]:
    """Those of these cases that are not committed, held until the transaction ends.

    To be called before `lock_holder`: a deposit, too, takes its case first and then its holders.
    """
    query = (
        select(cases.c.id)
        .where(cases.c.id.in_(case_ids), cases.c.committed_at.is_(None))
        .order_by(cases.c.id)
        .with_for_update()
    )
    return tuple(db.execute(query).scalars())


def insert_hold(
    db: WriteConnection, holder: KnownHolder, action: str, *, reason: str, actor: str, at: datetime
) -> None:
    """Writes that a holder is held, or released; why is known as long as the holder is."""
    where = f"hold_events.sealed:{holder.holder_id}"
    sealed = seal_json(holder.key, {"reason": reason}, where)
    db.execute(
        insert(hold_events).values(
            holder_id=holder.holder_id, action=action, actor=actor, at=at, sealed=sealed
        )
    )


def holds_on(db: ReadConnection, holder_id: UUID) -> int:
    """How many holds on this holder are not released."""
    weight = case((hold_events.c.action == HOLD, 1), else_=-1)
    query = select(func.coalesce(func.sum(weight), 0)).where(hold_events.c.holder_id == holder_id)
    return int(db.execute(query).scalar_one())


def records_kept(db: ReadConnection, holder_id: UUID) -> tuple[KeptRecord, ...]:
    """Every certificate and material of a holder."""
    of_certificates = (
        select(certificates.c.id, certificates.c.type_code, certificates.c.committed_at)
        .join(CERTIFICATES.of_holders, CERTIFICATES.record_id == certificates.c.id)
        .where(CERTIFICATES.of_holders.c.holder_id == holder_id)
    )
    of_materials = (
        select(materials.c.id, cases.c.committed_at)
        .join(material_holders, material_holders.c.material_id == materials.c.id)
        .join(cases, cases.c.id == materials.c.case_id)
        .where(material_holders.c.holder_id == holder_id)
    )
    kept = [KeptRecord(row.id, row.type_code, row.committed_at) for row in db.execute(of_certificates)]
    kept += [KeptRecord(row.id, None, row.committed_at) for row in db.execute(of_materials)]
    return tuple(kept)


def from_before(db: ReadConnection, holder_id: UUID) -> int:
    """How many of a holder's records are from before revision 0010: no key of the holder's opens them."""
    of_certificates = (
        select(func.count())
        .select_from(CERTIFICATES.of_holders)
        .join(certificates, certificates.c.id == CERTIFICATES.record_id)
        .join(documents, documents.c.certificate_id == certificates.c.id)
        .where(CERTIFICATES.of_holders.c.holder_id == holder_id)
        .where(or_(certificates.c.data_key.is_not(None), documents.c.object_name.is_(None)))
    )
    of_materials = (
        select(func.count())
        .select_from(material_holders)
        .join(materials, materials.c.id == material_holders.c.material_id)
        .where(material_holders.c.holder_id == holder_id)
        .where(or_(materials.c.data_key.is_not(None), materials.c.object_name.is_(None)))
    )
    of_uses = (
        select(func.count())
        .select_from(use_holders)
        .join(uses, uses.c.id == use_holders.c.use_id)
        .where(use_holders.c.holder_id == holder_id, uses.c.data_key.is_not(None))
    )
    return sum(int(db.execute(query).scalar_one()) for query in (of_certificates, of_materials, of_uses))


def names_in_clear(db: ReadConnection, holder_id: UUID) -> tuple[str, ...]:
    """Under which names a holder's files would lie that were in clear before revision 0010."""
    of_certificates = (
        select(documents.c.sha256)
        .join(CERTIFICATES.of_holders, CERTIFICATES.record_id == documents.c.certificate_id)
        .where(CERTIFICATES.of_holders.c.holder_id == holder_id)
    )
    of_materials = (
        select(materials.c.sha256)
        .join(material_holders, material_holders.c.material_id == materials.c.id)
        .where(material_holders.c.holder_id == holder_id)
    )
    digests = {row.sha256 for query in (of_certificates, of_materials) for row in db.execute(query)}
    return tuple(plain_name(digest.hex()) for digest in sorted(digests))


def copies_in_clear(db: ReadConnection, holder_id: UUID) -> tuple[str, ...]:
    """Under which names usage copies of a holder's lie that were in clear before revision 0010.

    A rotation has put those that are still good as cipher text; the others wait for the worker.
    """
    query = (
        select(use_copies.c.sha256)
        .join(use_holders, use_holders.c.use_id == use_copies.c.use_id)
        .where(use_holders.c.holder_id == holder_id, use_copies.c.object_name.is_(None))
    )
    return tuple(plain_name(row.sha256.hex()) for row in db.execute(query))


def cases_naming(db: ReadConnection, keys: KeyRing, holder_id: UUID) -> tuple[NamedIn, ...]:
    """Every committed case that names a holder and still says so."""
    query = (
        select(cases.c.id, cases.c.client_id, cases.c.data_key, cases.c.sealed)
        .join(case_holders, case_holders.c.case_id == cases.c.id)
        .where(case_holders.c.holder_id == holder_id, cases.c.data_key.is_not(None))
    )
    return tuple(NamedIn(row.id, row.client_id, _uploads(_request(keys, row))) for row in db.execute(query))


def uncommitted_naming(
    db: ReadConnection, keys: KeyRing, names: Callable[[Mapping[str, Any]], bool]
) -> Iterator[NamedIn]:
    """Every case that was reserved and never committed whose request `names` somebody."""
    after: UUID | None = None
    while True:
        query = (
            select(cases.c.id, cases.c.client_id, cases.c.data_key, cases.c.sealed)
            .where(cases.c.committed_at.is_(None), cases.c.data_key.is_not(None))
            .order_by(cases.c.id)
            .limit(PAGE_ROWS)
        )
        page = db.execute(query if after is None else query.where(cases.c.id > after)).all()
        if not page:
            return
        for row in page:
            request = _request(keys, row)
            if names(request):
                yield NamedIn(row.id, row.client_id, _uploads(request))
        after = page[-1].id


def erase_records(
    db: WriteConnection, keys: KeyRing, kind: RecordKind, holder_id: UUID, unnamed: Unnamed
) -> tuple[tuple[UUID, ...], tuple[UUID, ...]]:
    """Takes a holder, locked by the caller, out of their certificates, materials or uses.

    What nobody else holds is destroyed: data key, envelope, and every index by which it was found. What
    others hold, too, is sealed anew without what `unnamed` takes out. Returns the ids of both.
    """
    opener, of_holders = way_in(kind), kind.of_holders
    mine = select(kind.record_id).where(of_holders.c.holder_id == holder_id)
    query = (
        select(kind.table.c.id, kind.table.c.data_key, kind.table.c.sealed, *way_in_columns(opener))
        .outerjoin(opener, true())
        .where(kind.table.c.id.in_(mine), kind.table.c.sealed.is_not(None))
        .order_by(kind.table.c.id)
        .with_for_update(of=kind.table)
    )
    rows = db.execute(query).all()
    others = (
        select(kind.record_id)
        .join(holders, holders.c.id == of_holders.c.holder_id)
        .where(kind.record_id.in_([row.id for row in rows]), of_holders.c.holder_id != holder_id)
        .where(of_holders.c.data_key.is_not(None), holders.c.data_key.is_not(None))
    )
    shared = frozenset(db.execute(others).scalars())
    _seal_without(db, keys, kind, [row for row in rows if row.id in shared], unnamed)
    alone = tuple(row.id for row in rows if row.id not in shared)
    _destroy(db, kind, alone)
    db.execute(update(of_holders).where(of_holders.c.holder_id == holder_id).values(data_key=None))
    return alone, tuple(shared)


def _seal_without(
    db: WriteConnection, keys: KeyRing, kind: RecordKind, rows: Sequence[Any], unnamed: Unnamed
) -> None:
    values = []
    for row in rows:
        data_key, where = record_key(kind, keys, row), kind.content_place(row.id)
        if data_key is not None:
            content = unnamed(open_json(data_key, row.sealed, where))
            values.append({"id_": row.id, "sealed": seal_json(data_key, content, where)})
    if values:
        db.execute(update(kind.table).where(kind.table.c.id == bindparam("id_")), values)


def _destroy(db: WriteConnection, kind: RecordKind, record_ids: Sequence[UUID]) -> None:
    if not record_ids:
        return
    db.execute(
        update(kind.table).where(kind.table.c.id == bindparam("id_")),
        [
            {
                "id_": record_id,
                "data_key": None,
                "sealed": None,
                # Nothing leads here any more, and nothing that somebody guesses can be confirmed.
                **{name: secrets.token_bytes(INDEX_BYTES) for name in kind.indexes},
            }
            for record_id in record_ids
        ],
    )


def erase_cases(db: WriteConnection, case_ids: Sequence[UUID]) -> None:
    """Destroys the envelopes of these cases with their data keys, and for whom their results are pending."""
    forget_reserved_holders(db, case_ids)
    db.execute(
        update(cases)
        .where(cases.c.id.in_(case_ids))
        .values(data_key=None, sealed=None, applicant_index=None, request_digest=FORGOTTEN)
    )


def erase_holder(db: WriteConnection, holder_id: UUID, at: datetime) -> None:
    """Destroys a holder's data key, and with it everything that it wraps; index and envelope go with it."""
    db.execute(
        update(holders)
        .where(holders.c.id == holder_id)
        .values(data_key=None, sealed=None, code_index=None, erased_at=at)
    )


def _request(keys: KeyRing, row: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a row of two queries
    content = open_json(keys.data_key(row.data_key, key_place(row.id)), row.sealed, content_place(row.id))
    request: Mapping[str, Any] = content.get("request", {})
    return request


def _uploads(request: Mapping[str, Any]) -> frozenset[str]:
    documents_of = [result["document"] for result in request.get("results", ())]
    return frozenset(
        [found["sha256"] for found in documents_of if found is not None]
        + [material["sha256"] for material in request.get("materials", ())]
    )
