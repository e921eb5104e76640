"""The worker's tick for the transparency log: a run of the sequencer, and a word with the witnesses."""

import logging
from datetime import UTC, datetime

import httpx
from procrastinate import App

from vault.errors import IntegrityError, Unavailable
from vault.transparency.cosigning import ask_witnesses
from vault.transparency.sequencing import sequence
from vault.workshop import Workshop

LOG_QUEUE = "log"
# The sixth field is seconds: a leaf is published some seconds after its deposit.
SEQUENCE_CRON = "* * * * * */5"
# Jobs of a higher priority are taken first, the others have 0: it does not wait behind many second looks.
SEQUENCE_PRIORITY = 1
WITNESS_TIMEOUT_S = 10.0
WITNESS_ANSWER_MAX_BYTES = 64 * 1024

_log = logging.getLogger("certvault.worker")


def add_log_job(app: App, workshop: Workshop) -> None:
    """Makes the tick one of the jobs that the worker knows."""

    # A run that still waits does for the next ticks, too. No lock: two runs at once harm nobody, and the lock
    # of a worker that was killed would hold up the log for minutes.
    @app.periodic(cron=SEQUENCE_CRON)
    @app.task(name="sequence", queue=LOG_QUEUE, queueing_lock=LOG_QUEUE, priority=SEQUENCE_PRIORITY)
    def sequence_log(timestamp: int) -> None:  # noqa: ARG001 - procrastinate gives the second
        sequence_once(workshop, datetime.now(UTC))


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
