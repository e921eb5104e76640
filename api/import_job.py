"""The worker's job for imports that were asked for over the contract."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from uuid import UUID

from procrastinate import App, RetryStrategy

from vault.errors import Unavailable, VaultError
from vault.importing import IMPORT_QUEUE, IMPORT_TASK, Hands, order_of_run, run_import
from vault.workshop import Workshop

# An engine that is away for an hour does not end an import of a day.
TRIES_MAX = 8
RETRY_EXPONENT = 4

_log = logging.getLogger("certvault.worker")


def add_import_job(app: App, workshop: Workshop, hands: Callable[[], AbstractContextManager[Hands]]) -> None:
    """Makes imports one of the jobs that the worker knows. `hands`: who does the rows, while a block runs.

    A worker that is killed leaves the job to the next one, which goes on where the rows are.
    """
    retry = RetryStrategy(
        max_attempts=TRIES_MAX, exponential_wait=RETRY_EXPONENT, retry_exceptions=[Unavailable]
    )

    @app.task(name=IMPORT_TASK, queue=IMPORT_QUEUE, retry=retry)
    def import_stock(run_id: str) -> None:
        import_now(workshop, UUID(run_id), hands)


def import_now(workshop: Workshop, run_id: UUID, hands: Callable[[], AbstractContextManager[Hands]]) -> None:
    """Does a run. What the caller can mend is told in the run, and no reason to try again.

    Raises:
        Unavailable: an engine does not answer; whoever tries again goes on.
    """
    try:
        order = order_of_run(workshop, run_id, at=datetime.now(UTC))
        if order is None:
            return
        with hands() as working:
            run_import(workshop, order, working)
    except Unavailable:
        raise
    except VaultError as error:
        _log.warning("import %s stopped: %s", run_id, error.kind)
