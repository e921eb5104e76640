"""The consents that somebody gave, with what was done on them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.consents import ConsentFile, consent_files
from storage.history import AuditRow, insert_audit
from storage.holders import about, find_holder
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.scope import NOBODY
from vault.workshop import Workshop

CONSENTS_MAX = 100  # of one page; an envelope is opened for each
USES_SHOWN_MAX = 20  # the newest of each consent; the holder's history has them all


@dataclass(frozen=True, slots=True)
class Consents:
    """One page of a holder's consents, newest first. `next_before`: where the next page begins."""

    files: tuple[ConsentFile, ...]
    next_before: UUID | None


def consents_of(
    workshop: Workshop, person: Person, *, before: UUID | None, limit: int, at: datetime
) -> Consents:
    """What the signed-in person consents to, standing or not, given before the consent `before`.

    Raises:
        NotPermitted: they did not sign in as a holder with a code.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.LIST_CONSENTS)
    assert person.code is not None  # noqa: S101 - without one it is not permitted
    with workshop.database.writing(about(NOBODY, workshop.keys, person.code)) as db:
        holder_id = find_holder(db, workshop.keys, person.code)
        if holder_id is None:
            return Consents((), None)
        files = consent_files(
            db, workshop.keys, holder_id, before=before, limit=limit + 1, uses_shown=USES_SHOWN_MAX
        )
        details = {"holder": str(holder_id)}
        event = AuditRow(person.actor, "own-consents", None, None, details)
        insert_audit(db, [event], at)
    more = len(files) > limit
    files = files[:limit]
    return Consents(files, files[-1].consent.consent_id if more else None)
