"""Ending a delegation: by the holder, or by the delegate, who need not go on."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from storage.delegations import find_delegation, insert_act, revoke_delegation
from storage.history import AuditRow, insert_audit
from storage.holders import find_holder
from vault.delegations.granting import details_of
from vault.errors import NotFound
from vault.model.actors import Person
from vault.model.delegation import Act, Delegation, DelegationEvent
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
        NotPermitted: they did not sign in as a holder.
        NotFound: they neither gave nor received such a delegation.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    code, actor = person.own_code(), f"person:{person.person_id}"
    with workshop.database.writing() as db:
        holder_id = find_holder(db, workshop.keys, code)
        found = find_delegation(db, workshop.keys, delegation_id, lock=True)
        given = found is not None and found.holder_id == holder_id
        if found is None or not (given or found.delegate.identity == code.identity):
            raise NotFound("There is no such delegation.")
        if found.revoked_at is not None:
            return Ended(found, given)
        revoke_delegation(db, delegation_id, at)
        insert_act(db, delegation_id, actor, Act(DelegationEvent.REVOKE, None, at, {}))
        insert_audit(db, [AuditRow(actor, "delegation-revoke", None, None, details_of(found))], at)
    return Ended(replace(found, revoked_at=at), given)
