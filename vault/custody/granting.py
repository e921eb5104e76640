"""Seal-use grants: made by one custodian, approved by another, ended by any.

Each function: 1. checks who asks; 2. holds the seals' rows, so that acts on one seal come one after the
other while deposits go on; 3. reads what is there and decides; 4. writes events and audit. One transaction.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from storage.clients import find_client
from storage.db import WriteConnection
from storage.grants import (
    APPROVE,
    END,
    grants_by_id,
    grants_of_seals,
    insert_grant_events,
    insert_grants,
)
from storage.history import AuditRow, insert_audit
from storage.seals import ATTESTATION, GRANTED_PURPOSES, SealRow, find_seal, lock_seals
from vault.custody.four_eyes import check_another, deed_of, keeps
from vault.errors import Conflict, FieldProblem, InputError
from vault.model.access import Action, Kind, authorize, not_there
from vault.model.actors import Person
from vault.model.custody import DAILY_CAP_MAX, GRANT_DAYS_MAX, Grant, GrantState, GrantTerms
from vault.model.ids import uuid7
from vault.model.scope import of_person
from vault.model.written import ID_DIGITS_MIN, holds_id_digits
from vault.workshop import Workshop

# One seal of every authority of a city, for every type: what one custodian reads in one sitting.
GRANTS_MAX = 200
REASON_MAX_CHARS = 500


@dataclass(frozen=True, slots=True)
class Decided:
    """Grants as they stand after an act; `repeated`: they stood so before."""

    grants: tuple[Grant, ...]
    repeated: bool


def propose(
    workshop: Workshop, person: Person, terms: Sequence[GrantTerms], *, via: str, at: datetime
) -> Decided:
    """Makes grants that another custodian has to approve. A proposal sent twice is made once.

    Raises:
        NotPermitted: not a seal custodian.
        InputError: no such seal, type or client, or the terms are not within their limits; with pointers
            into a list of terms.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.KEEP_SEALS)  # 1
    if not 0 < len(terms) <= GRANTS_MAX:
        raise InputError(f"Expected 1 to {GRANTS_MAX} grants at a time.")
    deed = deed_of(person, via, at)
    seal_ids = frozenset(each.seal_id for each in terms)
    with workshop.database.writing(of_person(person)) as db:
        lock_seals(db, seal_ids)  # 2
        _check_terms(db, workshop, person, terms, at)  # 3
        open_ones = {
            grant.terms: grant
            for grant in grants_of_seals(db, seal_ids)
            if grant.state is GrantState.PROPOSED and grant.made.actor == deed.actor
        }
        new = [Grant(uuid7(at), each, deed, None, None) for each in terms if each not in open_ones]
        if new:  # 4
            insert_grants(db, new)
            _audit(db, person.actor, "seal-grant-make", new, at)
    made = {grant.terms: grant for grant in new}
    return Decided(tuple((open_ones | made)[each] for each in terms), repeated=not new)


def approve(
    workshop: Workshop, person: Person, grant_ids: Sequence[UUID], *, via: str, at: datetime
) -> Decided:
    """Brings grants into force, all of them or none; approving again what one approved changes nothing.

    Raises:
        NotPermitted: not a seal custodian, or the one who made a grant.
        NotFound: there is no such grant.
        Conflict: one is ended, run out, or approved by somebody else already.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.KEEP_SEALS)  # 1
    deed = deed_of(person, via, at)
    with workshop.database.writing(of_person(person)) as db:
        grants = _locked(db, person, grant_ids)  # 2
        check_another(db, workshop.keys, person, [grant.made for grant in grants], "a grant")  # 3
        for grant in grants:
            if grant.ended is not None:
                raise Conflict(f"Grant {grant.grant_id} is ended: make a new one.")
            if grant.terms.valid_to <= at:
                raise Conflict(f"Grant {grant.grant_id} ran out before it was approved: make a new one.")
            if grant.approved is not None and grant.approved.actor != deed.actor:
                raise Conflict(f"Grant {grant.grant_id} is approved by another custodian already.")
        new = [grant for grant in grants if grant.approved is None]
        if new:  # 4
            insert_grant_events(db, [grant.grant_id for grant in new], APPROVE, deed)
            _audit(db, person.actor, "seal-grant-approve", new, at)
    return Decided(
        tuple(grant if grant.approved is not None else replace(grant, approved=deed) for grant in grants),
        repeated=not new,
    )


def end(
    workshop: Workshop, person: Person, grant_ids: Sequence[UUID], reason: str, *, via: str, at: datetime
) -> Decided:
    """Ends grants at once: to allow less, one pair of eyes is enough. Ending again changes nothing.

    Raises:
        NotPermitted: not a seal custodian.
        InputError: no reason.
        NotFound: there is no such grant.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.KEEP_SEALS)  # 1
    deed = deed_of(person, via, at, read_reason(reason))
    with workshop.database.writing(of_person(person)) as db:
        grants = _locked(db, person, grant_ids)  # 2
        new = [grant for grant in grants if grant.ended is None]  # 3
        if new:  # 4
            insert_grant_events(db, [grant.grant_id for grant in new], END, deed)
            _audit(db, person.actor, "seal-grant-end", new, at)
    return Decided(
        tuple(grant if grant.ended is not None else replace(grant, ended=deed) for grant in grants),
        repeated=not new,
    )


def read_reason(reason: str) -> str:
    """A reason as it is kept.

    Raises:
        InputError: empty, too long, or with what may be an ID number: it is kept in clear.
    """
    text = reason.strip()
    if not 0 < len(text) <= REASON_MAX_CHARS:
        raise InputError.at("/reason", f"Expected a reason of 1 to {REASON_MAX_CHARS} characters.")
    if holds_id_digits(text):
        sentence = f"{ID_DIGITS_MIN} digits in a row may be an ID number; leave them out."
        raise InputError.at("/reason", f"This text is kept in clear: {sentence}")
    return text


def _locked(db: WriteConnection, person: Person, grant_ids: Collection[UUID]) -> tuple[Grant, ...]:
    """These grants of seals that this person keeps, read after the seals' rows are held."""
    seals = {grant.terms.seal_id for grant in grants_by_id(db, grant_ids).values()}
    owners = lock_seals(db, seals)
    found = {
        grant_id: grant
        for grant_id, grant in grants_by_id(db, grant_ids).items()
        if keeps(person, owners.get(grant.terms.seal_id))
    }
    missing = sorted(set(grant_ids) - found.keys())
    if missing or not grant_ids:
        raise not_there(Kind.GRANT)
    return tuple(found[grant_id] for grant_id in dict.fromkeys(grant_ids))


def _check_terms(
    db: WriteConnection, workshop: Workshop, person: Person, terms: Sequence[GrantTerms], at: datetime
) -> None:
    types = workshop.shelf.types(at)
    seals = {seal_id: _kept(db, person, seal_id) for seal_id in {each.seal_id for each in terms}}
    clients = {client_id: find_client(db, client_id) for client_id in {each.client_id for each in terms}}
    problems = []
    for n, each in enumerate(terms):
        kind, seal = types.get(each.type_code), seals[each.seal_id]
        if seal is None or seal.stopped_at is not None or seal.not_after <= at:
            problems.append(FieldProblem(f"/{n}/seal_id", "There is no such seal in use."))
        elif seal.purpose not in GRANTED_PURPOSES:
            detail = "This is the platform's: no certificate bears it."
            problems.append(FieldProblem(f"/{n}/seal_id", detail))
        if kind is None or kind.version != each.type_version:
            problems.append(FieldProblem(f"/{n}/type_version", "This version of the type is not in force."))
        elif seal is not None and seal.purpose != ATTESTATION and kind.authority(seal.authority) is None:
            problems.append(FieldProblem(f"/{n}/type", "The seal's authority does not issue this type."))
        if clients[each.client_id] is None:
            problems.append(FieldProblem(f"/{n}/client_id", "There is no such enabled client."))
        problems += [
            FieldProblem(f"/{n}{pointer}", detail) for pointer, detail in _out_of_limits(each, seal, at)
        ]
    if problems:
        raise InputError("The grants cannot be made as they are.", *problems)


def _kept(db: WriteConnection, person: Person, seal_id: str) -> SealRow | None:
    row = find_seal(db, seal_id)
    return row if row is not None and keeps(person, row.authority) else None


def _out_of_limits(terms: GrantTerms, seal: SealRow | None, at: datetime) -> list[tuple[str, str]]:
    found = []
    if not 0 < terms.daily_cap <= DAILY_CAP_MAX:
        found.append(("/daily_cap", f"Expected a daily cap of 1 to {DAILY_CAP_MAX}."))
    if terms.valid_to <= max(terms.valid_from, at):
        found.append(("/valid_to", "The window has to end after it begins, and after now."))
    if terms.valid_to - terms.valid_from > timedelta(days=GRANT_DAYS_MAX):
        found.append(("/valid_to", f"A window is at most {GRANT_DAYS_MAX} days long."))
    if seal is not None and terms.valid_to > seal.not_after:
        found.append(("/valid_to", "The seal's certificate runs out before the window ends."))
    return found


def _audit(db: WriteConnection, actor: str, action: str, grants: Sequence[Grant], at: datetime) -> None:
    rows = [
        AuditRow(
            actor,
            action,
            None,
            None,
            {
                "grant": str(grant.grant_id),
                "seal": grant.terms.seal_id,
                "type": grant.terms.type_code,
                "type_version": grant.terms.type_version,
                "client": grant.terms.client_id,
                "daily_cap": grant.terms.daily_cap,
            },
        )
        for grant in grants
    ]
    insert_audit(db, rows, at)
