"""Reads for fsck and doctor: everything in pages of bounded size, in key order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on

from storage.certificates import record_page
from storage.db import ReadConnection
from storage.envelope import KeyRing
from storage.tables import cases, certificates, documents, log_leaves, materials, reservations, status_events
from vault.model.certificate import CertificateRecord

# Rows of one page; a page of records with their envelopes stays under 10 MB.
PAGE_ROWS = 500


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


def all_records(db: ReadConnection, keys: KeyRing) -> Iterator[tuple[CertificateRecord, ...]]:
    """Every certificate, page by page."""
    after: UUID | None = None
    while page := record_page(db, keys, after, PAGE_ROWS):
        yield page
        after = page[-1].certificate_id


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
    after: UUID | None = None
    while True:
        query = select(materials.c.id, materials.c.sha256, materials.c.size_bytes).order_by(materials.c.id)
        if after is not None:
            query = query.where(materials.c.id > after)
        page = db.execute(query.limit(PAGE_ROWS)).all()
        if not page:
            return
        yield from ((row.sha256.hex(), row.size_bytes) for row in page)
        after = page[-1].id


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
