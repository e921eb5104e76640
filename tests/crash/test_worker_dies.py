"""Real workers: killed in the middle of a delivery, two at once, and one beside a receiver that hangs."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from storage.deliveries import DeliveryState
from storage.history import UPKEEP_QUEUE, defer_job
from tests.conftest import House
from tests.flows.test_changes import head, inspected, new_certificate, read_on
from tests.flows.test_webhooks import client, deliveries, hook, signed_by  # noqa: F401 - a fixture of theirs
from tests.programs import PATIENCE_S, eventually, kill, running
from tests.receivers import Receiver, receiver
from tests.trials import now
from vault.changes import change_json
from vault.model.actors import ClientGrant
from vault.model.scope import VAULT
from vault.webhooks import replay_range

pytestmark = [pytest.mark.engines, pytest.mark.crash]


@pytest.fixture
def settings(house: House) -> Iterator[Mapping[str, str]]:
    """For workers that may send to this machine; what they left in the queue is forgotten."""
    yield house.settings.model_copy(update={"webhook_networks": "127.0.0.0/8"}).environment()
    with house.wired.workshop.database.writing(VAULT) as db:
        db.execute(text("DELETE FROM procrastinate_jobs WHERE queue_name LIKE 'webhook%'"))
    with house.owner.writing(VAULT) as db:
        db.execute(text("DELETE FROM procrastinate_jobs WHERE queue_name = :queue"), {"queue": NOBODYS})


# No lane takes jobs of this queue.
NOBODYS = "nobodys"


def _leave_behind_with_a_later_one(house: House) -> None:
    """A dead worker's periodic job: the next tick's waits under the same lock, so it cannot wait again."""
    with house.owner.writing(VAULT) as db:
        for status in ("doing", "todo"):
            db.execute(
                text(
                    "INSERT INTO procrastinate_jobs (queue_name, task_name, status, queueing_lock)"
                    " VALUES (:queue, 'cut_webhooks', CAST(:status AS procrastinate_job_status), 'the next')"
                ),
                {"queue": NOBODYS, "status": status},
            )


def _left_behind(house: House) -> list[str]:
    with house.owner.reading(VAULT) as db:
        found = db.execute(
            text("SELECT status::text FROM procrastinate_jobs WHERE queue_name = :queue"), {"queue": NOBODYS}
        )
        return list(found.scalars())


def arrived(there: Receiver) -> None:
    assert there.arrived.acquire(timeout=PATIENCE_S), "nothing arrived"


def told(there: Receiver) -> list[object]:
    """Every change that arrived, in the order of the feed."""
    found = [change for got in list(there.received) for change in got.document["changes"]]
    return sorted(found, key=lambda change: int(change["position"]))


def test_killed_in_the_middle_of_a_delivery(
    house: House,
    client: ClientGrant,  # noqa: F811 - the fixture
    settings: Mapping[str, str],
    tmp_path: Path,
) -> None:
    with receiver("hang", 200) as there:
        fresh = hook(house, client, there.url)
        after = head(house)
        with running("worker", settings=settings, output=tmp_path / "first.log") as first:
            new_certificate(house)
            arrived(there)
            kill(first.pid)
            first.wait()
        (pending,) = deliveries(house, fresh.webhook.webhook_id)
        assert pending.state is DeliveryState.PENDING
        with house.wired.workshop.database.writing(VAULT) as db:  # half a minute without a sign of life
            db.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"))
            # The next minute begins now.
            arguments = {"timestamp": 0}
            defer_job(db, queue=UPKEEP_QUEUE, task="retry_stalled", arguments=arguments, at=now())
        _leave_behind_with_a_later_one(house)
        with running("worker", settings=settings, output=tmp_path / "second.log") as second:
            arrived(there)
            eventually(lambda: _left_behind(house) == ["todo"], "the end of the one left behind")
            eventually(
                lambda: deliveries(house, fresh.webhook.webhook_id)[0].state is DeliveryState.DELIVERED,
                "the delivery",
            )
            second.terminate()
            assert second.wait(PATIENCE_S) == 0, (tmp_path / "second.log").read_text()
        one, other = there.received
    assert one.body == other.body
    assert one.headers["Certvault-Delivery"] == other.headers["Certvault-Delivery"]
    assert signed_by(fresh.secret, other)
    assert told(there)[:1] == [change_json(change) for change in read_on(house, after).changes]
    assert fresh.secret not in (tmp_path / "first.log").read_text() + (tmp_path / "second.log").read_text()


def test_two_workers_at_once_send_everything_once(
    house: House,
    client: ClientGrant,  # noqa: F811 - the fixture
    settings: Mapping[str, str],
    tmp_path: Path,
) -> None:
    with receiver() as there:
        fresh = hook(house, client, there.url)
        after = head(house)
        with (
            running("worker", settings=settings, output=tmp_path / "one.log"),
            running("worker", settings=settings, output=tmp_path / "two.log"),
        ):
            certificates = [new_certificate(house) for _ in range(4)]
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(lambda c: [inspected(house, c, f"{n}") for n in range(5)], certificates))
            eventually(lambda: len(told(there)) >= 24, "all changes")
            eventually(
                lambda: all(
                    each.state is DeliveryState.DELIVERED
                    for each in deliveries(house, fresh.webhook.webhook_id)
                ),
                "the end of every delivery",
            )
        assert told(there) == [change_json(change) for change in read_on(house, after).changes]
        ids = [got.headers["Certvault-Delivery"] for got in there.received]
        assert len(ids) == len(set(ids))


def test_a_receiver_that_hangs_holds_up_nobody_else(
    house: House,
    client: ClientGrant,  # noqa: F811 - the fixture
    settings: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workshop = house.wired.workshop
    after = head(house)
    certificate = new_certificate(house)
    for n in range(11):
        inspected(house, certificate, f"{n}")
    with receiver("hang") as slow, receiver() as quick:
        head(house)
        hanging, other = hook(house, client, slow.url), hook(house, client, quick.url)
        with monkeypatch.context() as patch:
            patch.setattr("vault.webhooks.replaying.CHANGES_MAX", 1)
            assert replay_range(workshop, hanging.webhook.webhook_id, after, None, at=now()) == 12
        assert replay_range(workshop, other.webhook.webhook_id, after, None, at=now()) == 1
        with running("worker", settings=settings, output=tmp_path / "worker.log"):
            arrived(slow)
            arrived(quick)
            assert len(slow.received) == 1, "it takes one hand at most"
            assert len(told(quick)) == 12
