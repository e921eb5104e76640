"""Two thousand lives of certificates against the plain model: any events, in any order (issue 3)."""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from api.wiring import reader_of
from tests.conftest import House
from tests.machine.desk import Office
from tests.machine.lives import Lives

pytestmark = pytest.mark.engines

# Issue 3 asks for 2,000; in shards, so that several processes may share them and each ends well in time.
EXAMPLES, SHARDS = 2_000, 10
# Most of what can go wrong takes three or four steps; a deposit costs ten times what a question costs.
STEPS_MAX = 6


@pytest.fixture(scope="module")
def office(house: House) -> Iterator[Office]:
    loop = asyncio.new_event_loop()
    reader = reader_of(house.settings, house.wired.workshop.keys)
    loop.run_until_complete(reader.open())
    yield Office.open(house, reader, loop)
    loop.run_until_complete(reader.close())
    loop.close()


# Longer than Hypothesis takes to make a failing example small.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("_shard", range(SHARDS))
def test_the_vault_does_what_the_model_says(office: Office, _shard: int) -> None:
    run_state_machine_as_test(
        type("Lives", (Lives,), {"office": office}),
        settings=settings(
            max_examples=EXAMPLES // SHARDS,
            stateful_step_count=STEPS_MAX,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
            database=None,
            report_multiple_bugs=False,
        ),
    )
