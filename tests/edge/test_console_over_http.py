"""The console's pages: who may see which, what they say, and that nothing of anybody stands there."""

import html
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text

from api.edge import Edge
from api.limits import DEPOSIT_MAX_BYTES
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.requests import example_request
from vault import sessions
from vault.deposit import read_case
from vault.deposit.reserving import ReservedCase, release, reserve
from vault.model.actors import Assurance, Introduced, Role
from vault.model.scope import VAULT
from vault.runs import FsckNote, RunKind, note_backup

pytestmark = pytest.mark.engines

PANELS = ("cases", "seals", "log", "upkeep", "clients", "catalogue", "avoided", "imports")
PAGES = ("/console", *(f"/console/{panel}" for panel in PANELS))
WHO = (*Role, None)

SignIn = Callable[..., dict[str, str]]


@pytest.fixture
def sign_in(house: House) -> SignIn:
    """The header of somebody with these roles, who signed in."""

    def enter(*roles: Role, organisation: str | None = None) -> dict[str, str]:
        at = datetime.now(UTC)
        named = frozenset(roles)
        who = Introduced(
            "https://id.example", secrets.token_hex(8), "管样理", named, organisation, None, Assurance.HIGH
        )
        token = sessions.enter(house.wired.workshop, who, "local", before=None, at=at)
        return {"cookie": f"certvault={token}", "accept": "text/html"}

    return enter


def text_of(answer: httpx.Response) -> str:
    """What a page says, without its tags."""
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("role", WHO)
def test_who_may_see_which_page(caller: Caller, sign_in: SignIn, page: str, role: Role | None) -> None:
    answer = caller("GET", page, headers={} if role is None else sign_in(role))
    if role is None:
        assert (answer.status_code, answer.headers["location"]) == (303, f"/signin?to={page}")
    elif role in {Role.OPERATOR, Role.AUDITOR}:
        assert answer.status_code == 200
    elif role is Role.SEAL_CUSTODIAN and page == "/console":
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/seals")
    elif role is Role.SEAL_CUSTODIAN and page == "/console/seals":
        assert answer.status_code == 200
    else:
        assert answer.status_code == 403
        assert "运行、印章保管和审计人员" in answer.text


@pytest.mark.parametrize("roles", [(Role.OPERATOR, Role.AUDITOR), (Role.OPERATOR, Role.SEAL_CUSTODIAN)])
def test_who_is_two_that_are_kept_apart_sees_nothing(
    caller: Caller, sign_in: SignIn, roles: tuple[Role, Role]
) -> None:
    for page in PAGES:
        assert caller("GET", page, headers=sign_in(*roles)).status_code == 403


def test_both_languages_say_everything(caller: Caller, sign_in: SignIn) -> None:
    operator = sign_in(Role.OPERATOR)
    for page in PAGES:
        assert "<h1>" in caller("GET", page, headers=operator).text
        english = caller("GET", f"{page}?lang=en", headers=operator)
        words = re.sub(r'<(h[1-6]|p|th|dt|span|code|pre|a)[^>]*lang="zh[^>]*>.*?</\1>', "", english.text)
        assert "console." not in re.sub(r'(href|src|class)="[^"]*"', "", words)


def test_a_custodian_sees_the_seals_of_their_own_body_alone(
    caller: Caller, sign_in: SignIn, house: House
) -> None:
    first, other = house.catalogue.city.authorities[:2]
    custodian = sign_in(Role.SEAL_CUSTODIAN, organisation=first.code)
    answer = caller("GET", "/console/seals", headers=custodian)
    assert first.name in answer.text
    assert other.name not in answer.text
    assert "签章延期" not in answer.text
    everything = caller("GET", "/console/seals", headers=sign_in(Role.AUDITOR)).text
    assert first.name in everything
    assert other.name in everything


def test_deposits_show_and_so_does_why_one_was_refused(
    caller: Caller, sign_in: SignIn, house: House, bearer: dict[str, str], app: object
) -> None:
    edge: Edge = app.state.edge  # type: ignore[attr-defined]  # FastAPI's state is untyped
    operator = sign_in(Role.OPERATOR)
    request = example_request(house.catalogue)
    assert caller("POST", "/v1/deposits", headers=bearer, json=request).status_code == 201
    assert caller("POST", "/v1/deposits", headers=bearer, json=request).status_code == 200
    assert caller("POST", "/v1/deposits", headers=bearer, json={"case": 1}).status_code == 422
    changed = {**request, "materials": [], "results": [{**request["results"][0], "number": "另一号"}]}
    assert caller("POST", "/v1/deposits", headers=bearer, json=changed).status_code == 409
    edge.hand_over_deposits()
    said = text_of(caller("GET", "/console", headers=operator))
    assert "内容不符合要求" in said
    assert "与已有记录冲突" in said
    assert "同一办件编号送来了不同内容" in said
    clients = text_of(caller("GET", "/console/clients", headers=operator))
    assert f"{house.client.client_id} The test suite 正常 刚才" in clients
    # Nothing of the deposit itself: no number, no holder, no code.
    holder = request["results"][0]["holders"][0]
    for secret in (request["case"]["number"], holder["name"], holder["code"]):
        assert all(secret not in caller("GET", page, headers=operator).text for page in PAGES)


@pytest.mark.parametrize(
    ("body", "media", "outcome"),
    [
        (b"{", "application/json", "malformed-request"),
        (b"[" + b"1" * 5_000 + b"]", "application/json", "malformed-request"),
        (b"{}", "text/plain", "unsupported-media-type"),
        (b" " * (DEPOSIT_MAX_BYTES + 1), "application/json", "too-large"),
    ],
)
def test_a_body_that_nobody_could_read_counts_for_whoever_sent_it(
    caller: Caller, bearer: dict[str, str], app: object, body: bytes, media: str, outcome: str
) -> None:
    edge: Edge = app.state.edge  # type: ignore[attr-defined]  # FastAPI's state is untyped
    edge.hand_over_deposits()
    sent = {"headers": {**bearer, "content-type": media}, "content": body}
    assert caller("POST", "/v1/deposits", **sent).status_code in {400, 413, 415}
    counted = edge.deposits._counts  # noqa: SLF001 - what is not handed over yet
    assert [(each[2], count) for each, count in counted.items()] == [(outcome, 1)]
    sent["headers"] = {"authorization": "Bearer of.no.good", "content-type": media}
    assert caller("POST", "/v1/deposits", **sent).status_code in {400, 413, 415}
    assert counted.total() == 1


def test_a_case_that_may_not_close_shows_masked(caller: Caller, sign_in: SignIn, house: House) -> None:
    workshop, at = house.wired.workshop, datetime.now(UTC)
    case = read_case(house.catalogue.in_force, house.client, example_request(house.catalogue), at=at)
    begun = reserve(workshop, case, at=at)
    assert isinstance(begun, ReservedCase)
    with workshop.database.writing(VAULT) as db:  # among the oldest, whatever else is open
        long_ago = text("UPDATE cases SET reserved_at = '2001-01-01T00:00:00Z' WHERE id = :id")
        db.execute(long_ago, {"id": begun.case_id})
    try:
        said = text_of(caller("GET", "/console/cases", headers=sign_in(Role.OPERATOR)))
        assert case.number not in said
        assert f"••••{case.number[-4:]} {house.client.client_id}" in said
        assert "件办件预留已久未完成交存" in text_of(
            caller("GET", "/console", headers=sign_in(Role.OPERATOR))
        )
    finally:
        release(workshop, begun)


def test_a_check_shows_while_it_runs_and_when_it_ends(caller: Caller, sign_in: SignIn, house: House) -> None:
    operator, workshop = sign_in(Role.OPERATOR), house.wired.workshop
    times = iter(datetime.now(UTC) + timedelta(seconds=n) for n in range(0, 1000, 6))
    note = FsckNote(workshop, lambda: next(times))
    note.begin()
    note.say(1234)
    said = text_of(caller("GET", "/console/upkeep", headers=operator))
    assert "正在核对" in said
    assert "已核对 1,234 项" in said
    note.end(3, 1)
    assert "发现 3 个问题" in text_of(caller("GET", "/console/upkeep", headers=operator))
    assert "核对发现 3 个问题" in text_of(caller("GET", "/console", headers=operator))
    again = FsckNote(workshop, lambda: next(times))
    again.begin()
    assert "核对发现 3 个问题" in text_of(caller("GET", "/console", headers=operator))
    again.end(0, 0)
    assert "核对发现" not in text_of(caller("GET", "/console", headers=operator))


def test_a_backup_that_failed_shows_until_one_goes_well(
    caller: Caller, sign_in: SignIn, house: House
) -> None:
    operator, workshop, at = sign_in(Role.OPERATOR), house.wired.workshop, datetime.now(UTC)

    def note(*, well: bool, ago: timedelta) -> None:
        note_backup(
            workshop,
            RunKind.BACKUP_DATABASE,
            well=well,
            finished_at=at - ago,
            size_bytes=1_834_000_000,
            at=at,
        )

    with house.owner.writing(VAULT) as db:  # other tests report backups, too
        db.execute(text("DELETE FROM operation_runs WHERE kind = :kind"), {"kind": RunKind.BACKUP_DATABASE})
    note(well=True, ago=timedelta(days=3))
    assert "备份过旧：数据库" in text_of(caller("GET", "/console", headers=operator))
    note(well=False, ago=timedelta(hours=1))
    assert "备份失败：数据库" in text_of(caller("GET", "/console", headers=operator))
    note(well=True, ago=timedelta(minutes=1))
    said = text_of(caller("GET", "/console", headers=operator))
    assert "备份过旧：数据库" not in said
    assert "备份失败：数据库" not in said
    assert "1.8 GB" in text_of(caller("GET", "/console/upkeep", headers=operator))
