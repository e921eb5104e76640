"""On whose behalf a transaction reads and writes: what it does not name, the database does not show it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from vault.model.actors import ClientGrant


@dataclass(frozen=True, slots=True)
class Scope:
    """What a transaction may see and change; an empty one sees nothing that belongs to somebody.

    `vault`: everything (the worker, fsck, an operator's command). Otherwise what any of the others names:
    `client_id`: what this approval system handed in. `authorities`: what these bodies (USCC) issued.
    `holders`: what is held under these blind indexes. `shown`: what somebody shows, by the blind index of a
    token, those of a number and its code together, a file's digest, the hash of a use code. `named`: single
    certificates, materials and uses by their ids, after a flow has decided that they may be seen.
    """

    vault: bool = False
    client_id: str | None = None
    authorities: frozenset[str] = frozenset()
    holders: frozenset[bytes] = field(default=frozenset(), repr=False)
    shown: frozenset[bytes] = field(default=frozenset(), repr=False)
    named: frozenset[UUID] = frozenset()

    def naming(self, *ids: UUID) -> "Scope":
        """The same, with these certificates, materials or uses."""
        return replace(self, named=self.named | set(ids))


VAULT = Scope(vault=True)
NOBODY = Scope()


def of_client(client: ClientGrant, *, holders: Iterable[bytes] = (), shown: Iterable[bytes] = ()) -> Scope:
    """An approval system with its authorities; `holders`: those whom its question names."""
    return Scope(
        client_id=client.client_id,
        authorities=client.authorities,
        holders=frozenset(holders),
        shown=frozenset(shown),
    )


def of_holders(*indexes: bytes) -> Scope:
    """What these holders have; of none, nothing."""
    return Scope(holders=frozenset(indexes))


def of_shown(*indexes: bytes) -> Scope:
    """Whoever shows something: verification in public."""
    return Scope(shown=frozenset(indexes))
