"""Reads for fsck, doctor and reconcile: how far cases are, and who explains an object."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from storage.db import ReadConnection
from storage.tables import (
    cases,
    certificates,
    changes,
    documents,
    materials,
    reservations,
    status_events,
)

# Rows of one page; a page of records with their envelopes stays under 10 MB.
PAGE_ROWS = 500


@dataclass(frozen=True, slots=True)
class OpenReservation:
    """A case that was reserved and never committed."""

    case_id: UUID
    case_number: str
    client_id: str
    reserved_at: datetime


@dataclass(frozen=True, slots=True)
class CaseState:
    """How far a case is. `missing`: identifiers that it reserved and that no certificate bears."""

    committed: bool
    missing: tuple[str, ...]


def named_objects(db: ReadConnection, digests: Sequence[str]) -> set[str]:
    """Those of these objects that a row names."""
    wanted = [bytes.fromhex(digest) for digest in digests]
    query = union_all(
        select(documents.c.sha256).where(documents.c.sha256.in_(wanted)),
        select(materials.c.sha256).where(materials.c.sha256.in_(wanted)),
    )
    return {row.sha256.hex() for row in db.execute(query)}


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


def open_reservations(db: ReadConnection, client_id: str | None = None) -> tuple[OpenReservation, ...]:
    """Cases reserved and never committed, oldest first; of one client or of all."""
    query = (
        select(cases.c.id, cases.c.number, cases.c.client_id, cases.c.reserved_at)
        .where(cases.c.committed_at.is_(None))
        .order_by(cases.c.reserved_at)
    )
    if client_id is not None:
        query = query.where(cases.c.client_id == client_id)
    return tuple(OpenReservation(*row) for row in db.execute(query))


def case_states(db: ReadConnection, client_id: str, numbers: Sequence[str]) -> dict[str, CaseState]:
    """How far those of these cases are that the vault knows, by number."""
    missing = func.array_agg(aggregate_order_by(reservations.c.identifier, reservations.c.position)).filter(
        reservations.c.certificate_id.is_not(None), certificates.c.id.is_(None)
    )
    still_counts = and_(reservations.c.case_id == cases.c.id, reservations.c.abandoned_at.is_(None))
    query = (
        select(cases.c.number, cases.c.committed_at, missing)
        .outerjoin(reservations, still_counts)
        .outerjoin(certificates, certificates.c.id == reservations.c.certificate_id)
        .where(cases.c.client_id == client_id, cases.c.number.in_(numbers))
        .group_by(cases.c.id)
    )
    return {row[0]: CaseState(row[1] is not None, tuple(row[2] or ())) for row in db.execute(query)}


def not_in_feed(db: ReadConnection, certificate_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these certificates with an event that the feed of changes does not have."""
    query = (
        select(status_events.c.certificate_id)
        .outerjoin(changes, changes.c.status_event_id == status_events.c.id)
        .where(status_events.c.certificate_id.in_(certificate_ids), changes.c.id.is_(None))
    )
    return set(db.execute(query).scalars())


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
