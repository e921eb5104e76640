"""On whose behalf a transaction reads and writes: what it does not name, the database does not show it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from vault.model.actors import ClientGrant, Person


@dataclass(frozen=True, slots=True)
class Scope:
    """What a transaction may see and change; an empty one sees nothing that belongs to somebody.

    `vault`: everything (the worker, fsck, an operator's command). Otherwise what any of the others names:
    `client_id`: what this approval system handed in. `person_id`: what this person who signed in did.
    `authorities`: what these bodies (USCC) issued. `holders`: what is held under these blind indexes; `ring`:
    the versions of the index key that they were made with. `holder_ids`: what is held by those for whom
    somebody may act, as a flow has found. `shown`: what somebody shows, by a file's digest or a code's hash.
    `named`: single certificates, materials and uses by their ids, after a flow has decided that they may be
    seen.
    """

    vault: bool = False
    client_id: str | None = None
    person_id: UUID | None = None
    authorities: frozenset[str] = frozenset()
    holders: frozenset[bytes] = field(default=frozenset(), repr=False)
    ring: tuple[int, ...] = ()
    holder_ids: frozenset[UUID] = frozenset()
    shown: frozenset[bytes] = field(default=frozenset(), repr=False)
    named: frozenset[UUID] = frozenset()

    def naming(self, *ids: UUID) -> "Scope":
        """The same, with these certificates, materials or uses."""
        return replace(self, named=self.named | set(ids))

    def acting_for(self, holder_id: UUID) -> "Scope":
        """The same, on behalf of this holder, too."""
        return replace(self, holder_ids=self.holder_ids | {holder_id})


VAULT = Scope(vault=True)
NOBODY = Scope()


def of_client(client: ClientGrant, *, shown: Iterable[bytes] = ()) -> Scope:
    """An approval system with its authorities."""
    return Scope(client_id=client.client_id, authorities=client.authorities, shown=frozenset(shown))


def of_caller(caller: ClientGrant | Person) -> Scope:
    """An approval system, or somebody who signed in, with the body for which they did."""
    if isinstance(caller, ClientGrant):
        return of_client(caller)
    body = () if caller.organisation is None else (caller.organisation,)
    return Scope(person_id=caller.person_id, authorities=frozenset(body))


def of_person(person: Person) -> Scope:
    """Somebody who signed in, and what they do in their own name: the custody of seals."""
    return Scope(person_id=person.person_id)


def of_holders(*indexes: bytes) -> Scope:
    """What these holders have; of none, nothing."""
    return Scope(holders=frozenset(indexes))


def of_shown(*indexes: bytes) -> Scope:
    """Whoever shows something: verification in public."""
    return Scope(shown=frozenset(indexes))
