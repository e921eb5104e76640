"""Every transition through HTTP: what is permitted, what is refused in words, and what verifiers see then."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api import answers
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_contract_over_http import shaped, ways
from tests.provider import IdentityProvider
from tests.requests import example_request
from vault import signin
from vault.model.actors import Role
from vault.model.certificate import Status
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action, Forbidden, outcome

pytestmark = pytest.mark.engines

REASON = "样例：依据样市监罚〔2026〕118号决定"
# How a certificate gets into each status.
PATHS = {
    Status.VALID: (),
    Status.SUSPENDED: (Action.SUSPEND,),
    Status.SUPERSEDED: (Action.SUPERSEDE,),
    Status.CANCELLED: (Action.CANCEL,),
    Status.WITHDRAWN: (Action.WITHDRAW,),
    Status.REVOKED: (Action.SUSPEND, Action.REVOKE),
    Status.ABOLISHED: (Action.ABOLISH,),
}
PERMITTED = [(s, a) for s in Status for a in Action if isinstance(outcome(s, a), Status)]


def today() -> str:
    return legal_day(datetime.now(UTC)).isoformat()


class Desk:
    """The authority's approval system at work on one certificate."""

    def __init__(self, caller: Caller, bearer: dict[str, str], house: House) -> None:
        self.caller, self.bearer, self.house = caller, bearer, house
        self.request = example_request(house.catalogue)
        answer = caller("POST", "/v1/deposits", json=self.request, headers=bearer)
        assert answer.status_code == 201, answer.text
        [self.receipt] = answer.json()["receipts"]
        self.path = f"/v1/certificates/{self.receipt['certificate_id']}"
        self.successor: str | None = None

    def act(self, action: Action, /, **changes: object) -> httpx.Response:
        """The action, by the way that it takes."""
        if action is Action.SUPERSEDE:
            renewal = example_request(self.house.catalogue)
            renewal["results"][0]["supersedes"] = self.receipt["certificate_id"]
            answer = self.caller("POST", "/v1/deposits", json=renewal, headers=self.bearer)
            if answer.status_code == 201:
                self.successor = answer.json()["receipts"][0]["identifier"]
            return answer
        if action is Action.INSPECT:
            body = {"result": "passed", "inspected_on": today(), "remark": None}
            return self.caller("POST", f"{self.path}/inspections", json=body | changes, headers=self.bearer)
        body = {"action": action.value, "reason": REASON, "effective_on": today()}
        return self.caller("POST", f"{self.path}/status", json=body | changes, headers=self.bearer)

    def bring_to(self, status: Status) -> None:
        """Takes the certificate into this status."""
        for action in PATHS[status]:
            assert self.act(action).status_code == 201
        assert self.seen()["status"] == status

    def seen(self) -> dict[str, Any]:
        """The certificate with its history."""
        return shaped(answers.HistoryOut, self.caller("GET", self.path, headers=self.bearer))

    def sealed(self) -> bytes:
        """The sealed file."""
        return self.caller("GET", self.receipt["documents"][0]["href"], headers=self.bearer).content

    def reports(self) -> dict[str, dict[str, Any]]:
        """What anybody is told, by token, by number and code, and by the file itself."""
        asked = ways(self.receipt, self.sealed())
        return {
            way: self.caller("POST", "/v1/verifications", **asked[way]).json()
            for way in ("token", "code", "file")
        }


@pytest.fixture
def desk(caller: Caller, bearer: dict[str, str], house: House) -> Desk:
    return Desk(caller, bearer, house)


@pytest.mark.parametrize(("status", "action"), PERMITTED)
def test_every_permitted_transition(desk: Desk, status: Status, action: Action) -> None:
    desk.bring_to(status)
    answer = desk.act(action)
    assert answer.status_code == 201, answer.text
    then = outcome(status, action)
    seen = desk.seen()
    assert seen["status"] == then
    assert [(e["action"], e["status"]) for e in seen["history"]][-1] == (action, then)
    assert seen["history"][0]["action"] == "issue"
    assert {e["actor"] for e in seen["history"]} == {"suite"}
    if action is not Action.SUPERSEDE:
        shaped(answers.RecordedOut, answer)
        assert answer.json()["status"] == then
    for way, report in desk.reports().items():
        assert report["verdict"] == ("genuine" if then is Status.VALID else "not_in_force"), way
        shown = report["certificate"]
        ended: tuple[str | None, str | None, str | None]
        if then is Status.VALID:
            ended = (None, None, None)
        elif then is Status.SUPERSEDED:
            ended = (today(), None, desk.successor)
        else:
            ended = (today(), REASON, None)
        assert (shown["status_effective_on"], shown["status_reason"], shown["successor"]) == ended, way
        assert report["reason"] == (None if then is Status.VALID else then)


@pytest.mark.parametrize("status", Status)
def test_every_forbidden_transition_is_refused_in_words_and_changes_nothing(
    desk: Desk, status: Status
) -> None:
    desk.bring_to(status)
    before = desk.seen()
    for action in set(Action) - {Action.ISSUE}:
        forbidden = outcome(status, action)
        if isinstance(forbidden, Forbidden):
            answer = desk.act(action, **({} if action is Action.INSPECT else {"reason": "另一决定"}))
            assert answer.status_code == 409, action
            pointer = "/results/0/supersedes" if action is Action.SUPERSEDE else "/action"
            assert answer.json()["errors"] == [{"pointer": pointer, "detail": forbidden.why}]
    assert desk.seen() == before


@pytest.mark.parametrize("action", [Action.SUSPEND, Action.REVOKE, Action.INSPECT])
def test_the_same_again_is_answered_with_the_same_event(desk: Desk, action: Action) -> None:
    first, again = desk.act(action), desk.act(action)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(desk.seen()["history"]) == 2


def test_a_retry_that_comes_too_late_does_not_suspend_again(desk: Desk) -> None:
    for action in (Action.SUSPEND, Action.RESUME):
        assert desk.act(action).status_code == 201
    late = desk.act(Action.SUSPEND)
    assert late.status_code == 409
    assert "too late" in late.json()["detail"]
    assert desk.seen()["status"] == "valid"
    assert desk.act(Action.SUSPEND, reason="第二次暂扣").status_code == 201


def test_old_and_new_version_name_each_other(desk: Desk, caller: Caller, bearer: dict[str, str]) -> None:
    desk.bring_to(Status.SUPERSEDED)
    old = desk.seen()
    new = caller("GET", f"/v1/certificates/{old['successor']['certificate_id']}", headers=bearer).json()
    assert old["successor"] == {name: new[name] for name in ("certificate_id", "identifier")}
    assert new["predecessor"] == {name: old[name] for name in ("certificate_id", "identifier")}
    assert (old["predecessor"], new["successor"], new["status"]) == (None, None, "valid")


def test_an_inspection_is_dated_and_hides_no_suspension(desk: Desk) -> None:
    desk.bring_to(Status.SUSPENDED)
    assert desk.act(Action.INSPECT, result="failed", remark="消防设施不合格").status_code == 201
    event = desk.seen()["history"][-1]
    assert (event["result"], event["effective_on"], event["reason"]) == ("failed", today(), "消防设施不合格")
    for report in desk.reports().values():
        assert report["certificate"]["status_reason"] == REASON


def test_a_holder_still_downloads_what_was_revoked_and_is_told_so(
    desk: Desk, caller: Caller, identity_provider: IdentityProvider
) -> None:
    desk.bring_to(Status.REVOKED)
    holder = desk.request["results"][0]["holders"][0]
    code = HolderCode.parse(holder["code_type"], holder["code"])
    identity_provider.let_in(caller, identity_provider.admit(Role.HOLDER, code=code))
    own = caller("GET", desk.receipt["documents"][0]["href"].replace("/v1/", "/v1/me/"))
    assert (own.status_code, own.content) == (200, desk.sealed())
    mine = caller("GET", "/v1/me/certificates").json()["certificates"]
    status = {c["certificate_id"]: c["status"] for c in mine}
    assert status[desk.receipt["certificate_id"]] == "revoked"
    page = caller("POST", "/?lang=zh", files={"file": ("a.pdf", own.content)})
    assert "已被吊销" in page.text
    assert REASON in page.text
    assert f"自 {today()} 起" in page.text


def test_who_does_not_act_for_the_authority_may_not_know(desk: Desk, caller: Caller, house: House) -> None:
    name = "stranger-" + secrets.token_hex(4)
    made = signin.add_client(house.wired.workshop, name, "x", frozenset(), at=datetime.now(UTC))
    form = {"grant_type": "client_credentials"}
    token = caller("POST", "/oauth/token", data=form, auth=(name, made.secret)).json()["access_token"]
    desk.bearer = {"authorization": f"Bearer {token}"}
    assert caller("GET", desk.path, headers=desk.bearer).status_code == 404
    assert [desk.act(a).status_code for a in (Action.REVOKE, Action.INSPECT)] == [404, 404]
    desk.path = "/v1/certificates/00000000-0000-7000-8000-000000000000"
    assert desk.act(Action.REVOKE).status_code == 404


def day_from_now(days: int) -> str:
    return (legal_day(datetime.now(UTC)) + timedelta(days=days)).isoformat()


BAD = {
    "unknown action": ({"action": "supersede"}, "/action"),
    "no reason": ({"reason": "  "}, "/reason"),
    "too long": ({"reason": "字" * 501}, "/reason"),
    "control character": ({"reason": "a\u0007b"}, "/reason"),
    "turned round": ({"reason": "a\u202eb"}, "/reason"),
    "an ID number": ({"reason": "持证人11010519491231002X死亡"}, "/reason"),
    "an ID number in full width, with blanks": (
        {"reason": "１１０１０５ １９４９１２３１ ００２Ｘ"},
        "/reason",
    ),
    "an old ID number": ({"reason": "110105491231002"}, "/reason"),
    "no day": ({"effective_on": "2026-02-30"}, "/effective_on"),
    "a week date": ({"effective_on": "2026-W01-1"}, "/effective_on"),
    "in the future": ({"effective_on": day_from_now(1)}, "/effective_on"),
    "before its issue": ({"effective_on": "2000-01-01"}, "/effective_on"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_change_is_named_at_its_pointer_and_changes_nothing(desk: Desk, what: str) -> None:
    changes, pointer = BAD[what]
    answer = desk.act(Action.REVOKE, **changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert "110105" not in answer.text
    assert len(desk.seen()["history"]) == 1


def test_days_are_in_order_but_may_lie_in_the_past(desk: Desk) -> None:
    issued = desk.request["results"][0]["issued_on"]
    assert desk.act(Action.SUSPEND, effective_on=issued).status_code == 201
    assert desk.act(Action.RESUME).status_code == 201
    answer = desk.act(Action.REVOKE, effective_on=issued)
    assert answer.status_code == 422
    assert today() in answer.json()["detail"]
    assert desk.act(Action.INSPECT, inspected_on=issued).status_code == 201
    before = desk.act(Action.INSPECT, inspected_on="2000-01-01")
    assert (before.status_code, before.json()["errors"][0]["pointer"]) == (422, "/inspected_on")


def test_a_case_may_close_once_its_certificates_are_there(
    desk: Desk, caller: Caller, bearer: dict[str, str]
) -> None:
    number = desk.request["case"]["number"]
    answer = caller("GET", f"/v1/cases/{number}/may-close", headers=bearer)
    assert shaped(answers.MayCloseOut, answer) == {"may_close": True, "missing": []}
    never = caller("GET", "/v1/cases/SL-2026-NEVER/may-close", headers=bearer)
    assert never.status_code == 200
    assert shaped(answers.MayCloseOut, never) == {"may_close": False, "missing": ["no deposit received"]}
    assert caller("GET", f"/v1/cases/{number}/may-close").status_code == 401
