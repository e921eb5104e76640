"""Cases and reservations: the committed intent to seal, kept from the first try to the last."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.holders import holder_index
from storage.round_trip import one_round_trip
from storage.tables import case_holders, cases, reservations, reserved_holders
from vault.model.catalogue import DocumentFormat
from vault.model.holders import HolderCode
from vault.model.ids import uuid7

# What `request_digest` holds: once a digest, from which an ID number could be tried out where all else is
# known; since revision 0010 only where the request is to be found.
FORGOTTEN = b""
IN_ENVELOPE = b"\x01"


@dataclass(frozen=True, slots=True)
class CaseContents:
    """What a case is reserved with. `envelope`: the request, to tell what differs, the codes and data keys.

    `applicant`: for whom its results are pending; None once the contents are forgotten or committed.
    """

    service_item: str
    completed_at: datetime
    applicant: HolderCode | None
    envelope: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as it is reserved now; `attempt` counts the contents that it had so far.

    `envelope` None: somebody in it was erased, and what it said with them.
    """

    case_id: UUID
    attempt: int
    envelope: Mapping[str, Any] | None = field(repr=False)
    committed_at: datetime | None


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


def insert_case(
    db: WriteConnection,
    keys: KeyRing,
    *,
    client_id: str,
    number: str,
    contents: CaseContents,
    at: datetime,
) -> UUID | None:
    """A new case's id, at its first attempt; None where (client, number) is already there."""
    case_id = uuid7(at)
    statement = (
        insert(cases)
        .values(
            id=case_id, client_id=client_id, number=number, attempt=1, **_columns(keys, case_id, contents, at)
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
    data_key = None if row.data_key is None else keys.data_key(row.data_key, key_place(row.id))
    return CaseRow(
        case_id=row.id,
        attempt=row.attempt,
        envelope=None if data_key is None else open_json(data_key, row.sealed, content_place(row.id)),
        committed_at=row.committed_at,
    )


def start_attempt(
    db: WriteConnection, keys: KeyRing, case_id: UUID, contents: CaseContents, at: datetime
) -> None:
    """Gives an uncommitted case, locked by the caller, other contents: its next attempt.

    Its reservations so far are abandoned, not deleted: they explain what an earlier try may have stored.
    """
    db.execute(
        update(cases)
        .where(cases.c.id == case_id)
        .values(attempt=cases.c.attempt + 1, **_columns(keys, case_id, contents, at))
    )
    forget_reserved_holders(db, [case_id])
    db.execute(
        update(reservations)
        .where(reservations.c.case_id == case_id, reservations.c.abandoned_at.is_(None))
        .values(abandoned_at=at)
    )


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
    with one_round_trip(db):
        db.execute(insert(reservations), rows)
        _insert_reserved_holders(db, keys, pending)


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
    db.execute(
        insert(reserved_holders),
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


def release_case(db: WriteConnection, case_id: UUID, attempt: int) -> dict[tuple[UUID, date], int]:
    """Deletes an uncommitted case and its reservations: a refused deposit leaves nothing behind.

    A case that went on to another attempt is left alone, and so is one with abandoned reservations: they
    explain what an earlier try may have left in the object store. Returns what the deleted reservations had
    counted, by grant and day, for the caller to give back.
    """
    abandoned = select(reservations.c.certificate_id).where(
        reservations.c.case_id == case_id, reservations.c.abandoned_at.is_not(None)
    )
    row = db.execute(
        select(cases.c.id)
        .where(
            cases.c.id == case_id,
            cases.c.committed_at.is_(None),
            cases.c.attempt == attempt,
            ~abandoned.exists(),
        )
        .with_for_update()
    ).one_or_none()
    if row is None:
        return {}
    forget_reserved_holders(db, [case_id])
    deleted = db.execute(
        delete(reservations)
        .where(reservations.c.case_id == case_id)
        .returning(reservations.c.grant_id, reservations.c.national_grant_id, reservations.c.counted_on)
    ).all()
    db.execute(delete(cases).where(cases.c.id == case_id))
    return dict(Counter((grant, gone.counted_on) for gone in deleted for grant in _grants(gone).values()))


def redeem_case(
    db: WriteConnection,
    keys: KeyRing,
    case_id: UUID,
    attempt: int,
    *,
    request: Mapping[str, Any],
    at: datetime,
) -> bool:
    """Marks a case as committed, once: False where another try was first or started another attempt.

    Its envelope gets a new data key and keeps the request alone: the data keys of its records, which it has
    held for the retries, are now their holders'. For whom its results were pending is for the caller to
    forget, in the same transaction.
    """
    statement = (
        update(cases)
        .where(cases.c.id == case_id, cases.c.committed_at.is_(None), cases.c.attempt == attempt)
        .values(
            committed_at=at,
            applicant_index=None,
            **envelope_values(keys, case_id, {"request": request}),
        )
    )
    redeemed: bool = db.execute(statement).rowcount == 1
    return redeemed


def forget_reserved_holders(db: WriteConnection, case_ids: Sequence[UUID]) -> None:
    """For whom these cases' results were pending: kept no longer than that, so that a look-up stays short."""
    reserved = select(reservations.c.certificate_id).where(reservations.c.case_id.in_(case_ids))
    db.execute(delete(reserved_holders).where(reserved_holders.c.certificate_id.in_(reserved)))


def insert_case_holders(db: WriteConnection, case_id: UUID, holder_ids: Collection[UUID]) -> None:
    """Keeps who is named in a case: its envelope is destroyed with the first of them."""
    rows = [{"holder_id": holder_id, "case_id": case_id} for holder_id in holder_ids]
    db.execute(insert(case_holders).on_conflict_do_nothing(), rows)


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


def _columns(keys: KeyRing, case_id: UUID, contents: CaseContents, at: datetime) -> dict[str, object]:
    return {
        "service_item": contents.service_item,
        "completed_at": contents.completed_at,
        "applicant_index": None if contents.applicant is None else holder_index(keys, contents.applicant),
        "index_version": keys.index_version,
        **envelope_values(keys, case_id, contents.envelope),
        "reserved_at": at,
    }


def envelope_values(keys: KeyRing, case_id: UUID, envelope: Mapping[str, Any]) -> dict[str, object]:
    """A case's envelope under a new data key; an empty one is a case whose contents are forgotten."""
    data_key = keys.new_data_key(key_place(case_id))
    return {
        "request_digest": IN_ENVELOPE if envelope else FORGOTTEN,
        "data_key": data_key.wrapped,
        "sealed": seal_json(data_key, envelope, content_place(case_id)),
    }


def key_place(case_id: UUID) -> str:
    """What a case's data key is bound to."""
    return f"cases.data_key:{case_id}"


def content_place(case_id: UUID) -> str:
    """What a case's envelope is bound to."""
    return f"cases.sealed:{case_id}"
