"""What ran to keep the vault well, noted for those who watch it: checks by fsck, backups by other tools."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from storage.operation_runs import Run, RunKind, RunOutcome, end_run, insert_run, note_progress
from vault.errors import InputError, VaultError
from vault.model.ids import uuid7
from vault.model.scope import VAULT
from vault.workshop import Workshop

__all__ = ["FsckNote", "RunKind", "RunOutcome", "note_backup"]

# How often a check says how far it is: the page that shows it asks every ten seconds.
SAID_EVERY = timedelta(seconds=5)
# Clocks of machines that make backups may be so far ahead of ours.
SKEW = timedelta(minutes=5)

_log = logging.getLogger("certvault.runs")


@dataclass(slots=True)
class FsckNote:
    """The note that a check runs. What cannot be noted is left out and logged: the check itself goes on."""

    workshop: Workshop
    clock: Callable[[], datetime]
    _run_id: UUID = field(init=False)
    _said_at: datetime = field(init=False)
    _done: int = 0

    def begin(self) -> None:
        """Notes that it has begun."""
        at = self.clock()
        self._run_id, self._said_at = uuid7(at), at
        with _left_out(), self.workshop.database.writing(VAULT) as db:
            insert_run(db, Run(self._run_id, RunKind.FSCK, at, at))

    def say(self, done: int) -> None:
        """Notes how far it is, every `SAID_EVERY`."""
        at, self._done = self.clock(), done
        if at - self._said_at < SAID_EVERY:
            return
        self._said_at = at
        with _left_out(), self.workshop.database.writing(VAULT) as db:
            note_progress(db, self._run_id, done, at)

    def end(self, problems: int, notes: int) -> None:
        """Notes how much was found."""
        self._end(RunOutcome.PROBLEMS if problems else RunOutcome.WELL, problems, notes)

    def fail(self) -> None:
        """Notes that it broke off: an engine did not answer, or somebody stopped it."""
        self._end(RunOutcome.FAILED, 0, 0)

    def _end(self, outcome: RunOutcome, problems: int, notes: int) -> None:
        with _left_out(), self.workshop.database.writing(VAULT) as db:
            end_run(
                db,
                self._run_id,
                outcome,
                done=self._done,
                problems=problems,
                notes=notes,
                at=self.clock(),
            )


@contextmanager
def _left_out() -> Iterator[None]:
    try:
        yield
    except VaultError:
        pass
    except Exception as error:  # noqa: BLE001 - a note is never worth the check that it is about
        _log.error("incident", exc_info=error)


def note_backup(
    workshop: Workshop,
    part: RunKind,
    *,
    well: bool,
    finished_at: datetime,
    size_bytes: int | None,
    at: datetime,
) -> None:
    """Notes a backup that another tool made, or failed to make.

    Raises:
        InputError: it is said to have ended in the future.
        Unavailable: the database does not answer.
    """
    if finished_at > at + SKEW:
        raise InputError("A backup that has ended cannot have ended in the future: expected --at before now.")
    outcome = RunOutcome.WELL if well else RunOutcome.FAILED
    run = Run(uuid7(at), part, finished_at, at, finished_at, outcome, size_bytes=size_bytes)
    with workshop.database.writing(VAULT) as db:
        insert_run(db, run)
