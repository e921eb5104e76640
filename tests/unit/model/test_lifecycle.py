"""The table of transitions, held cell by cell against one that was written out by hand."""

from datetime import UTC, date, datetime

import pytest

from vault.model.certificate import Status
from vault.model.legal_time import legal_day
from vault.model.lifecycle import (
    DECISIONS,
    TRANSITIONS,
    Action,
    Forbidden,
    StatusEvent,
    outcome,
    statuses_permitting,
)

# A dot forbids. Rows are what it is, columns what is done, cells what it is then.
GRID = """
             issue  suspend    resume  cancel     withdraw   revoke   abolish    supersede   inspect
valid        .      suspended  .       cancelled  withdrawn  revoked  abolished  superseded  valid
suspended    .      .          valid   cancelled  withdrawn  revoked  abolished  superseded  suspended
superseded   .      .          .       .          .          .        .          .           .
cancelled    .      .          .       .          .          .        .          .           .
withdrawn    .      .          .       .          .          .        .          .           .
revoked      .      .          .       .          .          .        .          .           .
abolished    .      .          .       .          .          .        .          .           .
"""
HEAD, *ROWS = [line.split() for line in GRID.strip().splitlines()]
CELLS = [(row[0], action, cell) for row in ROWS for action, cell in zip(HEAD, row[1:], strict=True)]


def test_the_grid_has_every_status_and_every_action() -> None:
    assert {(status, action) for status, action, _ in CELLS} == {
        (s.value, a.value) for s in Status for a in Action
    }
    assert set(TRANSITIONS) == set(Status)


@pytest.mark.parametrize(("status", "action", "cell"), CELLS)
def test_every_cell(status: str, action: str, cell: str) -> None:
    found = outcome(Status(status), Action(action))
    if cell == ".":
        assert isinstance(found, Forbidden)
        assert found.why.endswith(".")
        assert len(found.why) > len("It is so.")
    else:
        assert found is Status(cell)


def test_what_leads_nowhere_is_final_for_everything() -> None:
    final = {status for status in Status if not any(isinstance(outcome(status, a), Status) for a in Action)}
    assert final == set(Status) - {Status.VALID, Status.SUSPENDED}


def test_who_decides_what() -> None:
    assert set(Action) - set(DECISIONS) == {Action.ISSUE, Action.SUPERSEDE, Action.INSPECT}
    assert statuses_permitting(Action.RESUME) == (Status.SUSPENDED,)
    assert statuses_permitting(Action.SUPERSEDE) == (Status.VALID, Status.SUSPENDED)


@pytest.mark.parametrize(("hour", "day"), [(15, 20), (16, 21)])
def test_a_day_begins_in_china(hour: int, day: int) -> None:
    at = datetime(2026, 11, 20, hour, 30, tzinfo=UTC)
    assert legal_day(at) == date(2026, 11, day)
    undated = StatusEvent(Action.SUSPEND, Status.SUSPENDED, "x", None, None, None, at)
    assert undated.day == date(2026, 11, day)
