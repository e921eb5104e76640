"""Rows as they are, damaged ones too: what fsck judges, in pages of bounded size and key order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, func, select

from storage.certificates import CODE, NUMBER, TOKEN, record_or_rest, row_page
from storage.db import ReadConnection
from storage.envelope import KeyRing
from storage.filed_objects import document_objects
from storage.holders import holder_indexes
from storage.inspection import PAGE_ROWS
from storage.objects import FiledObject
from storage.record_keys import HolderKeys
from storage.spans import Span
from storage.statuses import event_of
from storage.tables import (
    certificate_holders,
    certificates,
    holders,
    log_leaves,
    status_events,
)
from vault.errors import IntegrityError, VaultError
from vault.model.certificate import CertificateRecord, ErasedCertificate
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
    `succession`: whether the successor that its row names, if any, names it in turn. `overdue`: the day on
    which that successor began, where it should have taken over by now.
    """

    certificate_id: UUID
    identifier: str
    record: CertificateRecord | ErasedCertificate | IntegrityError
    files: tuple[FileOnFile, ...]
    astray: tuple[str, ...]
    history: tuple[StatusEvent, ...] | IntegrityError
    leaves: tuple[LeafOnFile, ...]
    succession: bool
    overdue: date | None


def certificate_page(db: ReadConnection, keys: KeyRing, span: Span) -> tuple[CertificateOnFile, ...]:
    """The first certificates of this span, damaged ones too. On a snapshot: statuses change meanwhile."""
    rows = row_page(db, span, PAGE_ROWS)
    ids = [row.id for row in rows]
    found_by = _holder_indexes(db, ids)
    events, leaves = _rows_by_certificate(db, status_events, ids), _rows_by_certificate(db, log_leaves, ids)
    opened: HolderKeys = {}
    objects = _filed(db, keys, ids, opened)
    successors = _successors(db, [row.superseded_by for row in rows if row.superseded_by is not None])
    page = []
    for row in rows:
        record = _readable_record(keys, row, opened)
        astray = _astray(keys, row, record, found_by) if isinstance(record, CertificateRecord) else ()
        page.append(
            CertificateOnFile(
                certificate_id=row.id,
                identifier=row.identifier,
                record=record,
                files=tuple(
                    FileOnFile(f[1], f[2], f[3], filed)
                    for f, filed in zip_longest(_files(row), objects.get(row.id, ()))
                ),
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


def _files(row: Row[Any]) -> list[list[Any]]:
    """What the row says of its files, in the order of `document_objects`."""
    raised = [each[1:] for each in row.raised or ()]
    return [
        each
        for deposited in row.files or ()
        for each in (deposited, *(one for one in raised if one[0] == deposited[0]))
    ]


def _filed(
    db: ReadConnection, keys: KeyRing, ids: Sequence[UUID], opened: HolderKeys
) -> Mapping[UUID, Sequence[FiledObject]]:
    """The files of these certificates; where one key does not open, one certificate after the other."""
    try:
        return document_objects(db, keys, ids, opened)
    except UNREADABLE:
        return {certificate_id: _filed_alone(db, keys, certificate_id) for certificate_id in ids}


def _filed_alone(db: ReadConnection, keys: KeyRing, certificate_id: UUID) -> Sequence[FiledObject]:
    try:
        return document_objects(db, keys, [certificate_id]).get(certificate_id, ())
    except UNREADABLE:
        return ()


def _readable_record(
    keys: KeyRing, row: Row[Any], opened: HolderKeys
) -> CertificateRecord | ErasedCertificate | IntegrityError:
    try:
        return record_or_rest(keys, row, opened)
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
