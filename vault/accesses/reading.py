"""A page of a holder's history."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.accesses import accesses_about, is_of_holder
from storage.history import AuditRow, insert_audit
from storage.holders import find_holder
from vault.errors import InputError
from vault.model.access import Action, Kind, authorize, not_there
from vault.model.actors import Person
from vault.model.history_entry import EVENT_ID_ABOVE_ALL, Access, access_id, read_access_id
from vault.workshop import Workshop

ACCESSES_MAX = 100  # of one page; an envelope is opened for each


@dataclass(frozen=True, slots=True)
class Accesses:
    """One page of a holder's history, newest first. `next_before`: where the next page begins."""

    accesses: tuple[Access, ...]
    next_before: str | None


def accesses_of(
    workshop: Workshop,
    person: Person,
    *,
    certificate_id: UUID | None,
    before: str | None,
    limit: int,
    at: datetime,
) -> Accesses:
    """What was done with what the signed-in person holds, the newest `limit` from before `before`.

    `certificate_id`: with this certificate of theirs only. What an order defers is left out until its day.
    This look is recorded, too; it is no access to a certificate and not told here.

    Raises:
        NotPermitted: they are no holder.
        InputError: `before` is not what a page gave out, at `/before`.
        NotFound: the person has no such certificate.
        IntegrityError: an envelope does not open.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.READ_OWN_ACCESSES)
    place = EVENT_ID_ABOVE_ALL if before is None else _place(before)
    if person.code is None:
        return _nothing(certificate_id)
    with workshop.database.noting() as db:
        holder_id = find_holder(db, workshop.keys, person.code)
        if holder_id is None:
            return _nothing(certificate_id)
        if certificate_id is not None and not is_of_holder(db, certificate_id, holder_id):
            raise not_there(Kind.CERTIFICATE)
        found = accesses_about(
            db,
            workshop.keys,
            holder_id,
            person.code,
            certificate_id=certificate_id,
            before=place,
            limit=limit + 1,
            at=at,
        )
        # Not filed under the holder: who reads the history would lengthen it.
        insert_audit(db, [AuditRow(person.actor, "own-accesses", None, None, {})], at)
    more = len(found) > limit
    found = found[:limit]
    return Accesses(found, access_id(found[-1].event_id) if more else None)


def _nothing(certificate_id: UUID | None) -> Accesses:
    if certificate_id is not None:
        raise not_there(Kind.CERTIFICATE)
    return Accesses((), None)


def _place(before: str) -> int:
    try:
        return read_access_id(before)
    except InputError as error:
        raise error.under("/before") from None
