"""Reads for fsck, doctor and reconcile: how far cases are, and who explains an object."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from storage.blobs import plain_digest, plain_name
from storage.db import ReadConnection
from storage.tables import cases, certificates, documents, materials, reservations

NAME_PARTS = 3
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


def named_objects(db: ReadConnection, names: Sequence[str]) -> set[str]:
    """Those of these objects that a row names."""
    ids = [record_id for name in names if (record_id := _record_id(name)) is not None]
    query = union_all(
        select(documents.c.object_name).where(documents.c.certificate_id.in_(ids)),
        select(materials.c.object_name).where(materials.c.id.in_(ids)),
    )
    sealed = {row.object_name for row in db.execute(query)}
    in_clear = _of_digests(db, names, in_clear=True)
    return {name for name in names if name in sealed or name in in_clear}


def outlived_objects(db: ReadConnection, names: Sequence[str]) -> set[str]:
    """Those of these objects in clear, from before revision 0008, that a row has as cipher text by now."""
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


def _record_id(name: str) -> UUID | None:
    """The id of the record whose file `storage.objects` gave this name."""
    parts = name.split("/")
    try:
        return UUID(parts[1]) if len(parts) == NAME_PARTS else None
    except ValueError:
        return None


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
