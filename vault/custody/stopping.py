"""A seal out of use at once by one person, and into use again by two."""

from dataclasses import dataclass
from datetime import datetime

from storage.db import WriteConnection
from storage.history import AuditRow, insert_audit
from storage.seals import (
    SealRow,
    find_seal,
    insert_seal_event,
    latest_seal_events,
    lock_seals,
    resume_seal,
    stop_seal,
    wait_for_commits,
)
from vault.custody.four_eyes import check_another, deed_of
from vault.custody.granting import read_reason
from vault.errors import Conflict, Unavailable
from vault.model.access import MACHINE, Action, Kind, Machine, Resource, authorize, not_there
from vault.model.actors import Person
from vault.model.custody import Deed, SealAct
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Stopped:
    """What a stop came to. `repeated`: it was stopped before.

    `waited_out`: no certificate under this seal can be committed any more. False where a deposit held its
    transaction open for longer than locks are waited for: that one may still come.
    """

    seal_id: str
    since: datetime
    repeated: bool
    waited_out: bool


@dataclass(frozen=True, slots=True)
class Resumption:
    """Where a resumption stands: proposed, or done."""

    seal_id: str
    act: SealAct
    repeated: bool


def stop(
    workshop: Workshop, seal_id: str, by: Person | Deed, reason: str, *, via: str, at: datetime
) -> Stopped:
    """Takes a seal out of use: from the commit of this on, no certificate under it is committed.

    Whoever is at a terminal may stop one without being a registered person (`by` is then their deed): a
    stop must not fail for want of a password.

    1. Wait until no deposit that used the seal is at its commit, and hold back the next ones (see migration
    0009). 2. Stop it. Where 1 takes longer than locks are waited for, stop it without: to let it go on would
    be worse.

    Raises:
        NotPermitted: neither seal custodian nor operator.
        InputError: no reason.
        NotFound: there is no such seal.
        Unavailable: the database does not answer.
    """
    text = read_reason(reason)
    actor = by if isinstance(by, Person) else MACHINE
    authorize(actor, Action.STOP_SEALS)
    deed = deed_of(by, via, at, text) if isinstance(by, Person) else Deed(by.actor, via, at, text)
    try:
        return _stop(workshop, seal_id, actor, deed, wait=True)
    except Unavailable:
        return _stop(workshop, seal_id, actor, deed, wait=False)


def _stop(workshop: Workshop, seal_id: str, actor: Person | Machine, deed: Deed, *, wait: bool) -> Stopped:
    with workshop.database.writing() as db:
        _found(db, seal_id, actor, Action.STOP_SEAL)  # first: whoever may not stop it holds nobody up
        if wait:
            wait_for_commits(db, seal_id)  # 1
        row = _found(db, seal_id, actor, Action.STOP_SEAL)
        stopped = stop_seal(db, seal_id, deed.at)  # 2
        latest = latest_seal_events(db, [seal_id]).get(seal_id)
        # A second stop ends a proposal to resume: whoever says stop again has a reason.
        if stopped or (latest is not None and latest.act is SealAct.PROPOSE_RESUMPTION):
            insert_seal_event(db, seal_id, SealAct.STOP, deed)
            _audit(db, seal_id, SealAct.STOP, deed)
    return Stopped(seal_id, row.stopped_at or deed.at, repeated=not stopped, waited_out=wait)


def propose_resumption(
    workshop: Workshop, person: Person, seal_id: str, reason: str, *, via: str, at: datetime
) -> Resumption:
    """Asks that a stopped seal be used again; another custodian has to agree.

    Raises:
        NotPermitted: not a seal custodian.
        InputError: no reason.
        NotFound: there is no such seal.
        Conflict: it is not stopped, or somebody else proposes it already.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.KEEP_SEALS)
    deed = deed_of(person, via, at, read_reason(reason))
    with workshop.database.writing() as db:
        lock_seals(db, [seal_id])
        if _found(db, seal_id, person, Action.KEEP_SEAL).stopped_at is None:
            raise Conflict(f"Seal {seal_id} is in use.")
        latest = latest_seal_events(db, [seal_id]).get(seal_id)
        if latest is not None and latest.act is SealAct.PROPOSE_RESUMPTION:
            if latest.deed.actor != deed.actor:
                raise Conflict("Another custodian proposes this already: approve that proposal.")
            return Resumption(seal_id, SealAct.PROPOSE_RESUMPTION, repeated=True)
        insert_seal_event(db, seal_id, SealAct.PROPOSE_RESUMPTION, deed)
        _audit(db, seal_id, SealAct.PROPOSE_RESUMPTION, deed)
    return Resumption(seal_id, SealAct.PROPOSE_RESUMPTION, repeated=False)


def resume(workshop: Workshop, person: Person, seal_id: str, *, via: str, at: datetime) -> Resumption:
    """Agrees to the proposal: the seal is used again from this commit on.

    A proposal from before the newest stop counts for nothing: that stop may have had another reason.

    Raises:
        NotPermitted: not a seal custodian, or the one who proposed it.
        NotFound: there is no such seal.
        Conflict: nobody proposed it since it was stopped.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.KEEP_SEALS)
    deed = deed_of(person, via, at)
    with workshop.database.writing() as db:
        lock_seals(db, [seal_id])
        _found(db, seal_id, person, Action.KEEP_SEAL)
        latest = latest_seal_events(db, [seal_id]).get(seal_id)
        if latest is not None and latest.act is SealAct.RESUME and latest.deed.actor == deed.actor:
            return Resumption(seal_id, SealAct.RESUME, repeated=True)
        if latest is None or latest.act is not SealAct.PROPOSE_RESUMPTION:
            raise Conflict(f"Nobody proposes that seal {seal_id} be used again.")
        check_another(db, workshop.keys, person, [latest.deed], "a proposal")
        resume_seal(db, seal_id)
        insert_seal_event(db, seal_id, SealAct.RESUME, deed, answers=latest.event_id)
        _audit(db, seal_id, SealAct.RESUME, deed)
    return Resumption(seal_id, SealAct.RESUME, repeated=False)


def _found(db: WriteConnection, seal_id: str, actor: Person | Machine, action: Action) -> SealRow:
    """A seal with which this actor may do this.

    Raises:
        NotFound: there is none.
    """
    row = find_seal(db, seal_id)
    if row is None:
        raise not_there(Kind.SEAL)
    authorize(actor, action, Resource(Kind.SEAL, row.authority))
    return row


def _audit(db: WriteConnection, seal_id: str, act: SealAct, deed: Deed) -> None:
    row = AuditRow(
        deed.actor, "seal-" + act.value.replace("_", "-"), None, None, {"seal": seal_id, "via": deed.via}
    )
    insert_audit(db, [row], deed.at)
