"""Revoking a use, by the system that made it or by a holder of what is used."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from storage.db import WriteConnection
from storage.holders import find_holder
from storage.uses import find_use, insert_event, is_of_holder, revoke_use
from vault.copy_removal import let_go
from vault.errors import NotFound
from vault.model.actors import ClientGrant, Person
from vault.model.use import UseAction, UseRecord
from vault.uses.making import note
from vault.workshop import Workshop

_NO_SUCH = "There is no such use."


def revoke_by_client(workshop: Workshop, client: ClientGrant, use_id: UUID, *, at: datetime) -> UseRecord:
    """Ends a use that this client made: its codes open nothing, its copy verifies as not in force.

    A repeat answers with the time of the first.

    Raises:
        NotFound: the client made no such use.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        found = find_use(db, workshop.keys, use_id, lock=True)
        if found is None or found.client_id != client.client_id:
            raise NotFound(_NO_SUCH)
        return _revoked(db, workshop, found, client.client_id, at)


def revoke_by_holder(workshop: Workshop, person: Person, use_id: UUID, *, at: datetime) -> UseRecord:
    """Ends a use of what the signed-in person holds, as `revoke_by_client`.

    Raises:
        NotFound: there is no such use of anything of theirs.
        Unavailable: the database does not answer.
    """
    with workshop.database.writing() as db:
        holder_id = None if person.code is None else find_holder(db, workshop.keys, person.code)
        if holder_id is None or not is_of_holder(db, use_id, holder_id):
            raise NotFound(_NO_SUCH)
        found = find_use(db, workshop.keys, use_id, lock=True)
        if found is None:
            raise NotFound(_NO_SUCH)
        return _revoked(db, workshop, found, f"person:{person.person_id}", at)


def _revoked(
    db: WriteConnection, workshop: Workshop, found: UseRecord, actor: str, at: datetime
) -> UseRecord:
    if found.revoked_at is not None:
        return found
    revoke_use(db, found.use_id, at)
    insert_event(db, found.use_id, UseAction.REVOKE, actor, at)
    note(db, workshop, found, UseAction.REVOKE, actor, at)
    if found.copy is not None:
        let_go(db, found.copy.sha256, at)
    return replace(found, revoked_at=at)
