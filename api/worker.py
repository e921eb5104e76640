"""The worker: jobs that deposits left in the database, run one after the other by procrastinate."""

from uuid import UUID

from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition

from api import logs
from api.edge import Mode
from api.settings import Settings
from api.wiring import wire
from vault.deposit.committing import SECOND_LOOK_QUEUE, SECOND_LOOK_TASK
from vault.errors import Unavailable
from vault.second_look import second_look
from vault.workshop import Workshop

# 4, 16, 64, 256, 1024, 4096 s …: an object store that is down for an hour costs a handful of tries.
RETRY_EXPONENT = 4
TRIES_MAX = 8
# A job that is under way when the worker has to stop; a second look at one deposit takes milliseconds.
GRACE_S = 10.0
# A worker that was killed leaves its jobs marked as running: every ten minutes they are given out again.
STALLED_CRON = "*/10 * * * *"


def work(settings: Settings) -> None:
    """Runs jobs until SIGTERM or SIGINT.

    Raises:
        InputError: a secret or a trust file is missing or unreadable.
        Unavailable: the database does not answer.
    """
    logs.configure(messages=settings.mode is Mode.DEVELOPMENT)
    workshop = wire(settings).workshop
    workshop.database.ping()  # tells at once; the queue's own pool would try for half a minute
    app = queue_app(workshop, settings.database_url.get_secret_value())
    try:
        app.run_worker(
            queues=[SECOND_LOOK_QUEUE],
            # No job is due at once: woken for every deposit, the worker would cost each of them 2 ms.
            listen_notify=False,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
            shutdown_graceful_timeout=GRACE_S,
        )
    except ConnectorException as error:
        raise Unavailable("The database does not answer; try again shortly.") from error


def queue_app(workshop: Workshop, database_url: str) -> App:
    """The jobs that this release knows. A job that fails for good stays in the database, marked as failed."""
    app = App(connector=PsycopgConnector(conninfo=database_url))
    retry = RetryStrategy(
        max_attempts=TRIES_MAX, exponential_wait=RETRY_EXPONENT, retry_exceptions=[Unavailable]
    )

    @app.task(name=SECOND_LOOK_TASK, queue=SECOND_LOOK_QUEUE, retry=retry)
    def look_again(case_id: str | None = None, sha256: list[str] | None = None) -> None:
        # Digests are what the release before left here; those objects fsck looks at.
        if sha256 is None and case_id is not None:
            second_look(workshop, UUID(case_id))

    @app.periodic(cron=STALLED_CRON)
    @app.task(name="retry_stalled", queue=SECOND_LOOK_QUEUE, pass_context=True)
    async def retry_stalled(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the minute
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs():
            await manager.retry_job(job)

    return app
