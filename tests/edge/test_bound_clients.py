"""A client is bound to authorities and types; it may act for a clerk, who is recorded and stays private."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import select

from storage.tables import audit_events
from tests.conftest import House
from tests.custodians import two_custodians
from tests.edge.conftest import Caller
from tests.files import reasons_of
from tests.papers import new_pdf
from tests.requests import FOOD, example_request, kind_named
from vault import signin
from vault.custody import grant_what_is_missing
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines

MARRIAGE = "结婚证"
CLERK = {"staff_number": "W0123", "name": "文样窗"}


@dataclass(frozen=True, slots=True)
class Client:
    """A client and how it calls."""

    caller: Caller
    house: House
    client_id: str
    headers: dict[str, str]

    def deposit(self, *names: str, **changes: object) -> httpx.Response:
        """A case of these kinds; `changes` to its first result."""
        request = example_request(self.house.catalogue, *names)
        request["results"][0] |= changes
        return self.caller("POST", "/v1/deposits", json=request, headers=self.headers)

    def act(self, certificate_id: str) -> httpx.Response:
        """A change of status that would be permitted."""
        today = datetime.now(UTC).date().isoformat()
        body = {"action": "suspend", "reason": "依法暂扣", "effective_on": today}
        path = f"/v1/certificates/{certificate_id}/status"
        return self.caller("POST", path, json=body, headers=self.headers)


def client_of(caller: Caller, house: House, *types: str, authorities: frozenset[str] | None = None) -> Client:
    """A client bound to the kinds with these names, all if none; every seal may be used for it."""
    codes = frozenset(kind_named(house.catalogue, name).code for name in types) or None
    made = signin.add_client(
        house.wired.workshop,
        "bound-" + secrets.token_hex(4),
        "x",
        house.client.authorities if authorities is None else authorities,
        types=codes,
        at=datetime.now(UTC),
    )
    grant_what_is_missing(house.wired.workshop, made.client_id, two_custodians, at=datetime.now(UTC))
    granted = caller(
        "POST", "/oauth/token", data={"grant_type": "client_credentials"}, auth=(made.client_id, made.secret)
    )
    return Client(
        caller, house, made.client_id, {"authorization": f"Bearer {granted.json()['access_token']}"}
    )


def refused_at(answer: httpx.Response) -> list[str]:
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:certvault:problem:not-permitted")
    return [error["pointer"] for error in answer.json()["errors"]]


def test_what_the_grant_holds_is_taken_and_what_it_does_not_hold_is_refused_at_its_type(
    caller: Caller, house: House
) -> None:
    bound = client_of(caller, house, FOOD)
    assert bound.deposit(FOOD).status_code == 201
    assert refused_at(bound.deposit(MARRIAGE)) == ["/results/0/type"]
    assert refused_at(bound.deposit(FOOD, MARRIAGE)) == ["/results/1/type"]
    assert client_of(caller, house).deposit(FOOD, MARRIAGE).status_code == 201


def test_who_may_not_is_not_led_from_field_to_field(caller: Caller, house: House) -> None:
    bound = client_of(caller, house, FOOD)
    assert refused_at(bound.deposit(MARRIAGE, issued_on="yesterday", holders=[])) == ["/results/0/type"]


def test_another_authority_is_refused_where_it_was_named(caller: Caller, house: House) -> None:
    kind = next(kind for kind in house.catalogue.types.values() if len(kind.authorities) > 1)
    mine, other = kind.authorities[0].code, kind.authorities[1].code
    bound = client_of(caller, house, authorities=frozenset({mine}))
    assert bound.deposit(kind.name, issuing_authority=mine).status_code == 201
    assert refused_at(bound.deposit(kind.name, issuing_authority=other)) == ["/results/0/issuing_authority"]
    nobody = client_of(caller, house, authorities=frozenset())
    assert refused_at(nobody.deposit(kind.name, issuing_authority=other)) == ["/results/0/type"]
    unknown = bound.deposit(kind.name, issuing_authority="91350100M000100Y43")
    assert unknown.status_code == 422, "no authority of this kind at all: a slip"


def test_a_certificate_outside_the_grant_is_not_there(caller: Caller, house: House) -> None:
    everybody, bound = client_of(caller, house), client_of(caller, house, MARRIAGE)
    [receipt] = everybody.deposit(FOOD).json()["receipts"]
    certificate_id = receipt["certificate_id"]
    assert bound.act(certificate_id).status_code == 404
    for path in (f"/v1/certificates/{certificate_id}", receipt["documents"][0]["href"]):
        assert caller("GET", path, headers=bound.headers).status_code == 404
    body = {"number": receipt["number"], "purpose": "核对"}
    found = caller("POST", "/v1/lookups", json=body, headers=bound.headers).json()["certificates"]
    assert certificate_id not in [each["certificate_id"] for each in found]
    own = client_of(caller, house, FOOD)
    found = caller("POST", "/v1/lookups", json=body, headers=own.headers).json()["certificates"]
    assert certificate_id in [each["certificate_id"] for each in found]
    assert own.act(certificate_id).status_code == 201


# --- for a named clerk ------------------------------------------------------------------------------------


def recorded(house: House, client_id: str, action: str) -> tuple[Any, dict[str, Any]]:
    """The newest audit event of this kind, and what its envelope holds."""
    newest = (
        select(audit_events)
        .where(audit_events.c.actor == client_id, audit_events.c.action == action)
        .order_by(audit_events.c.id.desc())
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        event = db.execute(newest).first()
    assert event is not None
    return event, reasons_of(house.wired.workshop, event)


def test_the_clerk_is_recorded_with_every_request_and_only_in_envelopes(caller: Caller, house: House) -> None:
    desk = client_of(caller, house)
    desk.headers["acting-for"] = urlencode(CLERK)
    request = example_request(house.catalogue)
    material = {
        "type": "CL9999",
        "name": "营业执照副本",
        "sha256": upload(desk),
        "trust": "C",
        "holders": request["results"][0]["holders"],
    }
    request["materials"] = [material]
    [receipt] = caller("POST", "/v1/deposits", json=request, headers=desk.headers).json()["receipts"]
    holder = {name: request["results"][0]["holders"][0][name] for name in ("code_type", "code")}
    question = {"holder": holder, "purpose": "办理"}
    held = caller("POST", "/v1/holdings", json=question, headers=desk.headers).json()
    item = next(item for item in house.catalogue.items.values() if len(item.applicants) > 1)
    check = {"service_item": item.code, "holders": [holder]}
    found = next(m for m in held["materials"] if m["sha256"] == material["sha256"])
    calls: dict[str, Callable[[], httpx.Response | None]] = {
        "deposit": lambda: None,
        "holdings": lambda: None,
        "lookup": lambda: caller("POST", "/v1/lookups", json={"number": "x"}, headers=desk.headers),
        "reuse-check": lambda: caller("POST", "/v1/reuse-checks", json=check, headers=desk.headers),
        "verify-material": lambda: caller(
            "POST", f"/v1/materials/{found['material_id']}/verification", json={}, headers=desk.headers
        ),
        "view": lambda: caller("GET", f"/v1/certificates/{receipt['certificate_id']}", headers=desk.headers),
        "download": lambda: caller("GET", receipt["documents"][0]["href"], headers=desk.headers),
        "status": lambda: desk.act(receipt["certificate_id"]),
    }
    for action, call in calls.items():
        answer = call()
        assert answer is None or answer.status_code in {200, 201}, (action, answer.text)
        event, words = recorded(house, desk.client_id, action)
        assert words["acting_for"] == CLERK, action
        assert not set(CLERK.values()) & set(repr(tuple(event)).split("'")), action
    assert recorded(house, desk.client_id, "holdings")[1]["purpose"] == "办理"
    again = caller("POST", "/v1/holdings", json=question, headers=desk.headers).json()
    verified = next(m for m in again["materials"] if m["material_id"] == found["material_id"])
    assert verified["verification"]["clerk"] == CLERK["name"]


def upload(desk: Client) -> str:
    content = new_pdf()
    digest = hashlib.sha256(content).hexdigest()
    headers = {**desk.headers, "content-type": "application/pdf"}
    assert desk.caller("PUT", f"/v1/uploads/{digest}", content=content, headers=headers).status_code == 201
    return digest


def test_without_a_clerk_nothing_is_said_of_one(caller: Caller, house: House) -> None:
    desk = client_of(caller, house)
    caller("POST", "/v1/lookups", json={"number": "x", "purpose": "核对"}, headers=desk.headers)
    assert recorded(house, desk.client_id, "lookup")[1] == {"purpose": "核对"}
    missing = caller(
        "POST",
        "/v1/materials/00000000-0000-7000-8000-000000000000/verification",
        json={},
        headers=desk.headers,
    )
    assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (422, "/clerk")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "W0123",
        "staff_number=W0123",
        "name=x",
        "staff_number=&name=x",
        "staff_number=W0123&name=x&name=y",
        "staff_number=W0123&name=x&role=chief",
        "staff_number=W0123&name=%FF",
        "staff_number=W0123&name=a%00b",
        "staff_number=W0123&name=%E2%80%AE",
        f"staff_number=W0123&name={'x' * 65}",
    ],
)
def test_a_clerk_who_is_not_named_properly_stops_the_request(
    caller: Caller, house: House, header: str
) -> None:
    desk = client_of(caller, house)
    headers = {**desk.headers, "acting-for": header}
    answer = caller("POST", "/v1/lookups", json={"number": "x"}, headers=headers)
    assert answer.status_code == 422
    assert "Acting-For" in answer.json()["detail"]
    assert "W0123" not in answer.text
