"""How the log stands: what waits, whether promises are kept, and whether it agrees with what is public."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.log import newest_shard, oldest_promise, waiting_count
from storage.log_heads import newest_publication
from vault.errors import IntegrityError
from vault.model.scope import VAULT
from vault.transparency.published import check_agreement
from vault.workshop import Workshop

# Counting more of a backlog than this tells an operator nothing.
WAITING_COUNTED_MAX = 100_000


@dataclass(frozen=True, slots=True)
class LogHealth:
    """`waiting`: leaves without a place. `overdue`: by how much the oldest promise is broken, or zero.

    `incident`: why the sequencer refuses to go on, or that a promise cannot be read; None if all is well.
    """

    size: int
    waiting: int
    overdue: timedelta
    incident: str | None


def log_health(workshop: Workshop, *, at: datetime) -> LogHealth:
    """Looks at the leaves that no published checkpoint has, and at what is published.

    Raises:
        Unavailable: an engine does not answer.
    """
    incident = None
    try:
        check_agreement(workshop, at=at)
    except IntegrityError as error:
        incident = error.detail
    with workshop.database.reading(VAULT) as db:
        shard = newest_shard(db)
        head = None if shard is None else newest_publication(db, shard.year)
        size = 0 if head is None else head.size
        promises = [oldest_promise(db, None)]
        if shard is not None:
            promises.append(oldest_promise(db, shard.first_index + size))
        waiting = waiting_count(db, WAITING_COUNTED_MAX)
    overdue = timedelta(0)
    for promise in promises:
        if promise is not None:
            try:
                overdue = max(overdue, at - datetime.fromisoformat(json.loads(promise)["include_by"]))
            except (ValueError, LookupError, TypeError):
                incident = incident or "A leaf's promise cannot be read: run certvault fsck."
    return LogHealth(size, waiting, overdue, incident)


def sentence(health: LogHealth) -> str:
    """What there is to say of the log; "ok" where all is well."""
    if health.incident is not None:
        return health.incident
    if health.overdue > timedelta(0):
        return (
            f"The promise to include a leaf is broken since {health.overdue.total_seconds():.0f} s; "
            f"{health.waiting} leaves wait: is a worker running?"
        )
    return "ok"
