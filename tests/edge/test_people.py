"""People sign in at the local provider by the real flow: browsers, cookies, sessions, and who may not."""

import re
import secrets
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import delete, func, select, update

from api.app import create_app
from api.cli.browser import read
from api.local_provider.book import read_book
from api.oidc import directory
from api.wiring import reader_of
from storage.tables import audit_events, people, sign_in_attempts, web_sessions
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.provider import ORIGIN, IdentityProvider, browsing, outside
from vault import sessions
from vault.errors import NotAuthenticated
from vault.model.actors import Assurance, Introduced, Person, Role
from vault.model.holders import HolderCode
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CODE = HolderCode.parse("111", "11010519491231002X")  # GB 11643's own example
OFFICE = "91350100M000100Y43"


def introduced(*roles: Role, subject: str | None = None, code: HolderCode | None = CODE) -> Introduced:
    return Introduced(
        issuer="https://id.example",
        subject=subject or secrets.token_hex(8),
        name="林样例",
        roles=frozenset(roles),
        organisation=OFFICE,
        code=code,
        assurance=Assurance.HIGH,
    )


def entered(house: House, who: Introduced, at: datetime = AT, before: str | None = None) -> str:
    return sessions.enter(house.wired.workshop, who, "local", before=before, at=at)


def signed_in(house: House, token: str, at: datetime) -> Person:
    return sessions.signed_in(house.wired.workshop, token, at=at)


def out(house: House, token: str, at: datetime) -> bool:
    try:
        signed_in(house, token, at)
    except NotAuthenticated:
        return True
    return False


# --- the flow, as a browser goes it ---------------------------------------------------------------------


def test_somebody_signs_in_and_is_who_the_provider_says(
    caller: Caller, identity_provider: IdentityProvider, house: House
) -> None:
    who = identity_provider.admit(Role.CLERK, Role.HOLDER, code=CODE, organisation=OFFICE, name="张𬱖")
    home = identity_provider.let_in(caller, who)
    assert home.headers["location"] == "/my"
    page = caller("GET", "/my")
    assert "张𬱖" in page.text
    assert 'action="/signout"' in page.text
    with house.wired.workshop.database.reading(VAULT) as db:
        event = db.execute(
            select(audit_events).where(audit_events.c.action == "sign-in").order_by(audit_events.c.id.desc())
        ).first()
    assert event is not None
    assert event.details == {"provider": "local", "assurance": 3, "roles": ["clerk", "holder"]}
    assert event.actor.startswith("person:")


def test_a_person_is_known_again_by_issuer_and_subject_and_as_they_are_now(house: House) -> None:
    who = introduced(Role.HOLDER)
    first = signed_in(house, entered(house, who), AT)
    changed = replace(who, name="林改名", roles=frozenset({Role.AUDITOR}), code=None, assurance=Assurance.LOW)
    again = signed_in(house, entered(house, changed, AT + timedelta(days=1)), AT + timedelta(days=1))
    assert again == replace(
        first, name="林改名", roles=frozenset({Role.AUDITOR}), code=None, assurance=Assurance.LOW
    )
    elsewhere = signed_in(house, entered(house, replace(who, issuer="https://other.example")), AT)
    assert elsewhere.person_id != first.person_id


def test_a_persons_row_shows_neither_subject_nor_name_nor_code(house: House) -> None:
    who = introduced(Role.HOLDER, subject=CODE.value)  # some providers take it for the subject
    token = entered(house, who)
    person = signed_in(house, token, AT)
    with house.wired.workshop.database.reading(VAULT) as db:
        row = db.execute(select(people).where(people.c.id == person.person_id)).one()
        session = db.execute(select(web_sessions).where(web_sessions.c.person_id == person.person_id)).one()
    kept = repr(tuple(row)) + repr(tuple(session))
    for secret in ("林样例", "\\u6797", CODE.value, token):
        assert secret not in kept
    assert CODE.value not in repr(person) + repr(who)


def test_a_wrong_password_is_the_providers_to_refuse(
    caller: Caller, identity_provider: IdentityProvider
) -> None:
    who = identity_provider.admit(Role.HOLDER, code=CODE)
    with outside() as elsewhere:
        away = caller("GET", "/signin/local").headers["location"]
        form = read(elsewhere.get(away))
        assert form.action is not None
        assert form.action.startswith("/authorize?")
        address = away.split("/authorize")[0] + form.action
        for login, password in ((who.login, "wrong"), ("nobody", who.password), (who.login, "")):
            answer = elsewhere.post(address, data={"login": login, "password": password})
            assert (answer.status_code, "location" in answer.headers) == (401, False)
            assert "用户名或密码不对" in answer.text
        assert who.password not in answer.text
        cross = elsewhere.post(address, headers={"sec-fetch-site": "cross-site"})
        assert cross.status_code == 403
        good = elsewhere.post(address, data={"login": who.login, "password": who.password})
        assert good.status_code == 303


def away_and_back(caller: Caller, identity_provider: IdentityProvider, to: str = "/my") -> str:
    """Everything up to the provider's redirect; the address where it sends the browser, without the host."""
    who = identity_provider.admit(Role.HOLDER, code=CODE)
    gone = caller("GET", f"/signin/local?to={to}").headers["location"]
    with outside() as elsewhere:
        form = read(elsewhere.get(gone))
        address = gone.split("/authorize")[0] + str(form.action)
        back = elsewhere.post(address, data={"login": who.login, "password": who.password})
    return back.headers["location"].removeprefix(ORIGIN)


def cookie(answer: httpx.Response, name: str) -> str:
    [found] = [line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{name}=")]
    return found


def test_cookies_are_closed_to_scripts_and_other_sites_and_the_attempts_goes(
    caller: Caller, identity_provider: IdentityProvider
) -> None:
    begun = caller("GET", "/signin/local")
    attempt = cookie(begun, "certvault-attempt")
    for part in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=600"):
        assert part in attempt
    back = caller("GET", away_and_back(caller, identity_provider))
    session = cookie(back, "certvault")
    for part in ("HttpOnly", "SameSite=lax", "Path=/"):
        assert part in session
    assert "Max-Age" not in session
    assert "Domain" not in session + attempt
    assert 'certvault-attempt=""' in cookie(back, "certvault-attempt")


def test_over_https_every_cookie_is_of_this_host_alone(
    house: House,
    loop: AbstractEventLoop,
    identity_provider: IdentityProvider,  # noqa: ARG001 - it runs
) -> None:
    edge = replace(house.wired.edge, public_url="https://vault.example")
    app = create_app(house.wired.workshop, reader_of(house.settings, house.wired.workshop.keys), edge)
    party = app.state.edge.parties["local"]
    caller = Caller(app, loop, "https://vault.example")
    assert caller("GET", "/signin/local").status_code == 503, "a provider on plain http is none over https"
    party.directory = replace(party.directory, https_only=False)
    begun = cookie(caller("GET", "/signin/local"), "__Host-certvault-attempt")
    ended = cookie(caller("POST", "/signout"), "__Host-certvault")
    for line in (begun, ended):
        for part in ("Secure", "HttpOnly", "Path=/", "SameSite=lax"):
            assert part in line
        assert "Domain" not in line
    app.state.edge.http.close()


def test_an_answer_for_another_browser_lets_nobody_in_and_ends_nothing(
    app: FastAPI, loop: AbstractEventLoop, identity_provider: IdentityProvider
) -> None:
    """Login CSRF: the attacker's own answer, brought into the victim's browser."""
    attacker, victim = Caller(app, loop), Caller(app, loop)
    theirs = away_and_back(attacker, identity_provider)
    mine = away_and_back(victim, identity_provider)
    lured = victim("GET", theirs)
    assert (lured.status_code, "set-cookie" in lured.headers) == (401, False)
    assert "登录没有完成" in lured.text
    assert victim("GET", "/v1/me/certificates").status_code == 401
    assert victim("GET", mine).headers["location"] == "/my", "what the victim began goes on"
    assert attacker("GET", theirs).headers["location"] == "/my"


@pytest.mark.parametrize("change", ["state", "code", "iss", "state twice", "no state", "endless"])
def test_a_changed_answer_is_refused(
    caller: Caller, identity_provider: IdentityProvider, change: str
) -> None:
    back = away_and_back(caller, identity_provider)
    state = parse_qs(urlsplit(back).query)["state"][0]
    changed = {
        "state": back.replace(f"state={state}", "state=x" + state[1:]),
        "code": re.sub(r"code=\w", "code=_", back),
        "iss": re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fevil.example", back),
        "state twice": f"{back}&state={state}",
        "no state": back.replace(f"state={state}", "x=y"),
        "endless": f"{back}&x={'y' * 5000}",
    }[change]
    answer = caller("GET", changed)
    assert answer.status_code == 401
    assert "certvault=" not in answer.headers.get("set-cookie", "").replace("certvault-attempt=", "")
    assert caller("GET", "/v1/me/certificates").status_code == 401


def test_nobody_comes_back_twice(caller: Caller, identity_provider: IdentityProvider, house: House) -> None:
    back = away_and_back(caller, identity_provider)
    secret = caller.cookie("certvault-attempt")
    assert caller("GET", back).status_code == 303
    caller.keep("certvault-attempt", secret)  # a browser that did not let go of it
    again = caller("GET", back)
    assert (again.status_code, "重新开始" in again.text) == (401, True)
    with pytest.raises(NotAuthenticated):
        sessions.come_back(house.wired.workshop, secret, "local", at=datetime.now(UTC))


def test_an_attempt_ends_and_belongs_to_its_provider(house: House) -> None:
    workshop = house.wired.workshop
    late = sessions.begin(workshop, "local", "/my", at=AT)
    with pytest.raises(NotAuthenticated):
        sessions.come_back(workshop, late, "local", at=AT + sessions.ATTEMPT_LIFETIME)
    mixed = sessions.begin(workshop, "local", "/my", at=AT)
    with pytest.raises(NotAuthenticated, match="another provider"):
        sessions.come_back(workshop, mixed, "other", at=AT)
    good = sessions.begin(workshop, "local", "/desk", at=AT)
    assert sessions.come_back(workshop, good, "local", at=AT) == "/desk"


OPEN_REDIRECTS = [
    "//evil.example",
    "https://evil.example",
    "/\\evil.example",
    "/%5Cevil.example",
    "/%2F/evil.example",
    "javascript:alert(1)",
    "/my/../../x",
    "/my?x=//evil.example",
    "/my?access=//evil.example",
    "/my%0d%0aLocation:%20https://evil.example",
    "evil.example",
    "/.evil",
    "",
    "/" + "a" * 300,
]


@pytest.mark.parametrize("to", OPEN_REDIRECTS)
def test_no_way_home_leads_elsewhere(caller: Caller, identity_provider: IdentityProvider, to: str) -> None:
    back = away_and_back(caller, identity_provider, to)
    assert caller("GET", back).headers["location"] == "/my"
    assert 'to=/my"' in caller("GET", f"/signin?to={to}").text


def test_a_page_of_ours_is_come_back_to(caller: Caller, identity_provider: IdentityProvider) -> None:
    for page in ("/desk/cases", "/my/disputes/new?access=AAAAAAAAAAE"):
        assert caller("GET", away_and_back(caller, identity_provider, page)).headers["location"] == page


def test_whoever_cancels_is_told_so(
    caller: Caller,
    identity_provider: IdentityProvider,  # noqa: ARG001 - it runs
) -> None:
    gone = caller("GET", "/signin/local").headers["location"]
    with outside() as elsewhere:
        form = read(elsewhere.get(gone))
        address = gone.split("/authorize")[0] + str(form.action)
        back = elsewhere.post(address, data={"cancel": "1"}).headers["location"]
    answer = caller("GET", back.removeprefix(ORIGIN))
    assert answer.status_code == 401
    assert "没有登录" in answer.text


def test_an_unknown_provider_is_none(caller: Caller) -> None:
    for path in ("/signin/evil", "/signin/evil/callback", "/signout/evil", "/signed-out/evil"):
        assert caller("GET", path).status_code == 404


def test_an_unknown_providers_page_does_not_repeat_its_address(caller: Caller) -> None:
    page = caller("GET", f"/signin/{CODE.value}", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert CODE.value not in page.text
    assert 'href="/?lang=en"' in page.text


# --- sessions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "idle"), [(Role.HOLDER, timedelta(minutes=30)), (Role.CLERK, timedelta(minutes=15))]
)
def test_an_idle_session_ends_and_staff_sooner(house: House, role: Role, idle: timedelta) -> None:
    token = entered(house, introduced(role))
    assert not out(house, token, AT + idle - timedelta(seconds=1))
    assert out(house, token, AT + idle * 2 - timedelta(seconds=1))
    idle_from_the_start = entered(house, introduced(role))
    assert out(house, idle_from_the_start, AT + idle)
    assert out(house, idle_from_the_start, AT + idle - timedelta(seconds=1)) is False, "nothing was written"


def test_a_session_in_use_ends_all_the_same(house: House) -> None:
    token = entered(house, introduced(Role.CLERK))
    minutes = 0
    while AT + timedelta(minutes=minutes) < AT + sessions.SESSION_LIFETIME:
        assert not out(house, token, AT + timedelta(minutes=minutes))
        minutes += 10
    assert out(house, token, AT + sessions.SESSION_LIFETIME)


def test_a_look_back_in_time_does_not_shorten_a_session(house: House) -> None:
    token = entered(house, introduced(Role.CLERK))
    assert not out(house, token, AT + timedelta(minutes=14))
    assert not out(house, token, AT + timedelta(minutes=10))  # another process's clock
    assert not out(house, token, AT + timedelta(minutes=28))


def test_signing_in_gives_a_new_session_and_ends_the_one_before(house: House) -> None:
    """Session fixation: a token that somebody planted is worth nothing afterwards."""
    planted = entered(house, introduced(Role.HOLDER))
    mine = entered(house, introduced(Role.HOLDER), before=planted)
    assert mine != planted
    assert out(house, planted, AT)
    assert not out(house, mine, AT)


def test_the_browsers_old_token_is_not_taken_up(
    caller: Caller, identity_provider: IdentityProvider, house: House
) -> None:
    planted = entered(house, introduced(Role.HOLDER), datetime.now(UTC))
    caller.keep("certvault", planted)
    identity_provider.let_in(caller, identity_provider.admit(Role.HOLDER, code=CODE))
    assert caller.cookie("certvault") not in {planted, None}
    assert out(house, planted, datetime.now(UTC))


def test_signing_out_ends_it_here_and_leads_on_to_the_provider(
    caller: Caller, identity_provider: IdentityProvider, house: House
) -> None:
    identity_provider.let_in(caller, identity_provider.admit(Role.HOLDER, code=CODE))
    token = caller.cookie("certvault")
    done = caller("POST", "/signout")
    assert (done.status_code, done.headers["location"]) == (303, "/signed-out/local")
    assert out(house, token, datetime.now(UTC))
    page = caller("GET", "/signed-out/local")
    assert page.headers["refresh"] == "2;url=/signout/local"
    farewell = caller("GET", "/signout/local").headers["location"]
    assert farewell.startswith(f"{house.issuer}/end-session?client_id=certvault&")
    assert "id_token" not in farewell
    with outside() as elsewhere:
        assert elsewhere.get(farewell).headers["location"] == f"{ORIGIN}/"
        evil = farewell.replace("vault.example", "evil.example")
        assert "location" not in elsewhere.get(evil).headers
    assert caller("POST", "/signout").headers["location"] == "/signed-out"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},  # another port of this host is no friend
        {"origin": "http://evil.example"},
        {"origin": "null"},
    ],
    ids=str,
)
def test_another_site_cannot_sign_anybody_out(
    caller: Caller, identity_provider: IdentityProvider, headers: dict[str, str]
) -> None:
    identity_provider.let_in(caller, identity_provider.admit(Role.HOLDER, code=CODE))
    assert caller("POST", "/signout", headers=headers).status_code == 403
    assert caller("GET", "/v1/me/certificates").status_code == 200


def test_what_ended_is_forgotten(house: House) -> None:
    workshop = house.wired.workshop
    old = entered(house, introduced(Role.HOLDER), AT - timedelta(days=400))
    person = introduced(Role.HOLDER)
    young = entered(house, person, AT)
    sessions.begin(workshop, "local", "/my", at=AT - timedelta(days=400))
    assert sessions.forget_ended(workshop, at=AT - timedelta(days=399)) >= 2
    with workshop.database.reading(VAULT) as db:
        ended = AT - timedelta(days=399)
        for table in (web_sessions, sign_in_attempts):
            left = select(func.count()).where(table.c.expires_at <= ended)
            assert db.execute(left).scalar_one() == 0
    assert out(house, old, AT - timedelta(days=400))
    assert not out(house, young, AT)


def test_an_altered_row_opens_nothing(house: House) -> None:
    """Nobody makes themselves somebody else by moving an envelope from one row to another."""
    one, other = entered(house, introduced(Role.HOLDER)), entered(house, introduced(Role.HOLDER))
    mine, theirs = signed_in(house, one, AT), signed_in(house, other, AT)
    with house.wired.workshop.database.writing(VAULT) as db:
        row = db.execute(select(people).where(people.c.id == theirs.person_id)).one()
        move = update(people).where(people.c.id == mine.person_id)
        db.execute(move.values(data_key=row.data_key, sealed=row.sealed))
    try:
        with pytest.raises(Exception, match="does not open"):
            signed_in(house, one, AT)
    finally:  # for fsck, which other tests run over the same rows
        with house.owner.writing(VAULT) as db:
            mended = delete(web_sessions).where(web_sessions.c.person_id == mine.person_id)
            db.execute(mended)
            db.execute(delete(people).where(people.c.id == mine.person_id))


# --- a provider that is away ------------------------------------------------------------------------------


@pytest.fixture
def stranded(house: House, loop: AbstractEventLoop) -> Iterator[Caller]:
    """The application with a provider at which nobody listens."""
    nowhere = replace(house.wired.edge.providers[0], issuer="http://127.0.0.1:9")
    edge = replace(house.wired.edge, providers=(nowhere,))
    app = create_app(house.wired.workshop, reader_of(house.settings, house.wired.workshop.keys), edge)
    yield Caller(app, loop)
    app.state.edge.http.close()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_provider_that_is_away_is_a_page_that_says_what_to_do(stranded: Caller, language: str) -> None:
    answer = stranded("GET", f"/signin/local?lang={language}")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == str(directory.RETRY_AFTER_S)
    assert ("过一两分钟" if language == "zh" else "Wait a minute or two") in answer.text
    assert 'href="/signin/local?to=/my"' in answer.text
    assert "certvault-attempt" not in answer.headers.get("set-cookie", "")


def test_one_can_sign_out_while_the_provider_is_away(stranded: Caller) -> None:
    page = stranded("GET", "/signed-out/local")
    assert page.status_code == 200
    assert "refresh" not in page.headers
    assert "请关闭浏览器" in page.text


def test_nobody_can_sign_in_where_no_provider_is_set_up(house: House, loop: AbstractEventLoop) -> None:
    edge = replace(house.wired.edge, providers=())
    app = create_app(house.wired.workshop, reader_of(house.settings, house.wired.workshop.keys), edge)
    page = Caller(app, loop)("GET", "/signin")
    assert (page.status_code, "还不能登录" in page.text) == (200, True)


# --- the local provider is a provider -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "missing",
    ["client_id", "redirect_uri", "response_type", "code_challenge", "code_challenge_method", "nonce"],
)
def test_the_provider_refuses_a_request_that_is_not_whole(
    caller: Caller,
    identity_provider: IdentityProvider,  # noqa: ARG001 - it runs
    missing: str,
) -> None:
    gone = caller("GET", "/signin/local").headers["location"]
    with outside() as elsewhere:
        assert elsewhere.get(gone).status_code == 200
        cuts = (re.sub(rf"{missing}=[^&]*&?", "", gone), re.sub(rf"{missing}=[^&]*", f"{missing}=x", gone))
        for cut in cuts:
            if "nonce=x" in cut:
                continue  # any nonce will do
            answer = elsewhere.get(cut)
            assert (answer.status_code, "location" in answer.headers) == (400, False), cut


def test_the_provider_takes_a_code_once_from_its_client_with_its_verifier(
    caller: Caller, identity_provider: IdentityProvider, house: House
) -> None:
    book = read_book(identity_provider.book)
    code = parse_qs(urlsplit(away_and_back(caller, identity_provider)).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": book.redirect_uri}
    with outside() as elsewhere:
        for secret, extra in (
            ("wrong", {}),
            (book.client_secret, {}),
            (book.client_secret, {"code_verifier": "x" * 43}),
        ):
            auth = (book.client_id, secret)
            refused = elsewhere.post(f"{house.issuer}/token", data={**form, **extra}, auth=auth)
            assert refused.status_code in {400, 401}, refused.text
            assert "id_token" not in refused.text


def test_the_whole_way_is_one_browser(caller: Caller, identity_provider: IdentityProvider) -> None:
    """The helper goes where a browser would go: our page, the provider's, and back."""
    who = identity_provider.admit(Role.HOLDER, code=CODE)
    seen: list[str] = []
    with outside() as elsewhere:
        send = browsing(caller, elsewhere)

        def noted(method: str, address: str, form: object) -> httpx.Response:
            seen.append(f"{method} {urlsplit(address).path}")
            return send(method, address, form)  # type: ignore[arg-type]  # as it came

        from api.cli.browser import sign_in  # noqa: PLC0415 - beside what it shows

        sign_in(noted, ORIGIN, who.login, who.password)
    assert seen == [
        *("GET /signin", "GET /signin/local", "GET /authorize"),
        *("POST /authorize", "GET /signin/local/callback"),
    ]
