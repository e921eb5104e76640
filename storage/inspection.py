"""Reads for fsck and doctor: everything in pages of bounded size, in key order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, func, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from storage.certificates import CODE, NUMBER, TOKEN, record_of, row_page
from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.holders import holder_index
from storage.tables import (
    cases,
    certificate_holders,
    certificates,
    documents,
    holders,
    log_leaves,
    materials,
    people,
    reservations,
    status_events,
)
from vault.errors import IntegrityError, VaultError
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.written import number_form

# Rows of one page; a page of records with their envelopes stays under 10 MB.
PAGE_ROWS = 500
# What reading a damaged row may raise besides `IntegrityError`: a code that is none, a missing field.
UNREADABLE = (VaultError, ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class LeafOnFile:
    """A leaf as its row holds it."""

    certificate_id: UUID
    leaf: bytes = field(repr=False)
    leaf_hash: bytes
    promise: str


@dataclass(frozen=True, slots=True)
class OpenReservation:
    """A case that was reserved and never committed."""

    case_id: UUID
    case_number: str
    client_id: str
    reserved_at: datetime


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
    """

    certificate_id: UUID
    identifier: str
    record: CertificateRecord | IntegrityError
    files: tuple[FileOnFile, ...]
    astray: tuple[str, ...]


def all_certificates(db: ReadConnection, keys: KeyRing) -> Iterator[tuple[CertificateOnFile, ...]]:
    """Every certificate, page by page, damaged ones too."""
    after: UUID | None = None
    while page := row_page(db, after, PAGE_ROWS):
        found_by = _holder_indexes(db, [row.id for row in page])
        yield tuple(_on_file(keys, row, found_by.get(row.id, set())) for row in page)
        after = page[-1].id


def _on_file(keys: KeyRing, row: Row[Any], holders_found: set[bytes]) -> CertificateOnFile:
    record: CertificateRecord | IntegrityError
    astray: tuple[str, ...] = ()
    try:
        record = record_of(keys, row)
    except IntegrityError as error:
        record = error
    except UNREADABLE as error:
        record = IntegrityError(f"The row cannot be read: {type(error).__name__}.")
    else:
        follows = {
            "number": row.number_index == keys.index(NUMBER, number_form(record.number)),
            "verification code": row.code_index == keys.index(CODE, record.verification_code),
            "QR token": row.token_index == keys.index(TOKEN, record.token),
            "holders": holders_found == {holder_index(keys, holder.code) for holder in record.holders},
        }
        astray = tuple(name for name, right in follows.items() if not right)
    files = tuple(FileOnFile(f[1], f[2], f[3]) for f in row.files or ())
    return CertificateOnFile(row.id, row.identifier, record, files, astray)


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


def damaged_envelopes(db: ReadConnection, keys: KeyRing) -> Iterator[tuple[str, str]]:
    """Cases, materials, holders and people whose envelope does not open: what it is, and a sentence.

    A holder or person whose index does not follow from the code in the envelope is among them.
    """
    for table in (cases, materials, holders, people):
        for row in _rows_of(db, table):
            try:
                data_key = keys.data_key(row.data_key, f"{table.name}.data_key:{row.id}")
                content = open_json(data_key, row.sealed, f"{table.name}.sealed:{row.id}")
                if table in (holders, people) and row.code_type is not None:
                    _prove_index(keys, row, content["code"])
            except IntegrityError as error:
                yield f"{table.name} {row.id}", error.detail
            except UNREADABLE as error:
                yield f"{table.name} {row.id}", f"The row cannot be read: {type(error).__name__}."


def _prove_index(keys: KeyRing, row: Row[Any], code: str) -> None:
    if row.code_index != holder_index(keys, HolderCode.parse(row.code_type, code)):
        raise IntegrityError("The index does not follow from the code: nobody finds this row by it.")


def _rows_of(db: ReadConnection, table: Table) -> Iterator[Row[Any]]:
    """Every row of a table with an `id`, page by page."""
    after: UUID | None = None
    while True:
        query = select(table).order_by(table.c.id).limit(PAGE_ROWS)
        page = db.execute(query if after is None else query.where(table.c.id > after)).all()
        if not page:
            return
        yield from page
        after = page[-1].id


def leaves_of(db: ReadConnection, certificate_ids: Sequence[UUID]) -> dict[UUID, list[LeafOnFile]]:
    """The leaves of these certificates, oldest first."""
    query = (
        select(log_leaves.c.certificate_id, log_leaves.c.leaf, log_leaves.c.leaf_hash, log_leaves.c.promise)
        .where(log_leaves.c.certificate_id.in_(certificate_ids))
        .order_by(log_leaves.c.id)
    )
    found: dict[UUID, list[LeafOnFile]] = {}
    for row in db.execute(query):
        found.setdefault(row.certificate_id, []).append(LeafOnFile(*row))
    return found


def last_status_of(db: ReadConnection, certificate_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What the newest status event of each of these certificates says."""
    query = (
        select(status_events.c.certificate_id, status_events.c.status)
        .where(status_events.c.certificate_id.in_(certificate_ids))
        .order_by(status_events.c.certificate_id, status_events.c.id.desc())
        .ext(distinct_on(status_events.c.certificate_id))
    )
    return {row.certificate_id: row.status for row in db.execute(query)}


def named_objects(db: ReadConnection, digests: Sequence[str]) -> set[str]:
    """Those of these objects that a row names."""
    wanted = [bytes.fromhex(digest) for digest in digests]
    query = union_all(
        select(documents.c.sha256).where(documents.c.sha256.in_(wanted)),
        select(materials.c.sha256).where(materials.c.sha256.in_(wanted)),
    )
    return {row.sha256.hex() for row in db.execute(query)}


def material_objects(db: ReadConnection) -> Iterator[tuple[str, int]]:
    """Digest and size of every material, page by page."""
    yield from ((row.sha256.hex(), row.size_bytes) for row in _rows_of(db, materials))


def is_reserved(db: ReadConnection, certificate_id: UUID) -> bool:
    """Whether some try reserved this certificate id."""
    query = (
        select(func.count()).select_from(reservations).where(reservations.c.certificate_id == certificate_id)
    )
    return db.execute(query).scalar_one() > 0


def is_case(db: ReadConnection, case_id: UUID) -> bool:
    """Whether there is such a case."""
    query = select(func.count()).select_from(cases).where(cases.c.id == case_id)
    return db.execute(query).scalar_one() > 0


def open_reservations(db: ReadConnection) -> tuple[OpenReservation, ...]:
    """Cases reserved and never committed, oldest first."""
    query = (
        select(cases.c.id, cases.c.number, cases.c.client_id, cases.c.reserved_at)
        .where(cases.c.committed_at.is_(None))
        .order_by(cases.c.reserved_at)
    )
    return tuple(OpenReservation(*row) for row in db.execute(query))


def unredeemed_in_committed_cases(db: ReadConnection) -> tuple[UUID, ...]:
    """Reservations of committed cases without their certificate: there must be none."""
    query = (
        select(reservations.c.certificate_id)
        .join(cases, cases.c.id == reservations.c.case_id)
        .outerjoin(certificates, certificates.c.id == reservations.c.certificate_id)
        .where(
            cases.c.committed_at.is_not(None),
            reservations.c.abandoned_at.is_(None),
            certificates.c.id.is_(None),
        )
    )
    return tuple(db.execute(query).scalars())
