"""Webhooks from registration to arrival: what is sent, signed, tried again, given up and replayed."""

import hashlib
import hmac
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from api.wiring import courier_of
from storage.deliveries import Delivery, DeliveryState, find_delivery
from storage.tables import clients, webhook_deliveries, webhook_secrets, webhooks
from tests.conftest import House, behind_a_cutting_wire
from tests.flows.test_changes import head, inspected, new_certificate, read_on
from tests.receivers import LOOPBACK, Received, Receiver, receiver
from tests.requests import kind_named
from tests.trials import all_damaged, cutting_after, now
from vault.changes import change_json
from vault.errors import Conflict, InputError, NotFound, Unavailable, UnknownCursor
from vault.model.access import MACHINE
from vault.model.actors import ClientGrant
from vault.model.destinations import Destinations, read_networks
from vault.model.scope import VAULT
from vault.signin import add_client, disable_client
from vault.webhooks import (
    cut,
    cutting,
    dead_letters,
    deliver,
    delivering,
    register,
    registered,
    registered_json,
    replay,
    replay_range,
    rotate,
    unregister,
)
from vault.webhooks.registering import WEBHOOKS_MAX, NewSecret

pytestmark = pytest.mark.engines

HERE = Destinations(https_only=False, networks=read_networks("127.0.0.0/8"))


@pytest.fixture
def client(house: House) -> Iterator[ClientGrant]:
    """A client of its own that acts for all; its webhooks are taken away in the end."""
    workshop, name = house.wired.workshop, f"hooked-{now():%H%M%S%f}"
    grant = ClientGrant(name, "A system with receivers", house.client.authorities)
    add_client(workshop, name, grant.name, grant.authorities, at=now())
    yield grant
    for each in registered(workshop, MACHINE, name, at=now()):
        unregister(workshop, MACHINE, each.state.webhook.webhook_id)


def hook(house: House, client: ClientGrant, url: str) -> NewSecret:
    head(house)  # what others left without a place is none of ours
    return register(house.wired.workshop, client, client.client_id, url, HERE, at=now())


def deliveries(house: House, webhook_id: UUID) -> list[Delivery]:
    workshop = house.wired.workshop
    query = select(webhook_deliveries.c.id).where(webhook_deliveries.c.webhook_id == webhook_id)
    in_order = webhook_deliveries.c.after_position, webhook_deliveries.c.created_at
    with workshop.database.reading(VAULT) as db:
        ids = db.execute(query.order_by(*in_order)).scalars().all()
        return [found for each in ids if (found := find_delivery(db, each)) is not None]


def jobs(house: House, delivery_id: UUID) -> list[tuple[str, datetime]]:
    """Queue and time of what is deferred for a delivery."""
    query = text(
        "SELECT queue_name, scheduled_at FROM procrastinate_jobs"
        " WHERE args->>'delivery_id' = :id AND status = 'todo' ORDER BY id"
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        return [tuple(row) for row in db.execute(query, {"id": str(delivery_id)})]


def send_all(house: House, webhook_id: UUID, at: datetime | None = None) -> list[Delivery]:
    """One try of everything that is pending; how each stands then."""
    courier = courier_of(house.settings.model_copy(update={"webhook_networks": "127.0.0.0/8"}))
    for each in deliveries(house, webhook_id):
        deliver(house.wired.workshop, courier.send, each.delivery_id, at=at or now())
    return deliveries(house, webhook_id)


def cut_one(house: House, client: ClientGrant, there: Receiver) -> tuple[NewSecret, Delivery]:
    """A webhook with one delivery cut for it."""
    fresh = hook(house, client, there.url)
    new_certificate(house)
    cut(house.wired.workshop, at=now())
    (delivery,) = deliveries(house, fresh.webhook.webhook_id)
    return fresh, delivery


def signed_by(secret: str, received: Received) -> bool:
    """The check that `docs/changes.md` gives to integrators."""
    fields = [part.split("=", 1) for part in received.headers["Certvault-Signature"].split(",")]
    timestamp = next(value for name, value in fields if name == "t")
    message = timestamp.encode() + b"." + received.body
    expected = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return any(hmac.compare_digest(expected, value) for name, value in fields if name == "v1")


def test_what_happens_arrives_as_the_feed_has_it(house: House, client: ClientGrant) -> None:
    with receiver() as there:
        fresh = hook(house, client, there.url)
        after = head(house)
        certificate = new_certificate(house)
        inspected(house, certificate, "年检")
        cut(house.wired.workshop, at=now())
        (delivery,) = send_all(house, fresh.webhook.webhook_id)
        (got,) = there.received
    assert delivery.state is DeliveryState.DELIVERED
    page = read_on(house, after)
    assert got.document == {
        "delivery_id": str(delivery.delivery_id),
        "webhook_id": str(fresh.webhook.webhook_id),
        "changes": [change_json(change) for change in page.changes],
        "cursor": page.cursor,
    }
    assert got.headers["Certvault-Delivery"] == str(delivery.delivery_id)
    assert got.headers["Certvault-Webhook"] == str(fresh.webhook.webhook_id)
    assert got.headers["Content-Type"] == "application/json"
    assert signed_by(fresh.secret, got)
    assert not signed_by("whsec_another", got)


def test_openssl_finds_the_same_signature(house: House, client: ClientGrant) -> None:
    with receiver() as there:
        fresh, _ = cut_one(house, client, there)
        send_all(house, fresh.webhook.webhook_id)
        (got,) = there.received
    timestamp, value = (part.split("=", 1)[1] for part in got.headers["Certvault-Signature"].split(","))
    message = f"{timestamp}.".encode() + got.body
    command = ["openssl", "dgst", "-sha256", "-hmac", fresh.secret, "-r"]
    done = subprocess.run(command, input=message, capture_output=True, check=True)
    assert done.stdout.split()[0].decode() == value


def test_nothing_is_sent_twice_and_nothing_that_came_before(house: House, client: ClientGrant) -> None:
    new_certificate(house)
    with receiver() as there:
        fresh, delivery = cut_one(house, client, there)
        cut(house.wired.workshop, at=now())
        send_all(house, fresh.webhook.webhook_id)
        send_all(house, fresh.webhook.webhook_id)  # a job that came twice
        assert len(there.received) == 1
        assert len(there.received[0].document["changes"]) == 1
    assert deliveries(house, fresh.webhook.webhook_id)[0].delivery_id == delivery.delivery_id


def test_strangers_hear_nothing(house: House) -> None:
    name = f"stranger-{now():%H%M%S%f}"
    workshop = house.wired.workshop
    add_client(workshop, name, "A stranger", frozenset({"91350100M000100Y43"}), at=now())
    with receiver() as there:
        fresh = register(workshop, MACHINE, name, there.url, HERE, at=now())
        new_certificate(house)
        cut(workshop, at=now())
        assert deliveries(house, fresh.webhook.webhook_id) == []
    unregister(workshop, MACHINE, fresh.webhook.webhook_id)


# --- registering ------------------------------------------------------------------------------------------


def test_secrets_and_addresses_lie_in_envelopes(house: House, client: ClientGrant) -> None:
    url = f"http://{LOOPBACK}:1/hook?token=very-private"
    fresh = hook(house, client, url)
    workshop = house.wired.workshop
    with workshop.database.reading(VAULT) as db:
        rows = [
            *db.execute(select(webhooks).where(webhooks.c.id == fresh.webhook.webhook_id)),
            *db.execute(select(webhook_secrets)),
        ]
        assert all_damaged(db, workshop.keys) == []
    for hidden in (url, "very-private", fresh.secret):
        assert hidden not in str(rows)
        assert hidden not in repr(fresh)
    (found,) = registered(workshop, client, client.client_id, at=now())
    shown = registered_json(found)
    assert shown["url"] == url
    assert fresh.secret not in str(shown)


def test_an_address_has_one_webhook_and_a_client_not_many(house: House, client: ClientGrant) -> None:
    hook(house, client, f"http://{LOOPBACK}:1/0")
    with pytest.raises(Conflict, match="rotate its secret") as caught:
        hook(house, client, f"http://{LOOPBACK}:1/0")
    assert [p.pointer for p in caught.value.problems] == ["/url"]
    for n in range(1, WEBHOOKS_MAX):
        hook(house, client, f"http://{LOOPBACK}:1/{n}")
    with pytest.raises(Conflict, match="at most"):
        hook(house, client, f"http://{LOOPBACK}:1/{WEBHOOKS_MAX}")


def test_addresses_that_are_not_permitted_are_not_kept(house: House, client: ClientGrant) -> None:
    workshop = house.wired.workshop
    strict = Destinations(https_only=True)
    for url in ("http://receiver.example/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "x"):
        with pytest.raises(InputError):
            register(workshop, client, client.client_id, url, strict, at=now())
    assert registered(workshop, client, client.client_id, at=now()) == ()


def test_another_clients_webhook_is_not_there(house: House, client: ClientGrant) -> None:
    fresh = hook(house, client, f"http://{LOOPBACK}:1/")
    workshop = house.wired.workshop
    with pytest.raises(NotFound):
        rotate(workshop, house.client, fresh.webhook.webhook_id, at=now())
    with pytest.raises(NotFound):
        unregister(workshop, house.client, fresh.webhook.webhook_id)
    with pytest.raises(NotFound):
        register(workshop, MACHINE, "nobody-at-all", "http://receiver.example/", HERE, at=now())


def test_two_secrets_sign_while_one_takes_over(house: House, client: ClientGrant) -> None:
    workshop = house.wired.workshop
    with receiver() as there:
        first, delivery = cut_one(house, client, there)
        webhook_id = first.webhook.webhook_id
        second = rotate(workshop, client, webhook_id, at=now())
        send_all(house, webhook_id)
        tomorrow = now() + timedelta(hours=24)
        replay(workshop, delivery.delivery_id, at=tomorrow)
        send_all(house, webhook_id, tomorrow)
        overlap, after = there.received
    assert (signed_by(first.secret, overlap), signed_by(second.secret, overlap)) == (True, True)
    assert (signed_by(first.secret, after), signed_by(second.secret, after)) == (False, True)
    third = rotate(workshop, client, webhook_id, at=now())
    fourth = rotate(workshop, client, webhook_id, at=now())
    (found,) = registered(workshop, client, client.client_id, at=now())
    assert len(found.secrets) == 3, "an answer that was lost takes the secret in use from nobody"
    assert len({first.secret, second.secret, third.secret, fourth.secret}) == 4


# --- trying again, giving up -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why"),
    [(500, "status-500"), ("reset", "connection-lost"), (f"http://{LOOPBACK}:1/", "redirect-307")],
)
def test_a_try_that_failed_is_followed_by_another(
    house: House, client: ClientGrant, answer: int | str, why: str
) -> None:
    with receiver(answer, 200) as there:
        fresh, _ = cut_one(house, client, there)
        at = now()
        (failed,) = send_all(house, fresh.webhook.webhook_id, at)
        assert (failed.state, failed.tries, failed.failure) == (DeliveryState.PENDING, 1, why)
        assert failed.next_try_at == at + delivering.FIRST_DELAY
        first, retry = jobs(house, failed.delivery_id)
        assert first[0] == cutting.FIRST_TRIES_QUEUE
        assert retry == (cutting.RETRIES_QUEUE, failed.next_try_at)
        (arrived,) = send_all(house, fresh.webhook.webhook_id)
        one, other = there.received
    assert (arrived.state, arrived.tries, arrived.failure) == (DeliveryState.DELIVERED, 2, None)
    assert one.body == other.body, "the same delivery, under the same id"


def test_waits_grow_to_an_hour() -> None:
    waits = [delivering.retry_delay(n).total_seconds() for n in range(1, delivering.TRIES_MAX)]
    assert waits[:6] == [30, 90, 270, 810, 2430, 3600]
    assert set(waits[5:]) == {3600}
    assert 18 <= sum(waits) / 3600 <= 20


def give_up(house: House, webhook_id: UUID) -> Delivery:
    for _ in range(delivering.TRIES_MAX):
        (delivery,) = send_all(house, webhook_id)
    return delivery


def test_a_delivery_is_given_up_listed_and_replayed(house: House, client: ClientGrant) -> None:
    workshop = house.wired.workshop
    with receiver(503) as there:
        fresh, _ = cut_one(house, client, there)
        webhook_id = fresh.webhook.webhook_id
        dead = give_up(house, webhook_id)
        assert len(there.received) == delivering.TRIES_MAX
        send_all(house, webhook_id)
        assert len(there.received) == delivering.TRIES_MAX
        assert (dead.state, dead.failure) == (DeliveryState.DEAD, "status-503")
        assert (dead, client.client_id) in dead_letters(workshop, None)
        assert dead_letters(workshop, webhook_id) == ((dead, client.client_id),)
        (found,) = registered(workshop, client, client.client_id, at=now())
        assert (found.state.pending, found.state.dead) == (0, 1)
        there.answers = [200]
        replay(workshop, dead.delivery_id, at=now())
        with pytest.raises(Conflict, match="under way"):
            replay(workshop, dead.delivery_id, at=now())
        (arrived,) = send_all(house, webhook_id)
        assert arrived.state is DeliveryState.DELIVERED
        assert there.received[-1].body == there.received[0].body
    assert dead_letters(workshop, webhook_id) == ()
    with pytest.raises(NotFound):
        replay(workshop, UUID(int=0), at=now())


def test_a_range_of_the_feed_is_replayed(
    house: House, client: ClientGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    workshop = house.wired.workshop
    after = head(house)
    certificate = new_certificate(house)
    for n in range(4):
        inspected(house, certificate, f"{n}")
    page = read_on(house, after)
    monkeypatch.setattr("vault.webhooks.replaying.CHANGES_MAX", 2)
    with receiver() as there:
        fresh = hook(house, client, there.url)
        webhook_id = fresh.webhook.webhook_id
        assert replay_range(workshop, webhook_id, after, None, at=now()) == 3
        send_all(house, webhook_id)
        told = [change for got in there.received for change in got.document["changes"]]
        assert told == [change_json(change) for change in page.changes]
        middle = told[1]["cursor"]
        assert replay_range(workshop, webhook_id, after, middle, at=now()) == 1
        send_all(house, webhook_id)
        assert there.received[-1].document["changes"] == told[:2]
        assert there.received[-1].document["cursor"] == middle
    for bad in ("x", f"{page.changes[-1].position + 10_000}.00000000"):
        with pytest.raises((InputError, UnknownCursor)):
            replay_range(workshop, webhook_id, bad, None, at=now())
    with pytest.raises(InputError, match="ends before it begins"):
        replay_range(workshop, webhook_id, middle, after, at=now())
    with pytest.raises(NotFound):
        replay_range(workshop, UUID(int=0), after, None, at=now())
    monkeypatch.setattr("vault.webhooks.replaying.REPLAYED_MAX", 1)
    before = len(deliveries(house, webhook_id))
    with pytest.raises(InputError, match="at most 2 changes"):
        replay_range(workshop, webhook_id, after, None, at=now())
    assert len(deliveries(house, webhook_id)) == before


def test_a_receiver_that_is_down_keeps_few_deliveries_and_loses_nothing(
    house: House, client: ClientGrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "PENDING_MAX", 2)
    monkeypatch.setattr(cutting, "CHANGES_MAX", 2)
    workshop = house.wired.workshop
    with receiver(500) as there:
        fresh = hook(house, client, there.url)
        webhook_id, after = fresh.webhook.webhook_id, head(house)
        certificate = new_certificate(house)
        for n in range(8):
            inspected(house, certificate, f"{n}")
        for _ in range(3):
            cut(workshop, at=now())
            send_all(house, webhook_id)
        assert len(deliveries(house, webhook_id)) == 2
        there.answers = [200]
        there.received.clear()
        for _ in range(4):
            send_all(house, webhook_id)
            cut(workshop, at=now())
        told = [change for got in there.received for change in got.document["changes"]]
    assert told == [change_json(change) for change in read_on(house, after).changes]
    assert len(told) == 9


def test_who_is_disabled_hears_nothing_more(house: House, client: ClientGrant) -> None:
    workshop = house.wired.workshop
    with receiver() as there:
        fresh, _ = cut_one(house, client, there)
        disable_client(workshop, client.client_id, at=now())
        (dropped,) = send_all(house, fresh.webhook.webhook_id)
        new_certificate(house)
        cut(workshop, at=now())
        assert len(deliveries(house, fresh.webhook.webhook_id)) == 1
        assert there.received == []
    assert (dropped.state, dropped.failure) == (DeliveryState.DEAD, delivering.CLIENT_DISABLED)


def test_an_authority_that_was_taken_away_is_not_told_of(house: House, client: ClientGrant) -> None:
    with receiver() as there:
        fresh, _ = cut_one(house, client, there)
        with house.owner.writing(VAULT) as db:
            mine = update(clients).where(clients.c.id == client.client_id)
            db.execute(mine.values(authorities=["91350100M000100Y43"]))
        (settled,) = send_all(house, fresh.webhook.webhook_id)
        assert there.received == []
    assert settled.state is DeliveryState.DELIVERED


def test_a_type_that_it_is_not_bound_to_is_not_told_of(house: House, client: ClientGrant) -> None:
    with receiver() as there:
        fresh, _ = cut_one(house, client, there)
        with house.owner.writing(VAULT) as db:
            mine = update(clients).where(clients.c.id == client.client_id)
            db.execute(mine.values(types=[kind_named(house.catalogue, "结婚证").code]))
        (settled,) = send_all(house, fresh.webhook.webhook_id)
        assert there.received == []
    assert settled.state is DeliveryState.DELIVERED


def test_a_webhook_that_is_taken_away_leaves_nothing(house: House, client: ClientGrant) -> None:
    workshop = house.wired.workshop
    with receiver() as there:
        fresh, delivery = cut_one(house, client, there)
        unregister(workshop, client, fresh.webhook.webhook_id)
        deliver(workshop, courier_of(house.settings).send, delivery.delivery_id, at=now())
        assert there.received == []
    with workshop.database.reading(VAULT) as db:
        query = select(webhook_secrets).where(webhook_secrets.c.webhook_id == fresh.webhook.webhook_id)
        assert db.execute(query).all() == []
    assert deliveries(house, fresh.webhook.webhook_id) == []
    with pytest.raises(NotFound):
        unregister(workshop, client, fresh.webhook.webhook_id)


def test_what_the_queue_has_lost_is_put_back(house: House, client: ClientGrant) -> None:
    workshop = house.wired.workshop
    with receiver() as there:
        _, delivery = cut_one(house, client, there)
    with workshop.database.writing(VAULT) as db:
        lost = "DELETE FROM procrastinate_jobs WHERE args->>'delivery_id' = :id"
        db.execute(text(lost), {"id": str(delivery.delivery_id)})
    cut(workshop, at=now())
    assert jobs(house, delivery.delivery_id) == []
    later = now() + cutting.STRANDED_AFTER
    cut(workshop, at=later)
    assert jobs(house, delivery.delivery_id) == [(cutting.RETRIES_QUEUE, later)]
    cut(workshop, at=later)
    assert len(jobs(house, delivery.delivery_id)) == 1


def test_what_arrived_is_forgotten_after_a_month(house: House, client: ClientGrant) -> None:
    with receiver() as there:
        fresh, _ = cut_one(house, client, there)
        send_all(house, fresh.webhook.webhook_id)
    cut(house.wired.workshop, at=now() + timedelta(days=29))
    assert len(deliveries(house, fresh.webhook.webhook_id)) == 1
    cut(house.wired.workshop, at=now() + timedelta(days=31))
    assert deliveries(house, fresh.webhook.webhook_id) == []


# --- commits that are cut off ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_cut_whose_commit_is_lost_sends_everything_once(
    house: House, client: ClientGrant, how: str
) -> None:
    with receiver() as there:
        fresh = hook(house, client, there.url)
        new_certificate(house)
        with behind_a_cutting_wire(house) as (workshop, wire_):
            with cutting_after(cutting, "set_cut_through", wire_, how), pytest.raises(Unavailable):
                cut(workshop, at=now())
            assert wire_.cuts == 1
            cut(workshop, at=now())
        (delivery,) = send_all(house, fresh.webhook.webhook_id)
        assert len(there.received) == 1
    assert delivery.state is DeliveryState.DELIVERED


@pytest.mark.parametrize("how", ["before", "after"])
def test_an_outcome_whose_commit_is_lost_is_tried_again(house: House, client: ClientGrant, how: str) -> None:
    with receiver() as there:
        fresh, delivery = cut_one(house, client, there)
        send = courier_of(house.settings.model_copy(update={"webhook_networks": "127.0.0.0/8"})).send
        with behind_a_cutting_wire(house) as (workshop, wire_):
            wire_.cut = how
            with pytest.raises(Unavailable):
                deliver(workshop, send, delivery.delivery_id, at=now())
            deliver(workshop, send, delivery.delivery_id, at=now())
        (settled,) = deliveries(house, fresh.webhook.webhook_id)
        assert settled.state is DeliveryState.DELIVERED
        assert len(there.received) == (2 if how == "before" else 1)


def test_a_registration_whose_commit_is_lost_is_there_or_not(house: House, client: ClientGrant) -> None:
    url = f"http://{LOOPBACK}:1/"
    with behind_a_cutting_wire(house) as (workshop, wire_):
        wire_.cut = "before"
        with pytest.raises(Unavailable):
            register(workshop, client, client.client_id, url, HERE, at=now())
        assert registered(workshop, client, client.client_id, at=now()) == ()
        wire_.cut = "after"
        with pytest.raises(Unavailable):
            register(workshop, client, client.client_id, url, HERE, at=now())
        with pytest.raises(Conflict, match="rotate its secret"):
            register(workshop, client, client.client_id, url, HERE, at=now())
        (found,) = registered(workshop, client, client.client_id, at=now())
        assert rotate(workshop, client, found.state.webhook.webhook_id, at=now()).secret
