"""The note that a check runs: whatever becomes of it, the check goes on and nobody is called for it."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from storage.db import Database
from storage.tables import operation_runs
from tests.conftest import House, behind_a_cutting_wire
from tests.trials import cutting_after
from vault import runs
from vault.model.scope import VAULT
from vault.runs import SAID_EVERY, FsckNote
from vault.workshop import Workshop

pytestmark = pytest.mark.engines


class Clock:
    """Years ago, so that no console takes it for the newest check."""

    def __init__(self) -> None:
        self.began = self.now = datetime(2001, 1, 1, tzinfo=UTC) + secrets.randbelow(10**8) * timedelta(
            seconds=1
        )

    def __call__(self) -> datetime:
        """The time."""
        return self.now


def checked(workshop: Workshop, clock: Clock, end: Callable[[FsckNote], None]) -> None:
    """A check that says twice how far it is; the second word comes too early to be noted."""
    note = FsckNote(workshop, clock)
    note.begin()
    clock.now += SAID_EVERY
    note.say(500)
    clock.now += timedelta(seconds=1)
    note.say(600)
    end(note)


def noted(house: House, clock: Clock) -> tuple[str | None, int, datetime, int] | None:
    """What stands in the database: the outcome, how far it was, when it said so, and problems."""
    rows = operation_runs.c
    query = select(rows.outcome, rows.done, rows.seen_at, rows.problems)
    with house.wired.workshop.database.reading(VAULT) as db:
        row = db.execute(query.where(rows.started_at == clock.began)).one_or_none()
    return None if row is None else (row.outcome, row.done, row.seen_at, row.problems)


def test_a_check_that_came_to_its_end_or_did_not(house: House) -> None:
    workshop = house.wired.workshop
    for end, outcome, problems in (
        (lambda note: note.end(0, 3), "well", 0),
        (lambda note: note.end(2, 0), "problems", 2),
        (FsckNote.fail, "failed", 0),
    ):
        clock = Clock()
        checked(workshop, clock, end)
        assert noted(house, clock) == (outcome, 600, clock.now, problems)


@pytest.mark.parametrize(
    ("step", "how"),
    [(step, how) for step in ("insert_run", "note_progress", "end_run") for how in ("before", "after")],
)
def test_a_commit_that_was_cut_off_is_left_out(
    house: House, caplog: pytest.LogCaptureFixture, step: str, how: str
) -> None:
    clock = Clock()
    with behind_a_cutting_wire(house) as (workshop, wire_):
        with cutting_after(runs, step, wire_, how), caplog.at_level(logging.ERROR):
            checked(workshop, clock, lambda note: note.end(1, 0))
        assert wire_.cuts == 1
    whole = ("problems", 600, clock.now, 1)
    of_begin, of_say = None, (None, 500, clock.began + SAID_EVERY, 0)
    lost = {"insert_run": of_begin, "note_progress": whole, "end_run": of_say}[step]
    assert noted(house, clock) == (lost if how == "before" else whole)
    assert caplog.records == []


def test_a_database_that_is_away_is_no_reason_to_end(house: House, caplog: pytest.LogCaptureFixture) -> None:
    clock, nowhere = Clock(), Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    with caplog.at_level(logging.ERROR):
        checked(replace(house.wired.workshop, database=nowhere), clock, FsckNote.fail)
    assert noted(house, clock) is None
    assert caplog.records == []
