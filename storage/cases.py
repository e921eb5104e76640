"""Cases and reservations: the committed intent to seal, kept from the first try to the last."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.holders import holder_index
from storage.tables import cases, certificates, reservations, reserved_holders
from vault.model.holders import HolderCode
from vault.model.ids import uuid7
from vault.model.lifecycle import TAKES_OVER

# The digest of a case whose contents were forgotten after a refusal: no request has it.
FORGOTTEN = b""


@dataclass(frozen=True, slots=True)
class CaseContents:
    """What a case is reserved with. `envelope`: the request, to tell what differs, and the codes.

    `applicant`: for whom its results are pending; None once the contents are forgotten.
    """

    service_item: str
    completed_at: datetime
    applicant: HolderCode | None
    request_digest: bytes
    envelope: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as it is reserved now; `attempt` counts the contents that it had so far."""

    case_id: UUID
    request_digest: bytes
    attempt: int
    envelope: Mapping[str, Any] = field(repr=False)
    committed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReservationRow:
    """One reserved identifier; the codes belong to it by `position` in the case's envelope.

    `lineage`: the identifier without version and check character, the same for all versions. `counted`: the
    seal-use grant and the legal day on which it is counted; None in rows from before there were grants.
    """

    certificate_id: UUID
    position: int
    identifier: str
    lineage: str
    version: int
    counted: tuple[UUID, date] | None


@dataclass(frozen=True, slots=True)
class ReservedResult:
    """A reservation about to be kept, with those who will hold its certificate: it is pending for them."""

    row: ReservationRow
    holders: tuple[HolderCode, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The certificate that a new version follows."""

    identifier: str
    status: str
    type_code: str
    issuing_authority: str
    # A version of it that begins later is deposited already.
    announced: bool


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
    data_key = keys.data_key(row.data_key, f"cases.data_key:{row.id}")
    return CaseRow(
        case_id=row.id,
        request_digest=row.request_digest,
        attempt=row.attempt,
        envelope=open_json(data_key, row.sealed, f"cases.sealed:{row.id}"),
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
    _forget_holders(db, case_id)
    db.execute(
        update(reservations)
        .where(reservations.c.case_id == case_id, reservations.c.abandoned_at.is_(None))
        .values(abandoned_at=at)
    )


def insert_reservations(
    db: WriteConnection, keys: KeyRing, case_id: UUID, results: Sequence[ReservedResult]
) -> None:
    """Keeps the reserved identifiers of a case, and for whom they are: two statements."""
    if not results:
        return
    db.execute(
        insert(reservations),
        [
            {
                "certificate_id": result.row.certificate_id,
                "case_id": case_id,
                "position": result.row.position,
                "identifier": result.row.identifier,
                "lineage": result.row.lineage,
                "version": result.row.version,
                "grant_id": None if result.row.counted is None else result.row.counted[0],
                "counted_on": None if result.row.counted is None else result.row.counted[1],
            }
            for result in results
        ],
    )
    db.execute(
        insert(reserved_holders),
        [
            {"certificate_id": result.row.certificate_id, "code_index": index}
            for result in results
            for index in dict.fromkeys(holder_index(keys, code) for code in result.holders)
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
            None if row.grant_id is None else (row.grant_id, row.counted_on),
        )
        for row in db.execute(query)
    )


def count_reservation(db: WriteConnection, certificate_id: UUID, grant_id: UUID, day: date) -> None:
    """Keeps on which grant and day a reservation is counted now."""
    db.execute(
        update(reservations)
        .where(reservations.c.certificate_id == certificate_id)
        .values(grant_id=grant_id, counted_on=day)
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
    _forget_holders(db, case_id)
    deleted = db.execute(
        delete(reservations)
        .where(reservations.c.case_id == case_id)
        .returning(reservations.c.grant_id, reservations.c.counted_on)
    ).all()
    db.execute(delete(cases).where(cases.c.id == case_id))
    return dict(Counter((gone.grant_id, gone.counted_on) for gone in deleted if gone.grant_id is not None))


def redeem_case(db: WriteConnection, case_id: UUID, attempt: int, at: datetime) -> bool:
    """Marks a case as committed, once: False where another try was first or started another attempt."""
    statement = (
        update(cases)
        .where(cases.c.id == case_id, cases.c.committed_at.is_(None), cases.c.attempt == attempt)
        .values(committed_at=at)
    )
    if db.execute(statement).rowcount != 1:
        return False
    _forget_holders(db, case_id)
    return True


def _forget_holders(db: WriteConnection, case_id: UUID) -> None:
    """For whom a case's results were pending: kept no longer than that, so that a look-up stays short."""
    reserved = select(reservations.c.certificate_id).where(reservations.c.case_id == case_id)
    db.execute(delete(reserved_holders).where(reserved_holders.c.certificate_id.in_(reserved)))


def lock_predecessor(db: WriteConnection, certificate_id: UUID) -> Predecessor | None:
    """What a new version of this certificate has to know; its row is held until the transaction ends."""
    successor = certificates.alias("successor")
    query = (
        select(
            certificates.c.identifier,
            certificates.c.status,
            certificates.c.type_code,
            certificates.c.issuing_authority,
            select(successor.c.id)
            .where(successor.c.id == certificates.c.superseded_by, successor.c.status.in_(TAKES_OVER))
            .exists(),
        )
        .where(certificates.c.id == certificate_id)
        # No key changes: records that refer to it need not wait.
        .with_for_update(key_share=True, of=certificates)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else Predecessor(*row)


def highest_version(db: ReadConnection, lineage: str) -> int:
    """The highest version that was ever reserved of this certificate, committed or not."""
    query = select(func.max(reservations.c.version)).where(reservations.c.lineage == lineage)
    return db.execute(query).scalar_one() or 0


def _columns(keys: KeyRing, case_id: UUID, contents: CaseContents, at: datetime) -> dict[str, object]:
    data_key = keys.new_data_key(f"cases.data_key:{case_id}")
    return {
        "service_item": contents.service_item,
        "completed_at": contents.completed_at,
        "applicant_index": None if contents.applicant is None else holder_index(keys, contents.applicant),
        "request_digest": contents.request_digest,
        "data_key": data_key.wrapped,
        "sealed": seal_json(data_key, contents.envelope, f"cases.sealed:{case_id}"),
        "reserved_at": at,
    }
