"""What the worker does by the clock: deferred as its schedule has it, taken by its lane, and done."""

import asyncio
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from procrastinate.jobs import DeleteJobCondition
from procrastinate.periodic import PeriodicDeferrer
from sqlalchemy import text

from api.worker import LANES, queue_app
from storage.embedded import EngineAddresses
from storage.history import UPKEEP_QUEUE, AuditRow, insert_audit
from tests.conftest import House
from tests.engines.test_audit_parts import PART_IDS
from tests.vaults import own_vault
from vault.audit_parts import room_ahead
from vault.errors import IntegrityError
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines

ROOM = "make_audit_parts"
AN_HOUR = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def house(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A vault of its own, whose audit events have filled two parts and gone on in the last one there is."""
    with own_vault(engines, tmp_path_factory.mktemp("rounds"), f"rounds_{secrets.token_hex(4)}") as own:
        with own.owner.writing(VAULT) as db:
            db.execute(text(f"SELECT setval('audit_events_id_seq', {2 * PART_IDS})"))
        with own.wired.workshop.database.writing(VAULT) as db:
            insert_audit(db, [AuditRow("suite", "view", None, None, {})], AN_HOUR)
        yield own


def ticks(house: House, hour: datetime) -> list[datetime]:
    """Defers what the worker's clock has of this job in an hour, and runs its lane until nothing waits."""
    url = house.settings.database_url.get_secret_value()
    app = queue_app(house.wired.workshop, url, lambda _: None)
    (lane,) = (each for each in LANES if UPKEEP_QUEUE in each.queues)
    clock = PeriodicDeferrer(app.periodic_registry, max_delay=3600)
    until = (hour + timedelta(hours=1)).timestamp()
    due = [each for each in clock.get_previous_tasks(at=until) if each[0].task.name == ROOM]
    app.periodic_registry.periodic_tasks.clear()  # the lane would defer by the real clock, too

    async def one_round() -> None:
        async with app.open_async():
            await clock.defer_jobs(due)
            await app.run_worker_async(
                queues=list(lane.queues),
                wait=False,
                delete_jobs=DeleteJobCondition.SUCCESSFUL,
                install_signal_handlers=False,
            )

    asyncio.run(one_round())
    return [datetime.fromtimestamp(at, UTC) for _, at in due]


def left(house: House) -> list[tuple[str, int]]:
    """Jobs of this kind that are still there, and how often each was tried."""
    query = text("SELECT status::text, attempts FROM procrastinate_jobs WHERE task_name = :name")
    with house.owner.reading(VAULT) as db:
        return [(row.status, row.attempts) for row in db.execute(query, {"name": ROOM})]


def test_parts_of_the_audit_events_are_made_by_the_clock(house: House) -> None:
    with pytest.raises(IntegrityError, match="is the worker running"):
        room_ahead(house.wired.workshop)
    (at,) = ticks(house, AN_HOUR)
    assert AN_HOUR <= at < AN_HOUR + timedelta(hours=1)
    assert room_ahead(house.wired.workshop) == 2
    assert left(house) == []
    ticks(house, AN_HOUR + timedelta(hours=1))  # nothing is missing any more
    assert room_ahead(house.wired.workshop) == 2
    assert left(house) == []


def test_a_lock_that_is_not_given_is_asked_for_again(house: House) -> None:
    with house.owner.writing(VAULT) as db:  # as a vacuum holds it
        db.execute(text("LOCK TABLE audit_events IN SHARE UPDATE EXCLUSIVE MODE"))
        ticks(house, AN_HOUR)
        assert left(house) == [("todo", 1)]
    with pytest.raises(IntegrityError):
        room_ahead(house.wired.workshop)
    with house.owner.writing(VAULT) as db:
        db.execute(text("UPDATE procrastinate_jobs SET scheduled_at = now()"))
    ticks(house, AN_HOUR + timedelta(hours=1))
    assert room_ahead(house.wired.workshop) == 2
    assert left(house) == []
