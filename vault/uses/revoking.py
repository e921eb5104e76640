"""Revoking a use, by the system that made it or by a holder of what is used."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from storage.db import WriteConnection
from storage.filed_objects import copy_object
from storage.holders import about, find_holder
from storage.uses import find_use, find_use_key, insert_event, is_of_holder, revoke_use
from vault.copy_removal import let_go
from vault.model.access import Action, Caller, Kind, Resource, authorize, not_there
from vault.model.actors import Person
from vault.model.scope import NOBODY, of_caller
from vault.model.use import UseAction, UseRecord
from vault.uses.making import note, organisation_of
from vault.workshop import Workshop


def revoke_by_maker(workshop: Workshop, caller: Caller, use_id: UUID, *, at: datetime) -> UseRecord:
    """Ends a use that the caller made: its codes open nothing, its copy verifies as not in force.

    A repeat answers with the time of the first.

    Raises:
        NotFound: the caller made no such use.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(of_caller(caller)) as db:
        found = find_use(db, workshop.keys, use_id, lock=True)
        if found is None:
            raise not_there(Kind.USE)
        authorize(caller, Action.REVOKE_USE, Resource(Kind.USE, by=found.made_by))
        return _revoked(db, workshop, found, caller.actor, at, organisation=organisation_of(caller))


def revoke_by_holder(workshop: Workshop, person: Person, use_id: UUID, *, at: datetime) -> UseRecord:
    """Ends a use of what the signed-in person holds, as `revoke_by_maker`.

    Raises:
        NotFound: there is no such use of anything of theirs.
        Unavailable: the database does not answer.
    """
    scope = NOBODY if person.code is None else about(NOBODY, workshop.keys, person.code)
    with workshop.database.writing(scope) as db:
        found = find_use(db, workshop.keys, use_id, lock=True)
        if found is None:
            raise not_there(Kind.USE)
        holder_id = None if person.code is None else find_holder(db, workshop.keys, person.code)
        theirs = holder_id is not None and is_of_holder(db, use_id, holder_id)
        holders = frozenset({person.code.identity}) if person.code is not None and theirs else frozenset()
        authorize(person, Action.REVOKE_USE_OF_OWN, Resource(Kind.USE, holders=holders))
        return _revoked(db, workshop, found, person.actor, at)


def _revoked(
    db: WriteConnection,
    workshop: Workshop,
    found: UseRecord,
    actor: str,
    at: datetime,
    *,
    organisation: str | None = None,
) -> UseRecord:
    if found.revoked_at is not None:
        return found
    revoke_use(db, found.use_id, at)
    insert_event(db, found.use_id, UseAction.REVOKE, actor, at)
    key = find_use_key(db, workshop.keys, found.use_id)
    note(db, workshop, found, UseAction.REVOKE, actor, at, key, organisation=organisation)
    copy = copy_object(db, workshop.keys, found.use_id)
    if copy is not None:
        let_go(db, copy.stored_name, at)
    return replace(found, revoked_at=at)
