"""Reads for fsck, doctor and reconcile: how far cases are, and who explains an object."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar
from uuid import UUID

from sqlalchemy import and_, func, or_, select, text, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from storage.blobs import IN_PACK, plain_digest, plain_name
from storage.cases import FORGOTTEN, NO_ITEM, content_place, key_place
from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.filed_objects import still_standing
from storage.objects import record_id_of
from storage.spans import Span, within
from storage.tables import (
    cases,
    certificates,
    changes,
    consent_events,
    consents,
    documents,
    materials,
    renditions,
    reservations,
    status_events,
    use_copies,
    use_events,
    uses,
)
from storage.upload_keys import find_upload_key, upload_name
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

    case_number: str
    client_id: str
    reserved_at: datetime


@dataclass(frozen=True, slots=True)
class CaseState:
    """How far a case is. `missing`: identifiers that it reserved and that no certificate bears."""

    committed: bool
    missing: tuple[str, ...]


def named_objects(db: ReadConnection, names: Sequence[str]) -> set[str]:
    """Those of these objects that a row names."""
    ids = [record_id for name in names if (record_id := record_id_of(name)) is not None]
    query = union_all(
        select(documents.c.object_name).where(documents.c.certificate_id.in_(ids)),
        select(renditions.c.object_name).where(renditions.c.certificate_id.in_(ids)),
        select(materials.c.object_name).where(materials.c.id.in_(ids)),
    )
    sealed = {row.object_name for row in db.execute(query)}
    pack = func.split_part(documents.c.object_name, IN_PACK, 1)
    packs = (
        select(pack)
        .distinct()
        .join(certificates, certificates.c.id == documents.c.certificate_id)
        .where(certificates.c.case_id.in_(ids), documents.c.object_name.contains(IN_PACK, autoescape=True))
    )
    sealed |= set(db.execute(packs).scalars())
    in_clear = _of_digests(db, names, in_clear=True)
    return {name for name in names if name in sealed or name in in_clear}


def outlived_objects(db: ReadConnection, names: Sequence[str]) -> set[str]:
    """Those of these objects in clear, from before revision 0010, that a row has as cipher text by now."""
    return _of_digests(db, names, in_clear=False)


def _of_digests(db: ReadConnection, names: Sequence[str], *, in_clear: bool) -> set[str]:
    digests = [bytes.fromhex(digest) for name in names if (digest := plain_digest(name)) is not None]
    if not digests:
        return set()
    found = (
        select(table.c.sha256).where(table.c.sha256.in_(digests), table.c.object_name.is_(None) == in_clear)
        for table in (documents, materials)
    )
    return {plain_name(row.sha256.hex()) for row in db.execute(union_all(*found))}


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
        select(cases.c.number, cases.c.client_id, cases.c.reserved_at)
        .where(cases.c.committed_at.is_(None), cases.c.request_digest != FORGOTTEN)
        .order_by(cases.c.reserved_at)
    )
    if client_id is not None:
        query = query.where(cases.c.client_id == client_id)
    return tuple(OpenReservation(*row) for row in db.execute(query))


# Word for word the index's own condition (revision 0022): with a parameter in it PostgreSQL could not tell
# that the index has every row that is asked for.
_OPEN = text("committed_at IS NULL AND request_digest <> ''::bytea")


def open_cases(db: ReadConnection, *, shown: int, counted: int) -> tuple[tuple[OpenReservation, ...], int]:
    """The oldest of the cases that `open_reservations` lists, and how many there are, counted so far."""
    oldest = select(cases.c.number, cases.c.client_id, cases.c.reserved_at).where(_OPEN)
    some = select(cases.c.reserved_at).where(_OPEN).limit(counted).subquery()
    rows = db.execute(oldest.order_by(cases.c.reserved_at).limit(shown)).all()
    return tuple(OpenReservation(*row) for row in rows), db.execute(
        select(func.count()).select_from(some)
    ).scalar_one()


def uploads_in_need(db: ReadConnection, keys: KeyRing) -> frozenset[str]:
    """Names of the uploads that cases which are reserved and not committed need for a retry.

    Raises:
        IntegrityError: a case's envelope or a client's upload key does not open, so that nobody knows what
            is needed.
    """
    digests: dict[str, set[str]] = {}
    query = select(cases.c.id, cases.c.client_id, cases.c.data_key, cases.c.sealed).where(
        cases.c.committed_at.is_(None), cases.c.request_digest != FORGOTTEN
    )
    for row in db.execute(query):
        data_key = keys.data_key(row.data_key, key_place(row.id))
        request = open_json(data_key, row.sealed, content_place(row.id))["request"]
        named = digests.setdefault(row.client_id, set())
        named.update(material["sha256"] for material in request["materials"])
        named.update(result["document"]["sha256"] for result in request["results"] if result["document"])
    needed: set[str] = set()
    for client_id, named in digests.items():
        key = find_upload_key(db, keys, client_id)
        if key is not None:
            needed.update(upload_name(key, client_id, sha256) for sha256 in named)
    return frozenset(needed)


def items_since(db: ReadConnection, first_case: UUID) -> dict[str, int]:
    """Service items of the cases from this id on, and how many cases each has: a range of the primary key."""
    # An import's cases are of none.
    query = select(cases.c.service_item, func.count()).where(
        cases.c.id >= first_case, cases.c.service_item != NO_ITEM
    )
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


def unredeemed_in_committed_cases(db: ReadConnection, span: Span) -> tuple[UUID, ...]:
    """Reservations of committed cases of this span without their certificate: there must be none."""
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
    return tuple(db.execute(within(query, cases.c.id, span)).scalars())


def is_good_copy(db: ReadConnection, use_id: UUID) -> bool:
    """Whether a use still stands, and its copy with it."""
    query = select(func.count()).where(uses.c.id == use_id, *still_standing())
    return db.execute(query).scalar_one() > 0


def named_copies(db: ReadConnection, names: Sequence[str]) -> set[str]:
    """Those of these objects among the copies that a row names."""
    ids = [use_id for name in names if (use_id := record_id_of(name)) is not None]
    digests = [bytes.fromhex(digest) for name in names if (digest := plain_digest(name)) is not None]
    query = select(use_copies.c.object_name, use_copies.c.sha256).where(
        or_(
            use_copies.c.use_id.in_(ids),
            and_(use_copies.c.sha256.in_(digests), use_copies.c.object_name.is_(None)),
        )
    )
    found = db.execute(query)
    return {plain_name(row.sha256.hex()) if row.object_name is None else row.object_name for row in found}


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
