"""Rows as they are, damaged ones too: what fsck judges, in pages of bounded size and key order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Table, select, true

from storage.certificates import CODE, NUMBER, TOKEN, record_or_rest, row_page
from storage.db import ReadConnection
from storage.envelope import DataKey, KeyRing, open_json
from storage.holders import holder_indexes
from storage.inspection import PAGE_ROWS
from storage.materials import event_key, event_place
from storage.objects import FiledObject, document_objects
from storage.record_keys import MATERIALS, opened_key, record_key, way_in, way_in_columns
from storage.statuses import event_of
from storage.tables import (
    cases,
    certificate_holders,
    certificates,
    holders,
    log_leaves,
    material_events,
    materials,
    people,
    status_events,
)
from vault.errors import IntegrityError, VaultError
from vault.model.certificate import CertificateRecord, ErasedCertificate
from vault.model.holders import HolderCode
from vault.model.lifecycle import StatusEvent
from vault.model.written import number_form

# What reading a damaged row may raise besides `IntegrityError`: a code that is none, a missing field.
UNREADABLE = (VaultError, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class LeafOnFile:
    """A leaf as its row holds it."""

    leaf: bytes = field(repr=False)
    leaf_hash: bytes
    promise: str


@dataclass(frozen=True, slots=True)
class FileOnFile:
    """A sealed file as its row names it. `filed` None: its key does not open, as the record says."""

    sha256: str
    sm3: str
    size_bytes: int
    filed: FiledObject | None


@dataclass(frozen=True, slots=True)
class CertificateOnFile:
    """A certificate as its rows hold it.

    `record`: what they say, what is left once all its holders are erased, or why they cannot be read.
    `astray`: names of the indexes that do not follow from the record, so that it is not found by them.
    `history`: its events, oldest first, or why they cannot be read. `leaves`: oldest first.
    `succession`: whether the successor that its row names, if any, names it in turn.
    """

    certificate_id: UUID
    identifier: str
    record: CertificateRecord | ErasedCertificate | IntegrityError
    files: tuple[FileOnFile, ...]
    astray: tuple[str, ...]
    history: tuple[StatusEvent, ...] | IntegrityError
    leaves: tuple[LeafOnFile, ...]
    succession: bool


def certificate_page(db: ReadConnection, keys: KeyRing, after: UUID | None) -> tuple[CertificateOnFile, ...]:
    """The next certificates after this id, damaged ones too. On a snapshot: statuses change meanwhile."""
    rows = row_page(db, after, PAGE_ROWS)
    ids = [row.id for row in rows]
    found_by = _holder_indexes(db, ids)
    events, leaves = _rows_by_certificate(db, status_events, ids), _rows_by_certificate(db, log_leaves, ids)
    objects = _filed(db, keys, ids)
    predecessors = _predecessors_of(db, [row.superseded_by for row in rows if row.superseded_by is not None])
    page = []
    for row in rows:
        record = _readable_record(keys, row)
        astray = _astray(keys, row, record, found_by) if isinstance(record, CertificateRecord) else ()
        page.append(
            CertificateOnFile(
                certificate_id=row.id,
                identifier=row.identifier,
                record=record,
                files=tuple(
                    FileOnFile(f[1], f[2], f[3], filed)
                    for f, filed in zip_longest(row.files or (), objects.get(row.id, ()))
                ),
                astray=astray,
                history=_readable_history(events.get(row.id, [])),
                leaves=tuple(
                    LeafOnFile(leaf.leaf, leaf.leaf_hash, leaf.promise) for leaf in leaves.get(row.id, [])
                ),
                succession=row.superseded_by is None or predecessors.get(row.superseded_by) == row.id,
            )
        )
    return tuple(page)


def _filed(db: ReadConnection, keys: KeyRing, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[FiledObject]]:
    """The files of these certificates; where one key does not open, one certificate after the other."""
    try:
        return document_objects(db, keys, ids)
    except UNREADABLE:
        return {certificate_id: _filed_alone(db, keys, certificate_id) for certificate_id in ids}


def _filed_alone(db: ReadConnection, keys: KeyRing, certificate_id: UUID) -> Sequence[FiledObject]:
    try:
        return document_objects(db, keys, [certificate_id]).get(certificate_id, ())
    except UNREADABLE:
        return ()


def _readable_record(keys: KeyRing, row: Row[Any]) -> CertificateRecord | ErasedCertificate | IntegrityError:
    try:
        return record_or_rest(keys, row)
    except IntegrityError as error:
        return error
    except UNREADABLE as error:
        return IntegrityError(f"The row cannot be read: {type(error).__name__}.")


def _readable_history(rows: Sequence[Row[Any]]) -> tuple[StatusEvent, ...] | IntegrityError:
    try:
        return tuple(event_of(row) for row in rows)
    except UNREADABLE as error:
        return IntegrityError(f"An event of its history cannot be read: {type(error).__name__}.")


def _astray(
    keys: KeyRing, row: Row[Any], record: CertificateRecord, found_by: dict[UUID, set[bytes]]
) -> tuple[str, ...]:
    of_holders = [set(holder_indexes(keys, holder.code)) for holder in record.holders]
    there = found_by.get(row.id, set())
    follows = {
        "number": row.number_index in keys.indexes(NUMBER, number_form(record.number)),
        "verification code": row.code_index in keys.indexes(CODE, record.verification_code),
        "QR token": row.token_index in keys.indexes(TOKEN, record.token),
        "holders": len(there) == len(of_holders) and all(there & indexes for indexes in of_holders),
    }
    return tuple(name for name, right in follows.items() if not right)


def _holder_indexes(db: ReadConnection, certificate_ids: Sequence[UUID]) -> dict[UUID, set[bytes]]:
    """Under which holders' indexes each of these certificates is found."""
    query = (
        select(certificate_holders.c.certificate_id, holders.c.code_index)
        .join(holders, holders.c.id == certificate_holders.c.holder_id)
        .where(
            certificate_holders.c.certificate_id.in_(certificate_ids),
            # Who is erased is found by nothing.
            holders.c.code_index.is_not(None),
        )
    )
    found: dict[UUID, set[bytes]] = {}
    for row in db.execute(query):
        found.setdefault(row.certificate_id, set()).add(row.code_index)
    return found


def _rows_by_certificate(
    db: ReadConnection, table: Table, certificate_ids: Sequence[UUID]
) -> dict[UUID, list[Row[Any]]]:
    """The rows of events or leaves that each of these certificates has, oldest first."""
    query = select(table).where(table.c.certificate_id.in_(certificate_ids)).order_by(table.c.id)
    found: dict[UUID, list[Row[Any]]] = {}
    for row in db.execute(query):
        found.setdefault(row.certificate_id, []).append(row)
    return found


def _predecessors_of(db: ReadConnection, certificate_ids: Sequence[UUID]) -> dict[UUID, UUID | None]:
    """What each of these certificates says that it supersedes."""
    query = select(certificates.c.id, certificates.c.supersedes).where(certificates.c.id.in_(certificate_ids))
    return {row.id: row.supersedes for row in db.execute(query)}


def damaged_envelopes(db: ReadConnection, keys: KeyRing) -> Iterator[tuple[str, str]]:
    """Cases, materials and their events, holders and people whose envelope does not open, and why.

    A holder or person whose index does not follow from the code in the envelope is among them. What was
    erased has no envelope, and is none of them.
    """
    for table in (cases, materials, material_events, holders, people):
        for row in _rows_of(db, table):
            try:
                content = _content(keys, table, row)
                if content is not None and table in (holders, people) and row.code_type is not None:
                    _prove_index(keys, row, content["code"])
            except IntegrityError as error:
                yield f"{table.name} {row.id}", error.detail
            except UNREADABLE as error:
                yield f"{table.name} {row.id}", f"The row cannot be read: {type(error).__name__}."


def _content(keys: KeyRing, table: Table, row: Row[Any]) -> Any:  # noqa: ANN401 - JSON is what it is
    """What a row's envelope says; None where it was erased."""
    data_key: DataKey | None
    if table is materials:
        data_key, where = record_key(MATERIALS, keys, row), MATERIALS.content_place(row.id)
    elif table is material_events:
        # An event's number is not known before it is written: its envelope is bound to its material.
        of_material = _key_of_material(keys, row)
        data_key = None if of_material is None else event_key(keys, of_material, row.own_key, row.material_id)
        where = event_place(row.material_id)
    else:
        where = f"{table.name}.sealed:{row.id}"
        data_key = (
            None if row.data_key is None else keys.data_key(row.data_key, f"{table.name}.data_key:{row.id}")
        )
    if data_key is None and (row.sealed is None or table is material_events):
        return None
    if data_key is None or row.sealed is None:
        raise IntegrityError("The envelope or its data key is gone.")
    return open_json(data_key, row.sealed, where)


def _key_of_material(keys: KeyRing, row: Row[Any]) -> DataKey | None:
    return opened_key(
        MATERIALS, keys, row.material_id, row.data_key, (row.opener, row.wrapped, row.opener_key)
    )


def _prove_index(keys: KeyRing, row: Row[Any], code: str) -> None:
    if row.code_index not in holder_indexes(keys, HolderCode.parse(row.code_type, code)):
        raise IntegrityError("The index does not follow from the code: nobody finds this row by it.")


def _query_of(table: Table) -> Select[Any]:
    """A table's rows, with what opens them beside those that have no data key of their own."""
    opener = way_in(MATERIALS)
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


def _rows_of(db: ReadConnection, table: Table) -> Iterator[Row[Any]]:
    """Every row of a table with an `id`, page by page."""
    after: UUID | int | None = None
    while True:
        query = _query_of(table).order_by(table.c.id).limit(PAGE_ROWS)
        page = db.execute(query if after is None else query.where(table.c.id > after)).all()
        if not page:
            return
        yield from page
        after = page[-1].id
