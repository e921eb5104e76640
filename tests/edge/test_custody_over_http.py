"""Four eyes as two sign-ins: grants and resumptions over HTTP, each person in a session of their own."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from tests.conftest import House
from tests.desks import Desk
from tests.edge.conftest import Caller
from tests.provider import IdentityProvider
from tests.requests import example_request
from vault import signin
from vault.errors import SealNotGranted
from vault.model.actors import Role
from vault.model.holders import HolderCode

pytestmark = pytest.mark.engines

SignedIn = Callable[..., Caller]
# Whose seal a desk has.
AUTHORITY = "11990100MB99000131"
OFFICE = "91350100M000100Y43"


@pytest.fixture
def signed_in(app: FastAPI, loop: asyncio.AbstractEventLoop, identity_provider: IdentityProvider) -> SignedIn:
    """Somebody with these roles, signed in in a browser of their own."""

    def sign_in(*roles: Role, organisation: str = AUTHORITY, code: HolderCode | None = None) -> Caller:
        caller = Caller(app, loop)
        who = identity_provider.admit(*roles, organisation=organisation, code=code, name="印样")
        identity_provider.let_in(caller, who)
        return caller

    return sign_in


def grant_body(desk: Desk, cap: int = 5) -> dict[str, object]:
    now = datetime.now(UTC)
    return {
        "seal_id": desk.seal.seal_id,
        "type": desk.kind.code,
        "type_version": desk.kind.version,
        "client_id": desk.client.client_id,
        "daily_cap": cap,
        "valid_from": now.isoformat(),
        "valid_to": (now + timedelta(days=30)).isoformat(),
    }


def test_two_sign_ins_make_a_grant(desk: Desk, signed_in: SignedIn) -> None:
    makes, approves = signed_in(Role.SEAL_CUSTODIAN), signed_in(Role.SEAL_CUSTODIAN)
    body = grant_body(desk)
    made = makes("POST", "/v1/seal-grants", json=body)
    assert made.status_code == 201, made.text
    assert made.json()["state"] == "proposed"
    again = makes("POST", "/v1/seal-grants", json=body)
    assert (again.status_code, again.json()["grant_id"]) == (200, made.json()["grant_id"])
    approval = f"/v1/seal-grants/{made.json()['grant_id']}/approval"
    own = makes("POST", approval)
    assert own.status_code == 403
    assert "another" in own.json()["detail"]
    with pytest.raises(SealNotGranted):
        desk.deposit()
    assert approves("POST", approval).status_code == 201
    assert approves("POST", approval).status_code == 200
    desk.deposit()
    auditor = signed_in(Role.AUDITOR)
    (shown,) = [
        grant
        for grant in auditor("GET", "/v1/seal-grants").json()["grants"]
        if grant["grant_id"] == made.json()["grant_id"]
    ]
    assert (shown["state"], shown["used_today"]) == ("approved", 1)
    assert shown["made"]["actor"] != shown["approved"]["actor"]
    (seal,) = [s for s in auditor("GET", "/v1/seals").json()["seals"] if s["seal_id"] == desk.seal.seal_id]
    assert (seal["state"], seal["daily_cap"], seal["used_today"]) == ("in_use", 5, 1)
    ended = approves("POST", approval.replace("approval", "end"), json={"reason": "样例"})
    assert (ended.status_code, ended.json()["state"]) == (200, "ended")


def test_a_stop_and_a_resumption(desk: Desk, signed_in: SignedIn) -> None:
    operator, makes, approves = (
        signed_in(Role.OPERATOR),
        signed_in(Role.SEAL_CUSTODIAN),
        signed_in(Role.SEAL_CUSTODIAN),
    )
    seal = f"/v1/seals/{desk.seal.seal_id}"
    stopped = operator("POST", f"{seal}/stop", json={"reason": "样例"})
    assert (stopped.status_code, stopped.json()["waited_out"]) == (200, True)
    assert operator("POST", f"{seal}/resumption", json={"reason": "样例"}).status_code == 403
    assert approves("POST", f"{seal}/resumption/approval").status_code == 409
    assert makes("POST", f"{seal}/resumption", json={"reason": "样例"}).status_code == 201
    assert makes("POST", f"{seal}/resumption", json={"reason": "样例"}).status_code == 200
    assert makes("POST", f"{seal}/resumption/approval").status_code == 403
    assert approves("POST", f"{seal}/resumption/approval").status_code == 201
    desk.granted()
    desk.deposit()


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR, Role.CLERK, Role.HOLDER])
def test_whoever_is_no_custodian_makes_no_grant(desk: Desk, signed_in: SignedIn, role: Role) -> None:
    someone = signed_in(role)
    assert someone("POST", "/v1/seal-grants", json=grant_body(desk)).status_code == 403
    expected = 200 if role in {Role.OPERATOR, Role.AUDITOR} else 403
    for path in ("/v1/seals", "/v1/seal-grants"):
        assert someone("GET", path).status_code == expected


def test_nobody_and_machines_make_no_grant(desk: Desk, caller: Caller, bearer: dict[str, str]) -> None:
    for headers in ({}, bearer):
        answer = caller("POST", "/v1/seal-grants", json=grant_body(desk), headers=headers)
        assert answer.status_code == 401


def test_another_site_makes_no_grant(desk: Desk, signed_in: SignedIn) -> None:
    custodian = signed_in(Role.SEAL_CUSTODIAN)
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}):
        assert custodian("POST", "/v1/seal-grants", json=grant_body(desk), headers=headers).status_code == 403
        path = f"/v1/seals/{desk.seal.seal_id}/stop"
        assert custodian("POST", path, json={"reason": "x"}, headers=headers).status_code == 403


def test_two_accounts_of_one_person_are_one_pair_of_eyes(desk: Desk, signed_in: SignedIn) -> None:
    one = HolderCode.parse("111", "11010519491231002X")  # GB 11643's own example
    other = HolderCode.parse("111", "440524188001010014")
    makes, again, approves = (
        signed_in(Role.SEAL_CUSTODIAN, Role.HOLDER, code=code) for code in (one, one, other)
    )
    grant = makes("POST", "/v1/seal-grants", json=grant_body(desk)).json()["grant_id"]
    assert again("POST", f"/v1/seal-grants/{grant}/approval").status_code == 403
    seal, reason = f"/v1/seals/{desk.seal.seal_id}", {"reason": "样例"}
    assert approves("POST", f"/v1/seal-grants/{grant}/approval").status_code == 201
    assert makes("POST", f"{seal}/stop", json=reason).status_code == 200
    assert makes("POST", f"{seal}/resumption", json=reason).status_code == 201
    assert again("POST", f"{seal}/resumption/approval").status_code == 403
    assert approves("POST", f"{seal}/resumption/approval").status_code == 201


def test_the_seals_of_another_organisation_are_not_there(desk: Desk, signed_in: SignedIn) -> None:
    assert desk.seal.authority == AUTHORITY
    makes, approves = (signed_in(Role.SEAL_CUSTODIAN) for _ in range(2))
    stranger = signed_in(Role.SEAL_CUSTODIAN, organisation=OFFICE)
    refused = stranger("POST", "/v1/seal-grants", json=grant_body(desk))
    nowhere = stranger("POST", "/v1/seal-grants", json=grant_body(desk) | {"seal_id": "no-such-seal"})
    assert (refused.status_code, refused.json()["errors"]) == (422, nowhere.json()["errors"])
    grant = makes("POST", "/v1/seal-grants", json=grant_body(desk)).json()["grant_id"]
    seal, reason = f"/v1/seals/{desk.seal.seal_id}", {"reason": "样例"}
    for path, body in (
        (f"/v1/seal-grants/{grant}/approval", None),
        (f"/v1/seal-grants/{grant}/end", reason),
        (f"{seal}/stop", reason),
        (f"{seal}/resumption", reason),
        (f"{seal}/resumption/approval", None),
    ):
        answer = stranger("POST", path, json=body)
        assert (answer.status_code, "There is no such" in answer.json()["detail"]) == (404, True), path
    assert stranger("GET", "/v1/seals").json() == {"seals": []}
    assert stranger("GET", "/v1/seal-grants").json() == {"grants": []}
    assert grant in makes("GET", "/v1/seal-grants").text
    assert approves("POST", f"/v1/seal-grants/{grant}/approval").status_code == 201


def test_bad_terms_are_told_by_pointer_and_leave_nothing(desk: Desk, signed_in: SignedIn) -> None:
    custodian = signed_in(Role.SEAL_CUSTODIAN)
    changes: list[tuple[dict[str, object], str]] = [
        ({"valid_to": "tomorrow"}, "/valid_to"),
        ({"valid_from": "2026-13-01T00:00:00Z"}, "/valid_from"),
        ({"daily_cap": 0}, "/daily_cap"),
        ({"daily_cap": 2**80}, "/daily_cap"),
        ({"daily_cap": "5"}, "/daily_cap"),
        ({"type": "no-such-type"}, "/type_version"),
        ({"type_version": 99}, "/type_version"),
        ({"seal_id": "no such seal"}, "/seal_id"),
        ({"client_id": "nobody"}, "/client_id"),
    ]
    for change, pointer in changes:
        answer = custodian("POST", "/v1/seal-grants", json={**grant_body(desk), **change})
        assert answer.status_code == 422, (change, answer.text)
        assert pointer in {error["pointer"] for error in answer.json()["errors"]}, change
    nothing = "/v1/seal-grants/00000000-0000-0000-0000-000000000001/approval"
    assert custodian("POST", nothing).status_code == 404
    assert custodian("POST", "/v1/seals/no-such-seal/stop", json={"reason": "x"}).status_code == 404
    assert custodian("POST", "/v1/seals/%00/stop", json={"reason": "x"}).status_code == 422


def test_a_client_is_told_what_to_do_next(house: House, desk: Desk, caller: Caller) -> None:
    credentials = (
        desk.client.client_id,
        signin.rotate_secret(house.wired.workshop, desk.client.client_id, at=datetime.now(UTC)).secret,
    )
    token = caller("POST", "/oauth/token", data={"grant_type": "client_credentials"}, auth=credentials)
    bearer = {"authorization": f"Bearer {token.json()['access_token']}"}
    refused = caller("POST", "/v1/deposits", json=example_request(house.catalogue), headers=bearer)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:certvault:problem:seal-not-granted")
    desk.granted(cap=1)
    assert (
        caller("POST", "/v1/deposits", json=example_request(house.catalogue), headers=bearer).status_code
        == 201
    )
    over = caller("POST", "/v1/deposits", json=example_request(house.catalogue), headers=bearer)
    assert (over.status_code, over.json()["type"]) == (429, "urn:certvault:problem:seal-cap-reached")
    assert 0 < int(over.headers["retry-after"]) <= 24 * 3600


def test_a_reason_is_kept_in_clear_and_holds_no_id_number(desk: Desk, signed_in: SignedIn) -> None:
    custodian = signed_in(Role.SEAL_CUSTODIAN)
    grant = custodian("POST", "/v1/seal-grants", json=grant_body(desk)).json()["grant_id"]
    seal = f"/v1/seals/{desk.seal.seal_id}"
    for path in (f"/v1/seal-grants/{grant}/end", f"{seal}/stop", f"{seal}/resumption"):
        for number in ("11010519491231002X", "１１０１０５ 19491231 002X"):
            answer = custodian("POST", path, json={"reason": f"印章 {number} 遗失"})
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/reason")
            assert "19491231" not in answer.text
