"""Cases: what a deposit hands in, kept from the first try to the last."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, null, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.holders import holder_index
from storage.reservations import abandon_reservations, delete_reservations
from storage.round_trip import ask_together, insert_rows
from storage.tables import case_holders, cases, reservations
from vault.model.holders import HolderCode
from vault.model.ids import uuid7

# What `request_digest` holds: once a digest, from which an ID number could be tried out where all else is
# known; since revision 0010 only where the request is to be found.
FORGOTTEN = b""
IN_ENVELOPE = b"\x01"
# Built once, sent by the driver: every deposit says them.
_INSERTED = (
    insert(cases)
    .values(
        {
            name: bindparam(name)
            for name in (
                *("id", "client_id", "number", "service_item", "completed_at", "request_digest", "attempt"),
                *("data_key", "sealed", "reserved_at", "applicant_index", "index_version"),
            )
        }
    )
    .on_conflict_do_nothing(index_elements=["client_id", "number"])
    .returning(cases.c.id)
)
_NUMBERED = select(cases.c.id, cases.c.attempt, cases.c.data_key, cases.c.sealed, cases.c.committed_at).where(
    cases.c.client_id == bindparam("client_id"), cases.c.number == bindparam("number")
)
_LOCKED = _NUMBERED.with_for_update()
_REDEEMED = (
    update(cases)
    .where(
        cases.c.id == bindparam("case_id"),
        cases.c.committed_at.is_(None),
        cases.c.attempt == bindparam("attempt_made"),
    )
    .values(
        committed_at=bindparam("committed_at"),
        applicant_index=null(),
        request_digest=bindparam("request_digest"),
        data_key=bindparam("data_key"),
        sealed=bindparam("sealed"),
    )
    .returning(cases.c.id)
)
# The service item of an import's case.
NO_ITEM = ""


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
    row = {
        "id": case_id,
        "client_id": client_id,
        "number": number,
        "attempt": 1,
        **_columns(keys, case_id, contents, at),
    }
    (inserted,) = ask_together(db, (_INSERTED, {"applicant_index": None, **row}))
    return case_id if inserted else None


def find_case(
    db: ReadConnection, keys: KeyRing, client_id: str, number: str, *, lock: bool = False
) -> CaseRow | None:
    """The case of this client with this number; `lock` holds its row until the transaction ends."""
    (rows,) = ask_together(db, (_LOCKED if lock else _NUMBERED, {"client_id": client_id, "number": number}))
    if not rows:
        return None
    row = rows[0]
    data_key = None if row.data_key is None else keys.data_key(row.data_key, key_place(row.id))
    return CaseRow(
        case_id=row.id,
        attempt=row.attempt,
        envelope=None if data_key is None else open_json(data_key, row.sealed, content_place(row.id)),
        committed_at=row.committed_at,
    )


def completed_before(db: ReadConnection, client_id: str, number: str) -> datetime | None:
    """When a case that is committed already was completed, as it said; None where it is not."""
    query = select(cases.c.completed_at).where(
        cases.c.client_id == client_id, cases.c.number == number, cases.c.committed_at.is_not(None)
    )
    return db.execute(query).scalar_one_or_none()


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
    abandon_reservations(db, case_id, at)


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
    counted = delete_reservations(db, case_id)
    db.execute(delete(cases).where(cases.c.id == case_id))
    return counted


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
    envelope = envelope_values(keys, case_id, {"request": request})
    (redeemed,) = ask_together(
        db, (_REDEEMED, {"case_id": case_id, "attempt_made": attempt, "committed_at": at, **envelope})
    )
    return len(redeemed) == 1


def insert_import_case(
    db: WriteConnection, keys: KeyRing, *, client_id: str, number: str, at: datetime
) -> UUID:
    """A case under which rows of a register's stock are reserved and committed together; its id.

    Its envelope says nothing: a row that was not committed is read again from its manifest.
    """
    case_id = uuid7(at)
    contents = CaseContents(NO_ITEM, at, None, {})
    db.execute(
        insert(cases).values(
            id=case_id, client_id=client_id, number=number, attempt=1, **_columns(keys, case_id, contents, at)
        )
    )
    return case_id


def redeem_import_case(db: WriteConnection, case_id: UUID, at: datetime) -> None:
    """Commits an import's case with those of its reservations that still count."""
    db.execute(update(cases).where(cases.c.id == case_id).values(committed_at=at))


def insert_case_holders(db: WriteConnection, case_id: UUID, holder_ids: Collection[UUID]) -> None:
    """Keeps who is named in a case: its envelope is destroyed with the first of them."""
    rows = [{"holder_id": holder_id, "case_id": case_id} for holder_id in holder_ids]
    insert_rows(db, case_holders, rows, only_new=True)


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
