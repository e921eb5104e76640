"""Cases and reservations: the committed intent to seal, kept from the first try to the last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.tables import cases, certificates, reservations
from vault.model.ids import uuid7


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as its first try reserved it. `content` is the envelope: the request and the codes."""

    case_id: UUID
    client_id: str
    number: str
    service_item: str
    request_digest: bytes
    content: Mapping[str, Any] = field(repr=False)
    committed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """One reserved identifier; the codes belong to it by `position` in the case's envelope."""

    certificate_id: UUID
    position: int
    identifier: str
    version: int
    supersedes: UUID | None


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The certificate that a new version follows."""

    certificate_id: UUID
    identifier: str
    version: int
    status: str
    type_code: str
    issuing_authority: str
    successors_reserved: int


def insert_case(
    db: WriteConnection,
    keys: KeyRing,
    *,
    client_id: str,
    number: str,
    service_item: str,
    completed_at: datetime,
    request_digest: bytes,
    content: Mapping[str, Any],
    at: datetime,
) -> UUID | None:
    """A new case's id; None where (client, number) is already there."""
    case_id = uuid7(at)
    data_key = keys.new_data_key(f"cases.data_key:{case_id}")
    statement = (
        insert(cases)
        .values(
            id=case_id,
            client_id=client_id,
            number=number,
            service_item=service_item,
            completed_at=completed_at,
            request_digest=request_digest,
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, content, f"cases.sealed:{case_id}"),
            reserved_at=at,
        )
        .on_conflict_do_nothing(index_elements=["client_id", "number"])
        .returning(cases.c.id)
    )
    return db.execute(statement).scalar_one_or_none()


def find_case(
    db: ReadConnection, keys: KeyRing, client_id: str, number: str, *, lock: bool = False
) -> CaseRow | None:
    """The case of this client with this number; `lock` holds its row until the transaction ends."""
    query = select(cases).where(cases.c.client_id == client_id, cases.c.number == number)
    row = db.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return None
    data_key = keys.data_key(row.data_key, f"cases.data_key:{row.id}")
    return CaseRow(
        case_id=row.id,
        client_id=row.client_id,
        number=row.number,
        service_item=row.service_item,
        request_digest=row.request_digest,
        content=open_json(data_key, row.sealed, f"cases.sealed:{row.id}"),
        committed_at=row.committed_at,
    )


def replace_uncommitted(
    db: WriteConnection,
    keys: KeyRing,
    case_id: UUID,
    *,
    service_item: str,
    completed_at: datetime,
    request_digest: bytes,
    content: Mapping[str, Any],
    at: datetime,
) -> None:
    """Gives an uncommitted case other contents; its reservations so far are abandoned, not deleted."""
    data_key = keys.new_data_key(f"cases.data_key:{case_id}")
    db.execute(
        update(cases)
        .where(cases.c.id == case_id, cases.c.committed_at.is_(None))
        .values(
            service_item=service_item,
            completed_at=completed_at,
            request_digest=request_digest,
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, content, f"cases.sealed:{case_id}"),
            reserved_at=at,
        )
    )
    db.execute(
        update(reservations)
        .where(reservations.c.case_id == case_id, reservations.c.abandoned_at.is_(None))
        .values(abandoned_at=at)
    )


def insert_reservations(db: WriteConnection, case_id: UUID, rows: Sequence[ReservationRow]) -> None:
    """Keeps the reserved identifiers of a case."""
    if rows:
        db.execute(
            insert(reservations),
            [
                {
                    "certificate_id": row.certificate_id,
                    "case_id": case_id,
                    "position": row.position,
                    "identifier": row.identifier,
                    "version": row.version,
                    "supersedes": row.supersedes,
                }
                for row in rows
            ],
        )


def reservations_of(db: ReadConnection, case_id: UUID) -> tuple[ReservationRow, ...]:
    """The reservations of a case that still count, by position."""
    query = (
        select(
            reservations.c.certificate_id,
            reservations.c.position,
            reservations.c.identifier,
            reservations.c.version,
            reservations.c.supersedes,
        )
        .where(reservations.c.case_id == case_id, reservations.c.abandoned_at.is_(None))
        .order_by(reservations.c.position)
    )
    return tuple(ReservationRow(*row) for row in db.execute(query))


def release_case(db: WriteConnection, case_id: UUID, request_digest: bytes) -> None:
    """Deletes an uncommitted case and its reservations: a refused deposit leaves nothing behind.

    A case that was given other contents meanwhile is left alone, and so is one with abandoned
    reservations: they explain what an earlier try may have left in the object store.
    """
    abandoned = select(reservations.c.certificate_id).where(
        reservations.c.case_id == case_id, reservations.c.abandoned_at.is_not(None)
    )
    row = db.execute(
        select(cases.c.id)
        .where(
            cases.c.id == case_id,
            cases.c.committed_at.is_(None),
            cases.c.request_digest == request_digest,
            ~abandoned.exists(),
        )
        .with_for_update()
    ).one_or_none()
    if row is not None:
        db.execute(delete(reservations).where(reservations.c.case_id == case_id))
        db.execute(delete(cases).where(cases.c.id == case_id))


def redeem_case(db: WriteConnection, case_id: UUID, request_digest: bytes, at: datetime) -> bool:
    """Marks a case as committed, once: False where another try was first or changed its contents."""
    statement = (
        update(cases)
        .where(
            cases.c.id == case_id,
            cases.c.committed_at.is_(None),
            cases.c.request_digest == request_digest,
        )
        .values(committed_at=at)
    )
    return db.execute(statement).rowcount == 1


def find_predecessor(db: ReadConnection, certificate_id: UUID) -> Predecessor | None:
    """What a new version of this certificate has to know."""
    reserved = (
        select(func.count())
        .select_from(reservations)
        .where(reservations.c.supersedes == certificate_id)
        .scalar_subquery()
    )
    query = select(
        certificates.c.id,
        certificates.c.identifier,
        certificates.c.version,
        certificates.c.status,
        certificates.c.type_code,
        certificates.c.issuing_authority,
        reserved,
    ).where(certificates.c.id == certificate_id)
    row = db.execute(query).one_or_none()
    return None if row is None else Predecessor(*row)
