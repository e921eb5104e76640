"""How the queue of jobs stands: what waits, what runs, what was given up, and whether workers are alive.

Reads procrastinate's own tables, as its release 3 has them; nothing of ours writes to them from here.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from storage.db import ReadConnection


@dataclass(frozen=True, slots=True)
class QueueCount:
    """A queue: jobs that wait, those of them that are due, since when the oldest of these is, retries."""

    queue: str
    waiting: int
    due: int
    due_since: datetime | None
    retrying: int
    running: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Jobs of a kind that failed for good; `last_at` None where the queue has forgotten when."""

    task: str
    count: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class QueueState:
    """`counted_max`: where the counting ended. `heard_at`: the last sign of life of any worker."""

    queues: tuple[QueueCount, ...]
    given_up: tuple[GivenUp, ...]
    workers: int
    heard_at: datetime | None
    counted_max: int


# In the order in which workers take them, so that those that are due are among those counted.
_WAITING = text(
    "WITH counted AS (SELECT queue_name, scheduled_at, attempts FROM procrastinate_jobs WHERE status = 'todo'"
    " ORDER BY priority DESC, id LIMIT :most)"
    " SELECT queue_name, count(*) AS waiting,"
    " count(*) FILTER (WHERE scheduled_at IS NULL OR scheduled_at <= :at) AS due,"
    " min(scheduled_at) FILTER (WHERE scheduled_at <= :at) AS due_since,"
    " count(*) FILTER (WHERE attempts > 0) AS retrying FROM counted GROUP BY queue_name"
)
_RUNNING = text(
    "SELECT queue_name, count(*) AS running FROM procrastinate_jobs"
    " WHERE status = 'doing' AND worker_id IS NOT NULL GROUP BY queue_name"
)
_GIVEN_UP = text(
    "SELECT f.task_name, f.jobs, (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = f.newest)"
    " AS last_at FROM (SELECT task_name, count(*) AS jobs, max(id) AS newest FROM"
    " (SELECT task_name, id FROM procrastinate_jobs WHERE status = 'failed' LIMIT :most) AS counted"
    " GROUP BY task_name) AS f ORDER BY f.jobs DESC, f.task_name"
)
_WORKERS = text(
    "SELECT count(*) FILTER (WHERE last_heartbeat >= :alive_since) AS alive, max(last_heartbeat) AS heard_at"
    " FROM procrastinate_workers"
)


def queue_state(db: ReadConnection, *, at: datetime, alive_since: datetime, counted_max: int) -> QueueState:
    """How the queue stands, counted no further than `counted_max`: four statements."""
    running = {row.queue_name: row.running for row in db.execute(_RUNNING)}
    waiting = {row.queue_name: row for row in db.execute(_WAITING, {"at": at, "most": counted_max})}
    queues = tuple(
        QueueCount(
            name,
            0 if (row := waiting.get(name)) is None else row.waiting,
            0 if row is None else row.due,
            None if row is None else row.due_since,
            0 if row is None else row.retrying,
            running.get(name, 0),
        )
        for name in sorted({*running, *waiting})
    )
    given_up = tuple(
        GivenUp(row.task_name, row.jobs, row.last_at) for row in db.execute(_GIVEN_UP, {"most": counted_max})
    )
    workers = db.execute(_WORKERS, {"alive_since": alive_since}).one()
    return QueueState(queues, given_up, workers.alive, workers.heard_at, counted_max)
