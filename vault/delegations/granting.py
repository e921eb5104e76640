"""Granting a delegation, in the order in which it happens."""

from dataclasses import dataclass
from datetime import datetime

from storage.db import extend_scope
from storage.delegations import insert_act, insert_delegation, standing_delegations
from storage.history import AuditRow, insert_audit
from storage.holders import about, ensure_holders, lock_known
from vault.delegations.reading import DelegationRequest
from vault.errors import Conflict
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.delegation import Act, Delegation, DelegationEvent
from vault.model.holders import Holder
from vault.model.ids import uuid7
from vault.model.legal_time import legal_day
from vault.model.scope import NOBODY
from vault.workshop import Workshop

# Each sign-in of a delegate and each list reads them.
STANDING_MAX = 50


@dataclass(frozen=True, slots=True)
class Granted:
    """A delegation as it stands. `repeated`: it was there before."""

    delegation: Delegation
    repeated: bool


def grant_delegation(
    workshop: Workshop, person: Person, request: DelegationRequest, *, at: datetime
) -> Granted:
    """Lets another person act for the signed-in one; it holds from when that person next signs in.

    In one transaction: 1. the holder's row, made if the vault holds nothing of theirs yet, and locked; 2. the
    same grant that still stands is the same delegation; 3. the delegation, its event and the audit event.

    Raises:
        NotPermitted: they did not sign in as a holder with a code.
        Conflict: too many delegations stand.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    authorize(person, Action.DELEGATE)
    assert person.code is not None  # noqa: S101 - without one it is not permitted
    keys, holder = workshop.keys, Holder.parse(person.code.code_type, person.code.value, person.name)
    scope = about(NOBODY, keys, holder.code)
    with workshop.database.writing(scope) as db:
        ensure_holders(db, keys, [holder], at)  # 1
        extend_scope(db, scope)  # who was made a moment ago is seen, too
        known = lock_known(db, keys, holder.code)
        assert known is not None  # noqa: S101 - whoever was found or made is not erased meanwhile
        standing = standing_delegations(db, keys, known.holder_id, legal_day(at))
        granted = next((each for each in standing if request.is_the_same(each)), None)  # 2
        if granted is not None:
            return Granted(granted, repeated=True)
        if len(standing) >= STANDING_MAX:
            raise Conflict(f"{STANDING_MAX} delegations stand already: take one back first.")
        made = Delegation(
            delegation_id=uuid7(at),
            holder_id=known.holder_id,
            holder_name=holder.name,
            delegate=request.delegate,
            types=request.types,
            actions=request.actions,
            valid_from=request.period.first,
            valid_to=request.period.last,
            made_at=at,
            accepted_at=None,
            revoked_at=None,
        )
        insert_delegation(db, keys, known, made)  # 3
        insert_act(db, made.delegation_id, person.actor, Act(DelegationEvent.GRANT, None, at, {}))
        event = AuditRow(person.actor, "delegation-grant", None, None, details_of(made))
        insert_audit(db, [event], at)
    return Granted(made, repeated=False)


def details_of(delegation: Delegation) -> dict[str, object]:
    """What the audit event of a delegation says."""
    return {
        "delegation": str(delegation.delegation_id),
        "holder": str(delegation.holder_id),
        "types": sorted(delegation.types),
        "actions": sorted(delegation.actions),
    }
