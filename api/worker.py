"""The worker: jobs that deposits left in the database, and the log's sequencer, run by procrastinate."""

import logging
from datetime import UTC, datetime

import httpx
from procrastinate import App, JobContext, PsycopgConnector, RetryStrategy
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition

from api import logs
from api.edge import Mode
from api.settings import Settings
from api.wiring import wire
from vault.deposit.committing import SECOND_LOOK_QUEUE, SECOND_LOOK_TASK
from vault.errors import IntegrityError, Unavailable
from vault.second_look import second_look
from vault.transparency.cosigning import ask_witnesses
from vault.transparency.sequencing import sequence
from vault.workshop import Workshop

# 4, 16, 64, 256, 1024, 4096 s …: an object store that is down for an hour costs a handful of tries.
RETRY_EXPONENT = 4
TRIES_MAX = 8
# A job that is under way when the worker has to stop; a second look at one deposit takes milliseconds.
GRACE_S = 10.0
# A worker that was killed leaves its jobs marked as running: every ten minutes they are given out again.
STALLED_CRON = "*/10 * * * *"

LOG_QUEUE = "log"
# The sixth field is seconds: a leaf is published some seconds after its deposit.
SEQUENCE_CRON = "* * * * * */5"
# One job on each queue at a time: a sequencer does not wait behind many second looks.
JOBS_AT_ONCE = 2
WITNESS_TIMEOUT_S = 10.0
WITNESS_ANSWER_MAX_BYTES = 64 * 1024

_log = logging.getLogger("certvault.worker")


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
            queues=[SECOND_LOOK_QUEUE, LOG_QUEUE],
            concurrency=JOBS_AT_ONCE,
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
    def look_again(sha256: list[str]) -> None:
        second_look(workshop, sha256)

    @app.periodic(cron=STALLED_CRON)
    @app.task(name="retry_stalled", queue=SECOND_LOOK_QUEUE, pass_context=True)
    async def retry_stalled(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the minute
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs():
            await manager.retry_job(job)

    # A run that still waits does for the next ticks, too. No lock: two runs at once harm nobody, and the lock
    # of a worker that was killed would hold up the log for minutes.
    @app.periodic(cron=SEQUENCE_CRON)
    @app.task(name="sequence", queue=LOG_QUEUE, queueing_lock=LOG_QUEUE)
    def sequence_log(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the second
        sequence_once(workshop, datetime.now(UTC))

    return app


def sequence_once(workshop: Workshop, at: datetime) -> None:
    """A run of the sequencer, and a word with the witnesses. What stops it is logged.

    The next tick tries again; `readyz`, `doctor` and the metrics say the same for as long as it lasts.
    """
    try:
        sequence(workshop, at=at)
        for asked in ask_witnesses(workshop, _post, at=at):
            if asked.refusal is not None:
                _log.warning("witness %s: %s", asked.witness, asked.refusal)
    except IntegrityError as error:
        _log.error("the log is stopped: %s", error.detail)
    except Unavailable as error:
        _log.warning("the log waits: %s", error.detail)


def _post(address: str, body: bytes) -> tuple[int, bytes]:
    """Raises `Unavailable` where nobody answers, or at too great length."""
    try:
        with httpx.stream("POST", address, content=body, timeout=WITNESS_TIMEOUT_S) as answer:
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > WITNESS_ANSWER_MAX_BYTES:
                    raise Unavailable("It answers at too great length.")
            return answer.status_code, content
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"It does not answer: {type(error).__name__}.") from error
