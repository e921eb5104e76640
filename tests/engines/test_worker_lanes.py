"""The worker's lanes: all of them, or none."""

import asyncio

import pytest
from procrastinate import App

from api import worker
from api.worker import LANES, Lane, queue_app
from tests.conftest import House
from vault.errors import Unavailable

pytestmark = pytest.mark.engines


def test_every_queue_has_its_lane(house: House) -> None:
    app = queue_app(house.wired.workshop, "postgresql://nowhere.example/x", lambda _: None)
    queues = {task.queue for task in app.tasks.values() if not task.name.startswith("builtin:")}
    served = [queue for lane in LANES for queue in lane.queues]
    assert queues <= set(served)
    assert len(served) == len(set(served))


@pytest.mark.parametrize("lost", LANES, ids=lambda lane: str(lane.queues[0]))
def test_where_one_lane_ends_by_itself_all_end(
    house: House, monkeypatch: pytest.MonkeyPatch, lost: Lane
) -> None:
    cancelled = []

    async def run_lane(_: App, lane: Lane) -> None:
        if lane is lost:
            return
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(lane)
            raise

    monkeypatch.setattr(worker, "_run_lane", run_lane)
    url = house.settings.database_url.get_secret_value()
    app = queue_app(house.wired.workshop, url, lambda _: None)
    with pytest.raises(Unavailable, match="lost the database"):
        asyncio.run(worker._run_lanes(app))  # noqa: SLF001 - without a process around it
    assert cancelled == [lane for lane in LANES if lane is not lost]
