"""The delegations that somebody gave, with what was done under each, and those that they received."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.delegations import acts_under, delegations_of_holder, delegations_to
from storage.history import AuditRow, insert_audit
from storage.holders import about, find_holder
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.delegation import Act, Delegation
from vault.model.scope import NOBODY
from vault.workshop import Workshop

LISTED_MAX = 100  # the newest of each kind; an envelope is opened for each
ACTS_SHOWN_MAX = 50  # the newest of each delegation; the holder's history has them all


@dataclass(frozen=True, slots=True)
class Delegations:
    """What somebody delegates and what is delegated to them, newest first. `acts`: under those they gave."""

    given: tuple[Delegation, ...]
    received: tuple[Delegation, ...]
    acts: Mapping[UUID, tuple[Act, ...]]


def delegations_of(workshop: Workshop, person: Person, *, at: datetime) -> Delegations:
    """What the signed-in person delegates, with what their delegates did, and what is delegated to them.

    Raises:
        NotPermitted: they did not sign in as a holder with a code.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.LIST_DELEGATIONS)
    assert person.code is not None  # noqa: S101 - without one it is not permitted
    code, keys = person.code, workshop.keys
    with workshop.database.writing(about(NOBODY, keys, code)) as db:
        holder_id = find_holder(db, keys, code)
        given = () if holder_id is None else delegations_of_holder(db, keys, holder_id, LISTED_MAX)
        received = delegations_to(db, keys, code, LISTED_MAX)
        acts = acts_under(db, [each.delegation_id for each in given], ACTS_SHOWN_MAX)
        details = {"holder": None if holder_id is None else str(holder_id)}
        event = AuditRow(person.actor, "own-delegations", None, None, details)
        insert_audit(db, [event], at)
    return Delegations(given, received, acts)
