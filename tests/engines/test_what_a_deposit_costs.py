"""What a deposit asks of the database: the same round trips for any number of results."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from storage.db import Database
from tests.conftest import House
from tests.engines.test_what_a_scope_costs import ASKS, lone, traced  # noqa: F401 - a fixture among them
from tests.requests import FOOD, example_request
from tests.trials import now
from vault.deposit import flow, hand_in
from vault.deposit.committing import commit

pytestmark = pytest.mark.engines

# By the extended protocol, as all of ours are sent.
_STATEMENTS = re.compile(r"\tF\t\d+\tExecute")
ROUND_TRIPS, OF_COMMIT = 11, 4
# Of a case with one result, with what a process asks every few seconds; and of each further result.
STATEMENTS_MAX, FOR_EACH_MORE = 25, 7


def trips(path: Path) -> tuple[int, int]:
    """How often the database was waited for, and how many statements it was given."""
    written = path.read_text()
    return len(ASKS.findall(written)), len(_STATEMENTS.findall(written))


@pytest.mark.parametrize("results", [1, 3])
def test_a_deposit_waits_for_the_database_so_often(
    house: House,
    lone: Database,  # noqa: F811 - the fixture
    tmp_path: Path,
    results: int,
) -> None:
    workshop = replace(house.wired.workshop, database=lone)
    found = []
    for n in range(3):  # what is prepared by then is not prepared again
        request = example_request(house.catalogue, *[FOOD] * results)
        with traced(lone, tmp_path / f"{n}"):
            hand_in(workshop, house.client, request, at=now())
        found.append(trips(tmp_path / f"{n}"))
    # What a process asks every few seconds is one statement more, in a round trip of its own.
    waited, said = min(found[1:])
    assert waited == ROUND_TRIPS
    assert 0 < said <= STATEMENTS_MAX + (results - 1) * FOR_EACH_MORE
    assert max(found[1:])[0] <= ROUND_TRIPS + 1


@pytest.mark.parametrize("results", [1, 3])
def test_its_commit_waits_four_times(
    house: House,
    lone: Database,  # noqa: F811 - the fixture
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    results: int,
) -> None:
    workshop = replace(house.wired.workshop, database=lone)
    found = []

    def traced_commit(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
        with traced(lone, tmp_path / "commit"):
            return commit(*given, **named)

    monkeypatch.setattr(flow, "commit", traced_commit)
    for _ in range(2):
        hand_in(workshop, house.client, example_request(house.catalogue, *[FOOD] * results), at=now())
        found.append(trips(tmp_path / "commit")[0])
    assert found[1] == OF_COMMIT
