"""Reservations: the committed intent to seal, for whom it is pending, and on which grants it is counted."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Uuid, any_, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.array_text import array
from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing
from storage.holders import holder_index
from storage.round_trip import insert_rows, tell, told_together
from storage.tables import reservations, reserved_holders
from vault.model.catalogue import DocumentFormat
from vault.model.holders import HolderCode

# Built once: every deposit says it.
_FORGOTTEN = delete(reserved_holders).where(
    reserved_holders.c.certificate_id.in_(
        select(reservations.c.certificate_id).where(
            reservations.c.case_id == any_(bindparam("case_ids", type_=ARRAY(Uuid)))
        )
    )
)


@dataclass(frozen=True, slots=True)
class Counted:
    """The seal-use grants on which a reservation is counted, by what their seals seal, and the legal day."""

    grants: Mapping[DocumentFormat, UUID]
    day: date


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """One reserved identifier; the codes belong to it by `position` in the case's envelope.

    `lineage`: the identifier without version and check character, the same for all versions. `counted`:
    None in rows from before there were grants.
    """

    certificate_id: UUID
    position: int
    identifier: str
    lineage: str
    version: int
    counted: Counted | None


@dataclass(frozen=True, slots=True)
class ReservedResult:
    """A reservation about to be kept, with those who will hold its certificate: it is pending for them."""

    row: ReservationRow
    holders: tuple[HolderCode, ...] = field(repr=False)


def insert_reservations(
    db: WriteConnection, keys: KeyRing, case_id: UUID, results: Sequence[ReservedResult]
) -> None:
    """Keeps the reserved identifiers of a case, and for whom they are: two statements, one round trip."""
    if not results:
        return
    rows = [
        {
            "certificate_id": result.row.certificate_id,
            "case_id": case_id,
            "position": result.row.position,
            "identifier": result.row.identifier,
            "lineage": result.row.lineage,
            "version": result.row.version,
            **_counted_columns(result.row.counted),
        }
        for result in results
    ]
    pending = {result.row.certificate_id: result.holders for result in results}
    with told_together(db):
        insert_rows(db, reservations, rows)
        _insert_reserved_holders(db, keys, pending)


def insert_import_reservations(db: WriteConnection, case_id: UUID, rows: Sequence[ReservationRow]) -> None:
    """Keeps the reserved identifiers of an import's case: pending for nobody, since it takes a moment."""
    db.execute(
        insert(reservations),
        [
            {
                "certificate_id": row.certificate_id,
                "case_id": case_id,
                "position": row.position,
                "identifier": row.identifier,
                "lineage": row.lineage,
                "version": row.version,
                **_counted_columns(row.counted),
            }
            for row in rows
        ],
    )


def abandon_some(db: WriteConnection, certificate_ids: Collection[UUID], at: datetime) -> None:
    """Takes single reservations out of use; they explain what was stored for them."""
    db.execute(
        update(reservations)
        .where(reservations.c.certificate_id.in_(certificate_ids), reservations.c.abandoned_at.is_(None))
        .values(abandoned_at=at)
    )


def index_reserved_holders(
    db: WriteConnection, keys: KeyRing, by_case: Mapping[UUID, Sequence[Sequence[HolderCode]]]
) -> None:
    """Writes anew for whom the results of these cases, locked by the caller, are pending: three statements.

    `by_case`: who will hold each of the case's results, by position.
    """
    if not by_case:
        return
    query = select(reservations.c.certificate_id, reservations.c.case_id, reservations.c.position).where(
        reservations.c.case_id.in_(by_case), reservations.c.abandoned_at.is_(None)
    )
    by_result = {row.certificate_id: by_case[row.case_id][row.position] for row in db.execute(query)}
    if by_result:
        db.execute(delete(reserved_holders).where(reserved_holders.c.certificate_id.in_(by_result)))
        _insert_reserved_holders(db, keys, by_result)


def _insert_reserved_holders(
    db: WriteConnection, keys: KeyRing, by_result: Mapping[UUID, Sequence[HolderCode]]
) -> None:
    insert_rows(
        db,
        reserved_holders,
        [
            {"certificate_id": certificate_id, "code_index": index}
            for certificate_id, holders in by_result.items()
            for index in dict.fromkeys(holder_index(keys, code) for code in holders)
        ],
    )


def reservations_of(db: ReadConnection, case_id: UUID) -> tuple[ReservationRow, ...]:
    """The reservations of a case that still count, by position."""
    query = (
        select(
            reservations.c.certificate_id,
            reservations.c.position,
            reservations.c.identifier,
            reservations.c.lineage,
            reservations.c.version,
            reservations.c.grant_id,
            reservations.c.national_grant_id,
            reservations.c.counted_on,
        )
        .where(reservations.c.case_id == case_id, reservations.c.abandoned_at.is_(None))
        .order_by(reservations.c.position)
    )
    return tuple(
        ReservationRow(
            row.certificate_id,
            row.position,
            row.identifier,
            row.lineage,
            row.version,
            None if row.counted_on is None else Counted(_grants(row), row.counted_on),
        )
        for row in db.execute(query)
    )


def count_reservation(db: WriteConnection, certificate_id: UUID, counted: Counted) -> None:
    """Keeps on which grants and day a reservation is counted now."""
    db.execute(
        update(reservations)
        .where(reservations.c.certificate_id == certificate_id)
        .values(_counted_columns(counted))
    )


def abandon_reservations(db: WriteConnection, case_id: UUID, at: datetime) -> None:
    """Takes a case's reservations so far out of use; they explain what an earlier try may have stored."""
    forget_reserved_holders(db, [case_id])
    db.execute(
        update(reservations)
        .where(reservations.c.case_id == case_id, reservations.c.abandoned_at.is_(None))
        .values(abandoned_at=at)
    )


def delete_reservations(db: WriteConnection, case_id: UUID) -> dict[tuple[UUID, date], int]:
    """Deletes a case's reservations; what they had counted, by grant and day, for the caller to give back."""
    forget_reserved_holders(db, [case_id])
    deleted = db.execute(
        delete(reservations)
        .where(reservations.c.case_id == case_id)
        .returning(reservations.c.grant_id, reservations.c.national_grant_id, reservations.c.counted_on)
    ).all()
    return dict(Counter((grant, gone.counted_on) for gone in deleted for grant in _grants(gone).values()))


def forget_reserved_holders(db: WriteConnection, case_ids: Sequence[UUID]) -> None:
    """For whom these cases' results were pending: kept no longer than that, so that a look-up stays short."""
    tell(db, (_FORGOTTEN, {"case_ids": array(map(str, case_ids))}))


def _counted_columns(counted: Counted | None) -> dict[str, object]:
    grants = {} if counted is None else counted.grants
    return {
        "grant_id": grants.get(DocumentFormat.PDF),
        "national_grant_id": grants.get(DocumentFormat.OFD),
        "counted_on": None if counted is None else counted.day,
    }


def _grants(row: Row[*tuple[Any, ...]]) -> dict[DocumentFormat, UUID]:
    by_format = {DocumentFormat.PDF: row.grant_id, DocumentFormat.OFD: row.national_grant_id}
    return {kind: grant_id for kind, grant_id in by_format.items() if grant_id is not None}
