"""The worker: jobs that lie in the database, run by procrastinate in five lanes.

Upkeep looks at stored objects again, takes usage copies away, cuts webhooks' deliveries from the feed and
publishes the log; first tries of deliveries and later tries have a lane each, so that receivers that hang
hold up neither the others nor the upkeep. The fourth raises seals, which waits for authorities;
the fifth imports registers, in processes of its own.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import DeleteJobCondition, Status
from procrastinate.manager import JobManager

from api import logs
from api.edge import Mode
from api.import_hands import default_processes, import_hands, own_hands
from api.import_job import add_import_job
from api.log_job import LOG_QUEUE, add_log_job
from api.raise_job import RAISERS, SEAL_QUEUE, add_raise_jobs
from api.service_role import check_service_role
from api.settings import Settings
from api.wiring import courier_of, wire
from storage.blobs import plain_name
from storage.history import UPKEEP_QUEUE
from vault import desk, sessions, signin
from vault.audit_parts import make_room
from vault.avoided import add_up_avoided
from vault.changes import backfill
from vault.copy_removal import DISCARD_TASK
from vault.deposit.committing import SECOND_LOOK_TASK
from vault.deposit_tally import forget_old_tallies
from vault.errors import Unavailable
from vault.importing import IMPORT_QUEUE, Hands
from vault.intake import empty_intake
from vault.second_look import second_look
from vault.succession import TAKE_OVER_TASK, take_over
from vault.uses import discard_copy
from vault.webhooks import DELIVER_TASK, FIRST_TRIES_QUEUE, RETRIES_QUEUE, Send, cut, deliver
from vault.workshop import Workshop

# 4, 16, 64, 256, 1024, 4096 s …: an object store that is down for an hour costs a handful of tries.
RETRY_EXPONENT = 4
TRIES_MAX = 8
# Every night at 02:23 in China (the queue counts in UTC): uploads that nobody needs any more.
INTAKE_CRON = "23 18 * * *"
# A job that is under way when the worker has to stop: longer than a delivery may take (courier.DEADLINE_S).
GRACE_S = 12.0
# On the cores of a server its requests come first: raising the seals of a new stock goes on for hours.
# A quarter of a busy core is left to the worker, four times what placing 300 leaves a second takes.
NICENESS = 5
# A worker that was killed leaves its jobs marked as running: every minute they are given out again.
STALLED_CRON = "* * * * *"
# Every five seconds (the sixth field): how soon a webhook hears of a change.
CUT_CRON = "* * * * * */5"
CHANGES_QUEUE = "changes"
# Batches of the backfill in one round: a second or two of work.
BACKFILL_BATCHES = 5
# Sessions, attempts to sign in and assertions that ended: refused by their times already, rows are left over.
FORGET_CRON = "*/5 * * * *"
# Resubmissions avoided: a million rows from before revision 0022 are added up within the hour.
ADD_UP_CRON = "* * * * *"
ADD_UP_BATCHES = 5
# Parts of the audit events: every hour, though one lasts for 10⁸ of them.
ROOM_CRON = "37 * * * *"


@dataclass(frozen=True, slots=True)
class Lane:
    """Queues with hands of their own. `eager`: woken for each job; otherwise it looks every few seconds."""

    queues: tuple[str, ...]
    hands: int
    eager: bool


LANES = (
    # Nothing of the upkeep is due at once: woken for every deposit, the worker would cost each of them
    # 2 ms. The third hand is for the sequencer, which may wait for its witnesses.
    Lane((UPKEEP_QUEUE, CHANGES_QUEUE, LOG_QUEUE), hands=3, eager=False),
    Lane((FIRST_TRIES_QUEUE,), hands=8, eager=True),
    Lane((RETRIES_QUEUE,), hands=4, eager=False),
    # They wait for authorities; the last hand is for the calendar.
    Lane((SEAL_QUEUE,), hands=RAISERS + 1, eager=False),
    # One import at a time: it takes every core.
    Lane((IMPORT_QUEUE,), hands=1, eager=True),
)


def work(settings: Settings) -> None:
    """Runs jobs until SIGTERM or SIGINT.

    Raises:
        InputError: a secret or a trust file is missing or unreadable.
        NotPermitted: production, and the database's role could pass by row security.
        Unavailable: the database does not answer.
    """
    os.nice(NICENESS)
    logs.configure(messages=settings.mode is Mode.DEVELOPMENT)
    # A round every five seconds would fill the log with lines that tell nothing.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    workshop = wire(settings).workshop
    check_service_role(settings)  # tells at once; the queue's own pool would try for half a minute
    hands = partial(import_hands, settings, default_processes())
    url = settings.database_url.get_secret_value()
    app = queue_app(workshop, url, courier_of(settings).send, hands)
    try:
        asyncio.run(_run_lanes(app))
    except ConnectorException as error:
        raise Unavailable("The database does not answer; try again shortly.") from error


async def _run_lanes(app: App) -> None:
    """Runs every lane until a signal; where one ends by itself, all end, and whoever watches starts anew."""
    loop = asyncio.get_running_loop()
    # A thread for each hand: with fewer, receivers that hang would take those of the upkeep.
    loop.set_default_executor(ThreadPoolExecutor(sum(lane.hands for lane in LANES)))
    told_to_end = asyncio.Event()
    async with app.open_async():
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told_to_end.set)
        waiting = asyncio.create_task(told_to_end.wait())
        lanes = [asyncio.create_task(_run_lane(app, lane)) for lane in LANES]
        await asyncio.wait([waiting, *lanes], return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, *lanes):
            task.cancel()
        ended = await asyncio.gather(*lanes, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error
    if not told_to_end.is_set():  # a lane whose sign of life fails ends without a word
        raise Unavailable("The worker lost the database; start it again.")


async def _run_lane(app: App, lane: Lane) -> None:
    await app.run_worker_async(
        queues=list(lane.queues),  # psycopg writes a tuple as something else
        name=lane.queues[0],
        concurrency=lane.hands,
        listen_notify=lane.eager,
        delete_jobs=DeleteJobCondition.SUCCESSFUL,
        shutdown_graceful_timeout=GRACE_S,
        install_signal_handlers=False,
    )


def _look_again(workshop: Workshop, case_id: str | None) -> None:
    if case_id is not None:  # objects that the release before named by their digests fsck looks at
        second_look(workshop, UUID(case_id))


def _take_away(workshop: Workshop, name: str | None, sha256: str | None) -> None:
    """By name; what the release before left is named by its digest."""
    if name is None and sha256 is not None:
        name = plain_name(sha256)
    if name is not None:
        discard_copy(workshop, name, at=datetime.now(UTC))


async def _give_out_again(manager: JobManager) -> None:
    """Jobs that a worker had in hand when it was killed."""
    for job in await manager.get_stalled_jobs():
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            # A later tick's job waits under the same queueing lock, and does for this one, too. An error here
            # would hold up whatever else the dead worker had in hand.
            await manager.finish_job(job, Status.ABORTED, delete_job=True)


def queue_app(
    workshop: Workshop,
    database_url: str,
    send: Send,
    hands: Callable[[], AbstractContextManager[Hands]] | None = None,
) -> App:
    """The jobs that this release knows. A job that fails for good stays in the database, marked as failed.

    `send` carries webhooks. `hands`: who imports; without them this process itself.
    """
    app = App(connector=PsycopgConnector(conninfo=database_url))
    retry = RetryStrategy(
        max_attempts=TRIES_MAX, exponential_wait=RETRY_EXPONENT, retry_exceptions=[Unavailable]
    )

    @app.task(name=SECOND_LOOK_TASK, queue=UPKEEP_QUEUE, retry=retry)
    def look_again(case_id: str | None = None, sha256: list[str] | None = None) -> None:  # noqa: ARG001 - digests are what the release before left here
        _look_again(workshop, case_id)

    @app.task(name=TAKE_OVER_TASK, queue=UPKEEP_QUEUE, retry=retry)
    def take_over_today(certificate: str) -> None:
        take_over(workshop, UUID(certificate), at=datetime.now(UTC))

    @app.periodic(cron=INTAKE_CRON)
    @app.task(name="empty_intake", queue=UPKEEP_QUEUE, retry=retry)
    def empty(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the minute, which may be long ago
        empty_intake(workshop, at=datetime.now(UTC))

    @app.task(name=DELIVER_TASK, queue=FIRST_TRIES_QUEUE, retry=retry)
    def deliver_webhook(delivery_id: str) -> None:
        deliver(workshop, send, UUID(delivery_id), at=datetime.now(UTC))

    # One waits at most: rounds do not pile up while the worker or the database is away.
    @app.periodic(cron=CUT_CRON)
    @app.task(name="cut_webhooks", queue=CHANGES_QUEUE, queueing_lock="cut_webhooks")
    def cut_webhooks(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the second
        backfill(workshop.database, progress=lambda _: None, batches_max=BACKFILL_BATCHES)
        cut(workshop, at=datetime.now(UTC))

    @app.task(name=DISCARD_TASK, queue=UPKEEP_QUEUE, retry=retry)
    def take_away(name: str | None = None, sha256: str | None = None) -> None:
        _take_away(workshop, name, sha256)

    @app.periodic(cron=STALLED_CRON)
    @app.task(name="retry_stalled", queue=UPKEEP_QUEUE, pass_context=True)
    async def retry_stalled(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the minute
        await _give_out_again(context.app.job_manager)

    @app.periodic(cron=FORGET_CRON)
    @app.task(name="forget_ended", queue=UPKEEP_QUEUE)
    def forget(timestamp: int) -> None:
        at = datetime.fromtimestamp(timestamp, UTC)
        sessions.forget_ended(workshop, at=at)
        signin.forget_assertions(workshop, at=at)
        desk.forget_yesterday(workshop, at=at)
        forget_old_tallies(workshop, at=at)

    _add_count_job(app, workshop)
    _add_room_job(app, workshop, retry)
    add_log_job(app, workshop)
    add_raise_jobs(app, workshop)
    add_import_job(app, workshop, hands or partial(own_hands, workshop))
    return app


def _add_room_job(app: App, workshop: Workshop, retry: RetryStrategy) -> None:
    @app.periodic(cron=ROOM_CRON)
    @app.task(name="make_audit_parts", queue=UPKEEP_QUEUE, queueing_lock="make_audit_parts", retry=retry)
    def room(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the minute
        make_room(workshop)


def _add_count_job(app: App, workshop: Workshop) -> None:
    @app.periodic(cron=ADD_UP_CRON)
    @app.task(name="add_up_avoided", queue=UPKEEP_QUEUE, queueing_lock="add_up_avoided")
    def add_up(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the minute
        add_up_avoided(workshop, at=datetime.now(UTC), batches_max=ADD_UP_BATCHES)
