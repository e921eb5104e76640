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
    """Jobs of a kind that failed for good, `lately` some of them.

    `last_at`: when the last did; None where the queue has forgotten it.
    """

    task: str
    count: int
    lately: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class QueueState:
    """`counted_max`: where the counting ended. `heard_at`: the last sign of life of any worker."""

    queues: tuple[QueueCount, ...]
    given_up: tuple[GivenUp, ...]
    workers: int
    heard_at: datetime | None
    counted_max: int


# The oldest that are due, then what is for later: a million jobs for next year cannot hide one that is late.
# A job without a time is due since it was deferred; of those the oldest alone is looked up.
_WAITING = text(
    "WITH due AS ((SELECT id, queue_name, scheduled_at, attempts FROM procrastinate_jobs"
    " WHERE status = 'todo' AND scheduled_at IS NULL ORDER BY scheduled_at, id LIMIT :most)"
    " UNION ALL (SELECT id, queue_name, scheduled_at, attempts FROM procrastinate_jobs"
    " WHERE status = 'todo' AND scheduled_at <= :at ORDER BY scheduled_at, id LIMIT :most)),"
    " later AS (SELECT queue_name, attempts FROM procrastinate_jobs"
    " WHERE status = 'todo' AND scheduled_at > :at ORDER BY scheduled_at, id LIMIT :most),"
    " counted AS (SELECT queue_name, count(*) AS due, 0 AS later, min(scheduled_at) AS since,"
    " min(id) FILTER (WHERE scheduled_at IS NULL) AS oldest, count(*) FILTER (WHERE attempts > 0) AS retrying"
    " FROM due GROUP BY queue_name UNION ALL SELECT queue_name, 0, count(*), NULL, NULL,"
    " count(*) FILTER (WHERE attempts > 0) FROM later GROUP BY queue_name)"
    " SELECT queue_name, least(sum(due + later), :most) AS waiting, least(sum(due), :most) AS due,"
    " least(min(since), (SELECT min(e.at) FROM procrastinate_events e"
    " WHERE e.job_id = min(counted.oldest) AND e.type = 'deferred')) AS due_since,"
    " least(sum(retrying), :most) AS retrying FROM counted GROUP BY queue_name"
)
_RUNNING = text(
    "SELECT queue_name, count(*) AS running FROM procrastinate_jobs"
    " WHERE status = 'doing' AND worker_id IS NOT NULL GROUP BY queue_name"
)
_GIVEN_UP = text(
    "SELECT f.task_name, count(*) AS jobs, count(*) FILTER (WHERE e.at > :lately_since) AS lately,"
    " max(e.at) AS last_at FROM"
    " (SELECT task_name, id FROM procrastinate_jobs WHERE status = 'failed' LIMIT :most) AS f,"
    " LATERAL (SELECT max(at) AS at FROM procrastinate_events WHERE job_id = f.id) AS e"
    " GROUP BY f.task_name ORDER BY jobs DESC, f.task_name"
)
_WORKERS = text(
    "SELECT count(*) FILTER (WHERE last_heartbeat >= :alive_since) AS alive, max(last_heartbeat) AS heard_at"
    " FROM procrastinate_workers"
)


def queue_state(
    db: ReadConnection, *, at: datetime, alive_since: datetime, failed_since: datetime, counted_max: int
) -> QueueState:
    """How the queue stands, counted no further than `counted_max`: four statements.

    `alive_since`: a worker that was last heard before is gone. `failed_since`: what failed before is no news.
    """
    running = {row.queue_name: row.running for row in db.execute(_RUNNING)}
    waiting = {row.queue_name: row for row in db.execute(_WAITING, {"at": at, "most": counted_max})}
    queues = tuple(
        QueueCount(
            name,
            0 if (row := waiting.get(name)) is None else int(row.waiting),
            0 if row is None else int(row.due),
            None if row is None else row.due_since,
            0 if row is None else int(row.retrying),
            running.get(name, 0),
        )
        for name in sorted({*running, *waiting})
    )
    given_up = tuple(
        GivenUp(row.task_name, row.jobs, row.lately, row.last_at)
        for row in db.execute(_GIVEN_UP, {"most": counted_max, "lately_since": failed_since})
    )
    workers = db.execute(_WORKERS, {"alive_since": alive_since}).one()
    return QueueState(queues, given_up, workers.alive, workers.heard_at, counted_max)
