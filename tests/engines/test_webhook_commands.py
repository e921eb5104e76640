"""`webhook` and `changes` as programs."""

import json
from subprocess import CompletedProcess
from uuid import UUID

import pytest

from tests.conftest import House
from tests.flows.test_changes import new_certificate, read_on
from tests.flows.test_webhooks import client, cut_one, deliveries, give_up  # noqa: F401 - a fixture of theirs
from tests.programs import certvault
from tests.receivers import receiver
from vault.model.actors import ClientGrant

pytestmark = pytest.mark.engines


def run(house: House, *arguments: str) -> CompletedProcess[str]:
    return certvault(*arguments, settings=house.settings.environment())


def test_the_feed_on_the_command_line(house: House) -> None:
    new_certificate(house)
    whole = read_on(house, "")
    page = json.loads(run(house, "changes", "list", "--limit", "1", "--json").stdout)
    assert (page["cursor"], page["more"]) == (page["changes"][0]["cursor"], True)
    rest = run(house, "changes", "list", "--after", whole.cursor).stdout
    assert rest.strip() == f"cursor {whole.cursor}"
    assert run(house, "changes", "list", "--after", "x").returncode == 2
    assert "Everything is in the feed" in run(house, "changes", "backfill").stdout


def test_a_webhook_is_registered_and_removed(house: House, client: ClientGrant) -> None:  # noqa: F811 - the fixture
    add = ("webhook", "add", client.client_id)
    refused = run(house, *add, "http://127.0.0.1:9/")
    assert refused.returncode == 2
    assert "not public" in refused.stderr
    added = json.loads(run(house, *add, "https://receiver.example/hook", "--json").stdout)
    assert run(house, *add, "https://receiver.example/hook").returncode == 1
    rotated = json.loads(run(house, "webhook", "rotate", added["webhook_id"], "--json").stdout)
    assert rotated["secret"] != added["secret"]
    listed = run(house, "webhook", "list", "--client", client.client_id, "--json").stdout
    (found,) = json.loads(listed)
    assert (found["webhook_id"], len(found["secrets"])) == (added["webhook_id"], 2)
    assert run(house, "webhook", "remove", added["webhook_id"]).returncode == 0
    assert run(house, "webhook", "remove", added["webhook_id"]).returncode == 1


def test_dead_letters_are_listed_and_replayed(house: House, client: ClientGrant) -> None:  # noqa: F811 - the fixture
    with receiver(500) as there:
        fresh, delivery = cut_one(house, client, there)
        webhook_id = fresh.webhook.webhook_id
        give_up(house, webhook_id)
    failed = run(house, "webhook", "failed", "--webhook", str(webhook_id), "--json")
    assert failed.returncode == 1
    (letter,) = json.loads(failed.stdout)
    assert (letter["delivery_id"], letter["client"]) == (str(delivery.delivery_id), client.client_id)
    assert (letter["failure"], letter["tries"]) == ("status-500", 24)
    replayed = run(house, "webhook", "replay", letter["delivery_id"])
    assert replayed.stdout.startswith("1 deliveries"), replayed.stderr
    assert run(house, "webhook", "failed", "--webhook", str(webhook_id)).returncode == 0
    ranged = run(house, "webhook", "replay", "--webhook", str(webhook_id), "--after", "0")
    assert ranged.returncode == 0, ranged.stderr
    assert len(deliveries(house, webhook_id)) > 1
    assert run(house, "webhook", "replay").returncode == 2
    assert run(house, "webhook", "replay", str(UUID(int=0))).returncode == 1
