"""Rows as they are, damaged ones too: what fsck judges, in pages of bounded size and key order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, func, select

from storage.certificates import CODE, NUMBER, TOKEN, record_of, row_page
from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.holders import holder_index
from storage.inspection import PAGE_ROWS
from storage.statuses import event_of
from storage.tables import (
    cases,
    certificate_holders,
    certificates,
    consents,
    delegations,
    holders,
    log_leaves,
    material_events,
    materials,
    people,
    status_events,
    uses,
    webhook_secrets,
    webhooks,
)
from vault.errors import IntegrityError, VaultError
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.model.lifecycle import TAKES_OVER, StatusEvent
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
    """A sealed file as its row names it."""

    sha256: str
    sm3: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class CertificateOnFile:
    """A certificate as its rows hold it. `record`: what they say, or why they cannot be read.

    `astray`: names of the indexes that do not follow from the record, so that it is not found by them.
    `history`: its events, oldest first, or why they cannot be read. `leaves`: oldest first.
    `succession`: whether the successor that its row names, if any, names it in turn. `overdue`: the day on
    which that successor began, where it should have taken over by now.
    """

    certificate_id: UUID
    identifier: str
    record: CertificateRecord | IntegrityError
    files: tuple[FileOnFile, ...]
    astray: tuple[str, ...]
    history: tuple[StatusEvent, ...] | IntegrityError
    leaves: tuple[LeafOnFile, ...]
    succession: bool
    overdue: date | None


def certificate_page(db: ReadConnection, keys: KeyRing, after: UUID | None) -> tuple[CertificateOnFile, ...]:
    """The next certificates after this id, damaged ones too. On a snapshot: statuses change meanwhile."""
    rows = row_page(db, after, PAGE_ROWS)
    ids = [row.id for row in rows]
    found_by = _holder_indexes(db, ids)
    events, leaves = _rows_by_certificate(db, status_events, ids), _rows_by_certificate(db, log_leaves, ids)
    successors = _successors(db, [row.superseded_by for row in rows if row.superseded_by is not None])
    page = []
    for row in rows:
        record = _readable_record(keys, row)
        astray = () if isinstance(record, IntegrityError) else _astray(keys, row, record, found_by)
        page.append(
            CertificateOnFile(
                certificate_id=row.id,
                identifier=row.identifier,
                record=record,
                files=tuple(FileOnFile(f[1], f[2], f[3]) for f in row.files or ()),
                astray=astray,
                history=_readable_history(events.get(row.id, [])),
                leaves=tuple(
                    LeafOnFile(leaf.leaf, leaf.leaf_hash, leaf.promise) for leaf in leaves.get(row.id, [])
                ),
                succession=row.superseded_by is None
                or (row.superseded_by in successors and successors[row.superseded_by].supersedes == row.id),
                overdue=_overdue(successors.get(row.superseded_by)),
            )
        )
    return tuple(page)


def _readable_record(keys: KeyRing, row: Row[Any]) -> CertificateRecord | IntegrityError:
    try:
        return record_of(keys, row)
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
    by_holders = {holder_index(keys, holder.code) for holder in record.holders}
    follows = {
        "number": row.number_index == keys.index(NUMBER, number_form(record.number)),
        "verification code": row.code_index == keys.index(CODE, record.verification_code),
        "QR token": row.token_index == keys.index(TOKEN, record.token),
        "holders": found_by.get(row.id, set()) == by_holders,
    }
    return tuple(name for name, right in follows.items() if not right)


def _holder_indexes(db: ReadConnection, certificate_ids: Sequence[UUID]) -> dict[UUID, set[bytes]]:
    """Under which holders' indexes each of these certificates is found."""
    query = (
        select(certificate_holders.c.certificate_id, holders.c.code_index)
        .join(holders, holders.c.id == certificate_holders.c.holder_id)
        .where(certificate_holders.c.certificate_id.in_(certificate_ids))
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


def _successors(db: ReadConnection, certificate_ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """What each of these certificates supersedes, from when, how it stands, and the time now."""
    query = select(
        certificates.c.id,
        certificates.c.supersedes,
        certificates.c.valid_from,
        certificates.c.status,
        func.now().label("now"),
    ).where(certificates.c.id.in_(certificate_ids))
    return {row.id: row for row in db.execute(query)}


def _overdue(successor: Row[Any] | None) -> date | None:
    """The worker takes over at midnight; it has that day for it."""
    if successor is None or successor.status not in TAKES_OVER:
        return None
    began: date = successor.valid_from
    return began if began < legal_day(successor.now) else None


# Tables whose rows have an envelope of their own.
_ENVELOPES = (
    cases,
    materials,
    material_events,
    holders,
    people,
    uses,
    consents,
    delegations,
    webhooks,
    webhook_secrets,
)


def damaged_envelopes(db: ReadConnection, keys: KeyRing) -> Iterator[tuple[str, str]]:
    """Rows of every table with an envelope of its own that does not open, and why.

    A holder, person or delegate whose index does not follow from the code in the envelope is among them.
    """
    for table in _ENVELOPES:
        for row in _rows_of(db, table):
            # An event's number is not known before it is written: its envelope is bound to its material.
            bound_to = row.material_id if table is material_events else row.id
            try:
                data_key = keys.data_key(row.data_key, f"{table.name}.data_key:{bound_to}")
                content = open_json(data_key, row.sealed, f"{table.name}.sealed:{bound_to}")
                if table in (holders, people) and row.code_type is not None:
                    _prove_index(keys, row.code_index, row.code_type, content["code"])
                elif table is delegations:
                    delegate = content["delegate"]
                    _prove_index(keys, row.delegate_index, delegate["code_type"], delegate["code"])
            except IntegrityError as error:
                yield f"{table.name} {row.id}", error.detail
            except UNREADABLE as error:
                yield f"{table.name} {row.id}", f"The row cannot be read: {type(error).__name__}."


def _prove_index(keys: KeyRing, index: bytes, code_type: str, code: str) -> None:
    if index != holder_index(keys, HolderCode.parse(code_type, code)):
        raise IntegrityError("The index does not follow from the code: nobody finds this row by it.")


def _rows_of(db: ReadConnection, table: Table) -> Iterator[Row[Any]]:
    """Every row of a table with an `id`, page by page."""
    after: UUID | int | None = None
    while True:
        query = select(table).order_by(table.c.id).limit(PAGE_ROWS)
        page = db.execute(query if after is None else query.where(table.c.id > after)).all()
        if not page:
            return
        yield from page
        after = page[-1].id
