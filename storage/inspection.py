"""Reads for fsck, doctor and reconcile: how far cases are, and who explains an object."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from sqlalchemy import and_, func, or_, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from storage.cases import FORGOTTEN
from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.tables import (
    cases,
    certificates,
    changes,
    consent_events,
    consents,
    documents,
    materials,
    reservations,
    status_events,
    use_copies,
    use_events,
    uses,
)
from vault.model.consent import ConsentAction
from vault.model.use import UseAction

# Rows of one page; a page of records with their envelopes stays under 10 MB.
PAGE_ROWS = 500


_T = TypeVar("_T")


def in_pages(found: Iterable[_T]) -> Iterator[list[_T]]:
    """What a listing names, so many at a time that one query can ask for all of them."""
    rest = iter(found)
    while page := list(islice(rest, PAGE_ROWS)):
        yield page


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
    """Cases reserved and never committed, oldest first; of one client or of all.

    Not those whose contents were forgotten after a refusal: whoever sent them was told, and nothing of them
    is under way. Only their reservations stay, to explain objects.
    """
    query = (
        select(cases.c.id, cases.c.number, cases.c.client_id, cases.c.reserved_at)
        .where(cases.c.committed_at.is_(None), cases.c.request_digest != FORGOTTEN)
        .order_by(cases.c.reserved_at)
    )
    if client_id is not None:
        query = query.where(cases.c.client_id == client_id)
    return tuple(OpenReservation(*row) for row in db.execute(query))


def uploads_in_need(db: ReadConnection, keys: KeyRing) -> frozenset[str]:
    """Digests of the uploads that cases which are reserved and not committed name: a retry needs them.

    Raises:
        IntegrityError: a case's envelope does not open, so that nobody knows what it needs.
    """
    needed: set[str] = set()
    query = select(cases.c.id, cases.c.data_key, cases.c.sealed).where(
        cases.c.committed_at.is_(None), cases.c.request_digest != FORGOTTEN
    )
    for row in db.execute(query):
        data_key = keys.data_key(row.data_key, f"cases.data_key:{row.id}")
        request = open_json(data_key, row.sealed, f"cases.sealed:{row.id}")["request"]
        needed.update(material["sha256"] for material in request["materials"])
        needed.update(result["document"]["sha256"] for result in request["results"] if result["document"])
    return frozenset(needed)


def items_since(db: ReadConnection, first_case: UUID) -> dict[str, int]:
    """Service items of the cases from this id on, and how many cases each has: a range of the primary key."""
    query = select(cases.c.service_item, func.count()).where(cases.c.id >= first_case)
    return {row[0]: row[1] for row in db.execute(query.group_by(cases.c.service_item))}


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


def copies_in_force(db: ReadConnection, after: UUID | None, limit: int) -> tuple[tuple[UUID, str, int], ...]:
    """Use, digest and size of copies that are good for now, the next `limit` of them by use."""
    query = (
        select(use_copies.c.use_id, use_copies.c.sha256, use_copies.c.size_bytes)
        .join(uses, uses.c.id == use_copies.c.use_id)
        .where(uses.c.revoked_at.is_(None), uses.c.expires_at > func.now())
        .order_by(use_copies.c.use_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(use_copies.c.use_id > after)
    return tuple((row.use_id, row.sha256.hex(), row.size_bytes) for row in db.execute(query))


def is_good_copy(db: ReadConnection, use_id: UUID) -> bool:
    """Whether a use still stands, and its copy with it."""
    query = select(func.count()).where(
        uses.c.id == use_id, uses.c.revoked_at.is_(None), uses.c.expires_at > func.now()
    )
    return db.execute(query).scalar_one() > 0


def named_copies(db: ReadConnection, digests: Sequence[str]) -> Mapping[str, UUID]:
    """Those of these objects that a row names, and the use that each is of."""
    wanted = [bytes.fromhex(digest) for digest in digests]
    query = select(use_copies.c.sha256, use_copies.c.use_id).where(use_copies.c.sha256.in_(wanted))
    return {row.sha256.hex(): row.use_id for row in db.execute(query)}


def contradicting_uses(db: ReadConnection) -> tuple[UUID, ...]:
    """Uses whose events lack their making, or tell otherwise than the row when they were revoked."""
    told = (
        select(
            use_events.c.use_id,
            func.bool_or(use_events.c.action == UseAction.MAKE).label("made"),
            func.max(use_events.c.at).filter(use_events.c.action == UseAction.REVOKE).label("revoked_at"),
        )
        .group_by(use_events.c.use_id)
        .subquery()
    )
    query = (
        select(uses.c.id)
        .outerjoin(told, told.c.use_id == uses.c.id)
        .where(
            or_(told.c.made.is_not(True), told.c.revoked_at.is_distinct_from(uses.c.revoked_at)),
        )
    )
    return tuple(db.execute(query).scalars())


def contradicting_consents(db: ReadConnection) -> tuple[UUID, ...]:
    """Consents whose events and rows differ in how often they were used, or when they were revoked."""
    told = (
        select(
            consent_events.c.consent_id,
            func.count().filter(consent_events.c.action == ConsentAction.GRANT).label("grants"),
            func.count().filter(consent_events.c.action == ConsentAction.USE).label("uses"),
            func.max(consent_events.c.at)
            .filter(consent_events.c.action == ConsentAction.REVOKE)
            .label("revoked_at"),
        )
        .group_by(consent_events.c.consent_id)
        .subquery()
    )
    query = (
        select(consents.c.id)
        .outerjoin(told, told.c.consent_id == consents.c.id)
        .where(
            or_(
                told.c.grants.is_distinct_from(1),
                told.c.uses.is_distinct_from(consents.c.uses_max - consents.c.uses_left),
                told.c.revoked_at.is_distinct_from(consents.c.revoked_at),
            )
        )
    )
    return tuple(db.execute(query).scalars())
