"""How the transparency log stands, and who outside has signed what it says."""

from dataclasses import dataclass
from datetime import datetime

from storage.log import newest_shard
from storage.log_heads import newest_cosignatures, newest_publication, published_above
from vault.errors import Unavailable
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.scope import VAULT
from vault.transparency.health import LogHealth, log_health
from vault.workshop import Workshop

NEVER: tuple[int, None] = (0, None)
"""As of a witness that has signed nothing."""


@dataclass(frozen=True, slots=True)
class WitnessLine:
    """A witness that the vault knows. `size`, `signed_at`: of the largest tree that it signed; 0 and None.

    `unsigned_since`: when the first larger one was published; None where there is none.
    """

    name: str
    asked: bool
    size: int
    signed_at: datetime | None
    unsigned_since: datetime | None


@dataclass(frozen=True, slots=True)
class LogPanel:
    """`health` None: the store of the log does not answer. `made_at`: of the last published checkpoint."""

    health: LogHealth | None
    origin: str | None
    size: int
    root: str | None
    made_at: datetime | None
    witnesses: tuple[WitnessLine, ...]


def log_panel(workshop: Workshop, person: Person, *, at: datetime) -> LogPanel:
    """The newest shard: a few statements, and a look at what is published.

    Raises:
        NotPermitted: it is not theirs to see.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.SEE_OPERATIONS)
    health = None
    with workshop.database.reading(VAULT) as db:
        shard = newest_shard(db)
        head = None if shard is None else newest_publication(db, shard.year)
        names = [witness.key.name for witness in workshop.witnesses]
        signed = {} if shard is None else newest_cosignatures(db, shard.year, names)
        sizes = [signed.get(name, NEVER)[0] for name in names]
        unsigned = {} if shard is None else published_above(db, shard.year, sizes)
    try:
        health = log_health(workshop, at=at)
    except Unavailable:  # the database has just answered: it is the log's bucket
        health = None
    return LogPanel(
        health,
        None if shard is None else shard.origin,
        0 if head is None else head.size,
        None if head is None else head.root.hex(),
        None if head is None else head.made_at,
        tuple(
            WitnessLine(witness.key.name, witness.url is not None, size, signed_at, unsigned.get(size))
            for witness in workshop.witnesses
            for size, signed_at in (signed.get(witness.key.name, NEVER),)
        ),
    )
