"""The feed and webhooks as a client meets them."""

from typing import Any

import pytest

from api.answers.changes import ChangesOut, NewSecretOut, WebhooksOut
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_contract_over_http import shaped
from tests.flows.test_changes import head
from tests.requests import example_request
from vault.changes import PAGE_MAX

pytestmark = pytest.mark.engines

URL = "https://receiver.example/certvault"
NOBODY = "00000000-0000-7000-8000-000000000000"


def problem(answer: Any) -> tuple[int, str, list[str]]:  # noqa: ANN401 - what httpx answers
    document = answer.json()
    kind = document["type"].removeprefix("urn:certvault:problem:")
    return answer.status_code, kind, [error["pointer"] for error in document.get("errors", [])]


def test_a_deposit_is_in_the_feed_at_once(caller: Caller, bearer: dict[str, str], house: House) -> None:
    after = head(house)
    deposit = caller("POST", "/v1/deposits", json=example_request(house.catalogue), headers=bearer)
    (receipt,) = deposit.json()["receipts"]
    answer = caller("GET", "/v1/changes", params={"after": after}, headers=bearer)
    page = shaped(ChangesOut, answer)
    (change,) = page["changes"]
    assert (change["action"], change["certificate_id"]) == ("issue", receipt["certificate_id"])
    assert (change["identifier"], change["status"]) == (receipt["identifier"], "valid")
    assert (page["cursor"], page["more"]) == (change["cursor"], False)
    assert caller("GET", change["href"], headers=bearer).json()["identifier"] == receipt["identifier"]
    first = caller("GET", "/v1/changes", params={"limit": 1}, headers=bearer).json()
    assert (len(first["changes"]), first["more"]) == (1, True)
    assert caller("GET", "/v1/changes").status_code == 401


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"after": "x"}, (422, "invalid-input", ["/after"])),
        ({"after": "999999999.00000000"}, (409, "unknown-cursor", ["/after"])),
        ({"limit": "0"}, (422, "invalid-input", ["/limit"])),
        ({"limit": str(PAGE_MAX + 1)}, (422, "invalid-input", ["/limit"])),
        ({"limit": "ten"}, (422, "invalid-input", ["/limit"])),
    ],
)
def test_a_bad_question_is_named(
    caller: Caller, bearer: dict[str, str], params: dict[str, str], expected: tuple[int, str, list[str]]
) -> None:
    assert problem(caller("GET", "/v1/changes", params=params, headers=bearer)) == expected


def test_a_webhook_from_its_registration_to_its_end(caller: Caller, bearer: dict[str, str]) -> None:
    created = caller("POST", "/v1/webhooks", json={"url": URL}, headers=bearer)
    assert created.status_code == 201
    fresh = shaped(NewSecretOut, created)
    again = caller("POST", "/v1/webhooks", json={"url": URL}, headers=bearer)
    assert problem(again) == (409, "conflict", ["/url"])
    address = f"/v1/webhooks/{fresh['webhook_id']}"
    rotated = caller("POST", f"{address}/secrets", headers=bearer)
    assert rotated.status_code == 201
    assert shaped(NewSecretOut, rotated)["secret"] != fresh["secret"]
    listed = caller("GET", "/v1/webhooks", headers=bearer)
    (found,) = shaped(WebhooksOut, listed)["webhooks"]
    assert (found["webhook_id"], found["url"], len(found["secrets"])) == (fresh["webhook_id"], URL, 2)
    assert fresh["secret"] not in listed.text
    assert caller("DELETE", address, headers=bearer).status_code == 204
    assert problem(caller("DELETE", address, headers=bearer)) == (404, "not-found", [])
    assert caller("GET", "/v1/webhooks", headers=bearer).json() == {"webhooks": []}


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "https://user@receiver.example/", "mailto:x", ""])
def test_an_address_that_is_not_permitted_is_named(caller: Caller, bearer: dict[str, str], url: str) -> None:
    answer = caller("POST", "/v1/webhooks", json={"url": url}, headers=bearer)
    assert problem(answer) == (422, "invalid-input", ["/url"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/webhooks"),
        ("GET", "/v1/webhooks"),
        ("DELETE", f"/v1/webhooks/{NOBODY}"),
        ("POST", f"/v1/webhooks/{NOBODY}/secrets"),
    ],
)
def test_only_clients_have_webhooks(caller: Caller, method: str, path: str) -> None:
    assert caller(method, path, json={"url": URL} if path == "/v1/webhooks" else None).status_code == 401


def test_the_metrics_count_what_did_not_arrive(caller: Caller) -> None:
    told = caller("GET", "/metrics").text
    assert 'certvault_webhook_deliveries{state="pending"}' in told
    assert 'certvault_webhook_deliveries{state="dead"}' in told
