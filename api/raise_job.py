"""The worker's rounds for long-term seals: raise what is due, and keep the calendar whole."""

import logging
from datetime import UTC, datetime, timedelta

from procrastinate import App

from vault.errors import Unavailable
from vault.importing import under_way
from vault.raising import Raised, raise_due, walk
from vault.workshop import Workshop

SEAL_QUEUE = "seals"
# Hands that raise at the same time in all workers together: each waits for authorities most of its time.
RAISERS = 3
RAISE_CRON = "* * * * *"
# A round ends before the next one's tick, so that a worker that has to stop loses little.
ROUND_MAX = timedelta(seconds=50)
WALK_CRON = "* * * * *"
# A second or two of work; in between others have their turn.
WALK_BATCHES = 20

_log = logging.getLogger("certvault.worker")


def add_raise_jobs(app: App, workshop: Workshop) -> None:
    """Makes the rounds jobs that the worker knows."""
    for number in range(RAISERS):
        _add_raiser(app, workshop, f"raise_seals_{number}")

    @app.periodic(cron=WALK_CRON)
    @app.task(name="walk_seals", queue=SEAL_QUEUE, queueing_lock="walk_seals")
    def walk_seals(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the minute
        walk(workshop, at=datetime.now(UTC), progress=lambda _: None, batches_max=WALK_BATCHES)


def _add_raiser(app: App, workshop: Workshop, name: str) -> None:
    # A round that still runs does for the next ticks, too; the claims keep rounds apart, not this.
    @app.periodic(cron=RAISE_CRON)
    @app.task(name=name, queue=SEAL_QUEUE, queueing_lock=name)
    def raise_seals(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the minute
        raise_for_a_while(workshop)


def raise_for_a_while(workshop: Workshop) -> Raised:
    """Rounds until nothing is due or the time is up; what fails stands with the files, and is logged.

    An import has both cores to itself: judging a file that was raised takes as long as making three. What it
    brings in is raised when it is over; what has a term at all has weeks.
    """
    done, ends = Raised(), datetime.now(UTC) + ROUND_MAX
    try:
        while (at := datetime.now(UTC)) < ends and not under_way(workshop, at=at):
            round_ = raise_due(workshop, at=at)
            done = done.and_(round_)
            if round_.files == 0:
                break
    except Unavailable as error:
        _log.warning("raising seals waits: %s", error.detail)
    if done.put_off or done.given_up:
        _log.warning("seals: %d raised, %d put off, %d given up", done.raised, done.put_off, done.given_up)
    return done
