"""Ending a delegation: by the holder, or by the delegate, who need not go on."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from storage.delegations import find_delegation, insert_act, revoke_delegation
from storage.history import AuditRow, insert_audit
from storage.holders import about, lock_known
from vault.delegations.granting import details_of
from vault.model.access import Action, Kind, Resource, authorize, not_there
from vault.model.actors import Person
from vault.model.delegation import Act, Delegation, DelegationEvent
from vault.model.scope import NOBODY
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Ended:
    """A delegation that has ended. `given`: the caller had given it; else they had received it."""

    delegation: Delegation
    given: bool


def end_delegation(workshop: Workshop, person: Person, delegation_id: UUID, *, at: datetime) -> Ended:
    """Ends a delegation that the signed-in person gave or received: it serves no request that comes after.

    Codes that were made for presentations under it show nothing from now on. What was done stays recorded. A
    repeat answers with the time of the first.

    Raises:
        NotFound: they neither gave nor received such a delegation.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    scope = NOBODY if person.code is None else about(NOBODY, workshop.keys, person.code)
    with workshop.database.writing(scope) as db:
        # Holders first, as an erasure does.
        known = None if person.code is None else lock_known(db, workshop.keys, person.code)
        found = find_delegation(db, workshop.keys, delegation_id, lock=True)
        given = known is not None and found is not None and found.holder_id == known.holder_id
        authorize(person, Action.END_DELEGATION, _resource(person, found, given=given))
        if found is None:
            raise not_there(Kind.DELEGATION)
        if found.revoked_at is not None:
            return Ended(found, given)
        revoke_delegation(db, delegation_id, at)
        insert_act(db, delegation_id, person.actor, Act(DelegationEvent.REVOKE, None, at, {}))
        insert_audit(db, [AuditRow(person.actor, "delegation-revoke", None, None, details_of(found))], at)
    return Ended(replace(found, revoked_at=at), given)


def _resource(person: Person, found: Delegation | None, *, given: bool) -> Resource:
    own = frozenset({person.code.identity}) if person.code is not None and given else frozenset()
    named = None if found is None else found.delegate
    delegates = frozenset() if named is None else frozenset({named.identity})
    return Resource(Kind.DELEGATION, holders=own, delegates=delegates)
