"""A failure of what counts in the background is logged, and ends neither the counting nor the server."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import cast

import pytest

from api.edge import _for_ever
from vault.runs import FsckNote
from vault.workshop import Workshop


class Enough(BaseException):
    """Ends the loop from within, as being cancelled does."""


def test_an_error_that_nobody_expected_is_logged_and_the_work_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = 0

    def work() -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            raise Enough
        raise RuntimeError("a row that no table takes")

    with caplog.at_level(logging.ERROR), pytest.raises(Enough):
        asyncio.run(_for_ever(0, work))
    assert tries == 3
    assert [record.message for record in caplog.records] == ["incident", "incident"]


def test_a_check_goes_on_whatever_becomes_of_its_note(caplog: pytest.LogCaptureFixture) -> None:
    note = FsckNote(cast("Workshop", object()), lambda: datetime(2026, 11, 23, tzinfo=UTC))
    with caplog.at_level(logging.ERROR):
        note.begin()
        note.end(0, 0)
    assert [record.message for record in caplog.records] == ["incident", "incident"]
