"""The holder's pages over HTTP: theirs and nobody else's; forms say what is wrong; sent twice is once."""

import asyncio
import re
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from api.pages.texts import TEXTS
from tests.conftest import House
from tests.custodians import OFFICE
from tests.edge.canary.calls import routes_of
from tests.edge.conftest import Caller
from tests.edge.test_uses_over_http import signed_in
from tests.flows.granting import PURPOSE, bank, delegated, kind, now, organisation_of
from tests.flows.test_reuse import ESTATE, given, new_person
from tests.provider import ORIGIN, IdentityProvider
from tests.screens import address_shown
from vault.errors import NotFound
from vault.lookup import holdings
from vault.model.actors import ClientGrant, Role
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day

pytestmark = pytest.mark.engines

Holder = dict[str, str]
HTML = {"accept": "text/html"}


@pytest.fixture
def holder() -> Holder:
    return new_person()


@pytest.fixture
def estate(house: House, holder: Holder) -> CertificateRecord:
    return given(house, ESTATE, holder)


@pytest.fixture
def me(
    caller: Caller,
    identity_provider: IdentityProvider,
    holder: Holder,
    estate: CertificateRecord,  # noqa: ARG001 - theirs
) -> Caller:
    """The holder's browser."""
    signed_in(caller, identity_provider, holder)
    return caller


@pytest.fixture
def stranger(app: FastAPI, loop: asyncio.AbstractEventLoop) -> Caller:
    """A browser of somebody else."""
    return Caller(app, loop)


def zh(key: str, **values: object) -> str:
    return TEXTS[key][0].format(**values)


def in_days(days: int) -> str:
    return (legal_day(now()) + timedelta(days=days)).isoformat()


def consent_form(house: House, lender: ClientGrant, **changes: object) -> dict[str, Any]:
    return {
        "organisation": organisation_of(lender),
        "types": [kind(house, ESTATE)],
        "what": "whole",
        "purpose": PURPOSE,
        "service_item": "",
        "valid_to": in_days(7),
        "uses": "2",
        "step": "grant",
        **changes,
    }


def form(caller: Caller, path: str, data: dict[str, Any], **headers: str) -> httpx.Response:
    return caller("POST", path, data=data, headers={**HTML, **headers})


def places(app: FastAPI, **at: str) -> list[tuple[str, str]]:
    """Every page and form of the holder's, with these ids in their addresses."""
    mine = [(m, p) for m, p in routes_of(app) if p == "/my" or p.startswith("/my/")]
    assert len(mine) > 20
    return [(method, re.sub(r"\{(\w+)\}", lambda found: at[found[1]], path)) for method, path in mine]


def of_nobody() -> dict[str, str]:
    names = ("certificate_id", "presentation_id", "consent_id", "delegation_id", "use_id")
    return {name: str(uuid4()) for name in names}


# --- who ----------------------------------------------------------------------------------------------


def test_whoever_is_not_signed_in_is_led_to_the_sign_in(app: FastAPI, caller: Caller) -> None:
    for method, path in places(app, **of_nobody()):
        answer = caller(method, path, headers=HTML)
        back = re.sub(r"(/my/show/[^/]*)/.*|/my/uses/.*", lambda found: found[1] or "/my/history", path)
        assert (answer.status_code, answer.headers.get("location")) == (303, f"/signin?to={back}"), path


def test_an_ended_session_is_none(app: FastAPI, me: Caller) -> None:
    assert me("GET", "/my").status_code == 200
    me("POST", "/signout")
    for method, path in places(app, **of_nobody()):
        assert me(method, path, headers=HTML).status_code == 303


def test_staff_hold_nothing_here(app: FastAPI, caller: Caller, identity_provider: IdentityProvider) -> None:
    identity_provider.let_in(caller, identity_provider.admit(Role.CLERK, organisation=OFFICE))
    for method, path in places(app, **of_nobody()):
        answer = caller(method, path, headers=HTML)
        assert answer.status_code == (200 if path == "/my" else 403), path
        assert zh("my.not_holder") in answer.text


def test_another_site_sends_nothing(app: FastAPI, me: Caller) -> None:
    for method, path in places(app, **of_nobody()):
        if method == "POST":
            for said in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
                assert form(me, path, {}, **said).status_code == 403, path


def test_what_is_somebody_elses_is_as_what_is_not_there(
    app: FastAPI,
    me: Caller,
    stranger: Caller,
    house: House,
    identity_provider: IdentityProvider,
    holder: Holder,
    estate: CertificateRecord,
) -> None:
    form(me, "/my/consents", consent_form(house, bank(house)))
    given_id = delegated(house, holder, new_person(), ESTATE).delegation_id
    shown = form(me, f"/my/certificates/{estate.certificate_id}/show", {"what": "whole"})
    theirs = {
        "certificate_id": str(estate.certificate_id),
        "presentation_id": shown.headers["location"].rpartition("/")[2],
        "consent_id": me("GET", "/v1/me/consents").json()["consents"][0]["consent_id"],
        "delegation_id": str(given_id),
        "use_id": str(uuid4()),
    }
    signed_in(stranger, identity_provider, new_person())
    absent = places(app, **of_nobody())
    for (method, path), (_, nowhere) in zip(places(app, **theirs), absent, strict=True):
        if path == nowhere:  # a list, or a form for something new
            continue
        answer, missing = stranger(method, path, headers=HTML), stranger(method, nowhere, headers=HTML)
        assert (answer.status_code, answer.text) == (404, missing.text), path
        assert estate.number not in answer.text
    for query in (f"certificate={estate.certificate_id}", "certificate=x", "before=x"):
        assert stranger("GET", f"/my/history?{query}", headers=HTML).status_code == 404
    for query in (f"certificate={estate.certificate_id}", "access=x", "certificate=x", ""):
        assert stranger("GET", f"/my/disputes/new?{query}", headers=HTML).status_code == 404
    assert me("GET", "/v1/me/consents").json()["consents"][0]["state"] == "standing"


# --- certificates -------------------------------------------------------------------------------------


def test_cards_and_pages_show_what_is_held_and_no_address_tells_who(
    app: FastAPI, me: Caller, holder: Holder, estate: CertificateRecord
) -> None:
    listed = me("GET", "/my").text
    one = me("GET", f"/my/certificates/{estate.certificate_id}").text
    for page in (listed, one):
        assert estate.number in page
        assert "format=pdf" in page
    for address in re.findall(r'(?:href|src|action)="([^"]*)"', listed + one):
        assert holder["code"] not in address
        assert not re.search(r"\d{15}", address)
    with app.state.edge.judges:  # who draws stands ready where a server runs
        picture = me("GET", f"/my/certificates/{estate.certificate_id}/picture?size=page")
    assert (picture.headers["content-type"], picture.content[8:12]) == ("image/webp", b"WEBP")
    assert picture.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("ends", "key", "values"),
    [(30, "card.ends_soon", {"days": 30}), (1, "card.ends_tomorrow", {}), (0, "card.ends_today", {})],
)
def test_an_end_ahead_is_told_with_what_to_do(
    caller: Caller,
    house: House,
    identity_provider: IdentityProvider,
    ends: int,
    key: str,
    values: dict[str, int],
) -> None:
    nurse = new_person()
    record = given(
        house,
        "护士执业证书",
        nurse,
        issued_on=in_days(-100),
        valid_from=in_days(-100),
        valid_to=in_days(ends),
    )
    signed_in(caller, identity_provider, nurse)
    page = caller("GET", "/my").text
    assert zh(key, **values) in page
    assert "申请延续或者换证" in page
    assert f"/my/certificates/{record.certificate_id}/show" in page


def test_what_has_run_out_is_told_and_not_offered_to_be_shown(
    caller: Caller, house: House, identity_provider: IdentityProvider
) -> None:
    nurse = new_person()
    record = given(
        house, "护士执业证书", nurse, issued_on=in_days(-100), valid_from=in_days(-100), valid_to=in_days(-1)
    )
    signed_in(caller, identity_provider, nurse)
    page = caller("GET", "/my").text
    assert zh("status.expired") in page
    assert zh("my.unusable") in page
    assert zh("my.coming") not in page
    assert f"/my/certificates/{record.certificate_id}/show" not in page


def test_what_is_not_in_force_yet_stands_by_itself(
    caller: Caller, house: House, identity_provider: IdentityProvider
) -> None:
    nurse = new_person()
    dates = {"issued_on": in_days(-1), "valid_from": in_days(5), "valid_to": in_days(500)}
    record = given(house, "护士执业证书", nurse, **dates)
    signed_in(caller, identity_provider, nurse)
    page = caller("GET", "/my").text
    assert zh("my.count", count=1) in page
    assert zh("my.coming") in page
    assert zh("my.unusable") not in page
    assert record.number in page
    assert f"/my/certificates/{record.certificate_id}/show" not in page


# --- showing ------------------------------------------------------------------------------------------


def shown_code(me: Caller, path: str) -> str:
    """The code that the page at this address shows."""
    page = me("GET", path)
    assert page.status_code == 200, page.text
    start, _, code = address_shown(page.text).partition("#p=")
    assert start == f"{ORIGIN}/v"
    assert code not in page.text, "in the picture only"
    return code


def scanned(caller: Caller, code: str) -> httpx.Response:
    """What a hand scanner types into the page that verifies."""
    address = f"{ORIGIN}/v#p={code}"
    return caller("POST", "/", files={"scanned": (None, address)}, headers=HTML)


def test_a_code_is_shown_and_seen_once(
    me: Caller, stranger: Caller, estate: CertificateRecord, holder: Holder
) -> None:
    path = f"/my/certificates/{estate.certificate_id}/show"
    assert zh("show.make") in me("GET", path).text
    made = form(me, path, {"what": "part", "fields": ["number", "location"]})
    assert made.status_code == 303
    cookie = made.headers["set-cookie"]
    where = made.headers["location"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", f"Path={where}"))
    code = shown_code(me, where)
    assert shown_code(me, where) == code, "it may be loaded again"
    assert me("GET", f"{where}/standing").json() == {"standing": "open"}
    seen = form(stranger, "/v/shown", {"p": code})
    assert seen.status_code == 200
    assert zh("verdict.genuine") in seen.text
    assert estate.number in seen.text
    assert str(estate.fields["location"]) in seen.text
    assert str(estate.fields["unit_number"]) not in seen.text
    assert holder["code"] not in seen.text, "it was not chosen"
    assert seen.headers["cache-control"] == "no-store"
    for again in (form(stranger, "/v/shown", {"p": code}), scanned(stranger, code)):
        assert zh("shown.spent") in again.text
        assert estate.number not in again.text
    assert me("GET", f"{where}/standing").json() == {"standing": "seen"}
    assert zh("show.seen") in me("GET", where).text


def test_two_clicks_make_two_codes_and_each_opens_once(
    me: Caller, stranger: Caller, estate: CertificateRecord
) -> None:
    path = f"/my/certificates/{estate.certificate_id}/show"
    made = [form(me, path, {"what": "whole"}).headers["location"] for _ in range(2)]
    codes = [shown_code(me, where) for where in made]
    assert len(set(codes)) == 2
    assert zh("verdict.genuine") in scanned(stranger, codes[0]).text
    assert zh("verdict.genuine") in form(stranger, "/v/shown", {"p": codes[1]}).text


def test_another_code_ends_the_one_before_and_cancelling_ends_it(
    me: Caller, stranger: Caller, estate: CertificateRecord
) -> None:
    made = form(me, f"/my/certificates/{estate.certificate_id}/show", {"what": "whole"})
    first = shown_code(me, made.headers["location"])
    other = form(me, f"{made.headers['location']}/again", {}).headers["location"]
    second = shown_code(me, other)
    assert zh("shown.spent") in form(stranger, "/v/shown", {"p": first}).text
    for _ in range(2):
        assert form(me, f"{other}/end", {}).headers["location"] == other
    assert zh("show.taken_back") in me("GET", other).text
    assert zh("shown.spent") in form(stranger, "/v/shown", {"p": second}).text


def test_a_code_is_shown_where_it_was_made_only(
    me: Caller,
    stranger: Caller,
    identity_provider: IdentityProvider,
    holder: Holder,
    estate: CertificateRecord,
) -> None:
    made = form(me, f"/my/certificates/{estate.certificate_id}/show", {"what": "whole"})
    signed_in(stranger, identity_provider, holder)
    answer = stranger("GET", made.headers["location"], headers=HTML)
    assert (answer.status_code, zh("show.gone") in answer.text) == (404, True)


def test_nothing_chosen_is_said_beside_the_choice(me: Caller, estate: CertificateRecord) -> None:
    answer = form(me, f"/my/certificates/{estate.certificate_id}/show", {"what": "part"})
    assert answer.status_code == 422
    assert 'href="#fields"' in answer.text
    assert 'id="fields-error"' in answer.text


# --- consents -----------------------------------------------------------------------------------------


def test_a_consent_is_checked_given_once_and_taken_back(me: Caller, house: House) -> None:
    lender = bank(house)
    typed = consent_form(house, lender)
    checked = form(me, "/my/consents", typed | {"step": "check"})
    assert checked.status_code == 200
    assert lender.name in checked.text
    assert me("GET", "/v1/me/consents").json()["consents"] == [], "nothing stands before it is confirmed"
    for _ in range(2):
        assert form(me, "/my/consents", typed).headers["location"] == "/my/consents?done=granted"
    (consent,) = me("GET", "/v1/me/consents").json()["consents"]
    page = me("GET", "/my/consents?done=granted").text
    assert zh("done.granted") in page
    assert PURPOSE in page
    ends = f"/my/consents/{consent['consent_id']}/end"
    assert zh("consent.end", name=lender.name) in me("GET", ends).text
    for _ in range(2):
        assert form(me, ends, {}).headers["location"] == "/my/consents?done=revoked"
    assert zh("consent.state.revoked") in me("GET", "/my/consents").text


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"organisation": "91350100M000100Y44"}, "organisation"),
        ({"types": []}, "types"),
        ({"types": ["x\x00"]}, "types"),
        ({"what": "part"}, "fields"),
        ({"what": "part", "fields": ["none"]}, "fields"),
        ({"purpose": ""}, "purpose"),
        ({"purpose": "字" * 61}, "purpose"),
        ({"service_item": "none"}, "service_item"),
        ({"valid_to": in_days(-1)}, "valid_to"),
        ({"valid_to": in_days(400)}, "valid_to"),
        ({"valid_to": "明天"}, "valid_to"),
        ({"uses": "0"}, "uses"),
        ({"uses": "许多"}, "uses"),
        ({"uses": "１"}, "uses"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_consent_is_said_beside_its_field(
    me: Caller, house: House, change: dict[str, Any], field: str
) -> None:
    typed = consent_form(house, bank(house)) | change
    for step in ("check", "grant"):
        answer = form(me, "/my/consents", typed | {"step": step})
        assert answer.status_code == 422
        assert re.findall(r'<li><a href="#(\w+)">', answer.text) == [field]
        assert f'id="{field}-error"' in answer.text
        assert f'id="{field}"' in answer.text
        if "purpose" not in change:
            assert f'value="{PURPOSE}"' in answer.text, "what was typed stays"
    assert me("GET", "/v1/me/consents").json()["consents"] == []


def test_whoever_asked_in_vain_can_be_answered(
    me: Caller, house: House, holder: Holder, estate: CertificateRecord
) -> None:
    lender = bank(house)
    code = HolderCode.parse(holder["code_type"], holder["code"])
    workshop, why = house.wired.workshop, {"purpose": PURPOSE, "service_item": None, "case_number": None}
    with suppress(NotFound):
        holdings(workshop, lender, code, **why, at=now())  # type: ignore[arg-type]  # as written
    page = me("GET", "/my/consents").text
    assert zh("consents.waiting") in page
    (access,) = re.findall(r"/my/consents/new\?access=([\w-]{11})", page)
    blank = me("GET", f"/my/consents/new?access={access}").text
    assert f'value="{organisation_of(lender)}"' in blank
    assert f'value="{PURPOSE}"' in blank
    form(me, "/my/consents", consent_form(house, lender))
    assert zh("consents.waiting") not in me("GET", "/my/consents").text
    found = holdings(workshop, lender, code, **why, at=now())  # type: ignore[arg-type]  # as written
    assert found.certificates[0].certificate_id == estate.certificate_id


# --- delegations --------------------------------------------------------------------------------------


def test_a_delegation_from_the_form_to_its_end(
    me: Caller,
    stranger: Caller,
    house: House,
    identity_provider: IdentityProvider,
    estate: CertificateRecord,
) -> None:
    helper = new_person()
    typed = {
        "code_type": "111",
        "code": helper["code"],
        "types": [kind(house, ESTATE)],
        "actions": ["download", "present"],
        "valid_to": in_days(7),
    }
    checked = form(me, "/my/delegations", typed | {"step": "check"})
    assert (checked.status_code, helper["code"] in checked.text) == (200, True)
    for _ in range(2):
        done = form(me, "/my/delegations", typed | {"step": "grant"})
        assert done.headers["location"] == "/my/delegations?done=delegated"
    (mine,) = me("GET", "/v1/me/delegations").json()["given"]
    assert helper["code"] not in me("GET", "/my/delegations").text
    signed_in(stranger, identity_provider, helper)
    assert zh("delegations.received") in stranger("GET", "/my/delegations").text
    under = mine["delegation_id"]
    page = stranger("GET", f"/my/delegations/{under}").text
    assert estate.number in page
    (file,) = re.findall(r'href="(/v1/me/certificates/[^"]*format=pdf[^"]*)"', page)
    assert stranger("GET", file.replace("&amp;", "&")).status_code == 200
    choice = f"/my/certificates/{estate.certificate_id}/show"
    assert f'name="under" value="{under}"' in stranger("GET", f"{choice}?under={under}").text
    made = form(stranger, choice, {"what": "whole", "under": under})
    code = shown_code(stranger, made.headers["location"])
    assert "受托人" in form(me, "/v/shown", {"p": code}).text
    assert zh("delegation.act.present") in me("GET", "/my/delegations").text
    for _ in range(2):
        done = form(stranger, f"/my/delegations/{under}/end", {})
        assert done.headers["location"] == "/my/delegations?done=ended"
    assert stranger("GET", f"/my/delegations/{under}", headers=HTML).status_code == 404
    assert zh("delegation.state.revoked") in me("GET", "/my/delegations").text


@pytest.mark.parametrize(
    ("change", "field", "key"),
    [
        ({"code": "11010519491231002X1"}, "code", "delegation.wrong.code"),
        ({"code": "", "code_type": "none"}, "code", "delegation.wrong.code"),
        ({"code": "91350100M000100Y43", "code_type": "001"}, "code", "delegation.wrong.code"),
        ({"code": "mine"}, "code", "delegation.wrong.own_code"),
        ({"types": []}, "types", "delegation.wrong.types"),
        ({"actions": []}, "actions", "delegation.wrong.actions"),
        ({"actions": ["sell"]}, "actions", "delegation.wrong.actions"),
        ({"valid_to": ""}, "valid_to", "delegation.wrong.valid_to"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_delegation_is_said_beside_its_field(
    me: Caller, house: House, holder: Holder, change: dict[str, Any], field: str, key: str
) -> None:
    typed: dict[str, Any] = {
        "code_type": "111",
        "code": new_person()["code"],
        "types": [kind(house, ESTATE)],
        "actions": ["download"],
        "valid_to": in_days(7),
        "step": "grant",
    }
    typed |= {name: holder["code"] if value == "mine" else value for name, value in change.items()}
    answer = form(me, "/my/delegations", typed)
    assert answer.status_code == 422
    assert re.findall(r'<li><a href="#(\w+)">', answer.text) == [field]
    assert answer.text.count(zh(key)) == 2, "in the summary and beside the field"
    assert me("GET", "/v1/me/delegations").json()["given"] == []


# --- history and disputes -----------------------------------------------------------------------------


def test_the_history_says_who_looked_and_a_use_can_be_ended(
    me: Caller, house: House, bearer: dict[str, str], estate: CertificateRecord
) -> None:
    use = {
        "certificate_id": str(estate.certificate_id),
        "case_number": "SL-7",
        "service_item": next(iter(house.catalogue.items)),
        "purpose": PURPOSE,
    }
    made = me("POST", "/v1/uses", json=use, headers=bearer)
    assert made.status_code == 201, made.text
    page = me("GET", f"/my/history?certificate={estate.certificate_id}").text
    assert PURPOSE in page
    assert "SL-7" in page
    (ends,) = re.findall(r'href="(/my/uses/[^"]*)"', page)
    assert made.json()["use_id"] in ends
    asked = me("GET", ends).text
    assert zh("use_end.title") in asked
    assert f'href="{ends}&amp;lang=en"' in asked
    assert f'action="{ends}"' in asked
    path = ends.partition("?")[0]
    assert me("GET", path, headers=HTML).status_code == 404, "which entry it is about is part of the address"
    for _ in range(2):
        assert form(me, ends, {}).headers["location"] == "/my/history?done=use_ended"
    assert "/my/uses/" not in me("GET", "/my/history").text


def test_a_dispute_is_raised_once_and_followed(
    me: Caller, bearer: dict[str, str], estate: CertificateRecord
) -> None:
    about = str(estate.certificate_id)
    assert zh("dispute.form") in me("GET", f"/my/disputes/new?certificate={about}").text
    wrong = form(me, "/my/disputes", {"certificate": about, "kind": "unlawful_access", "statement": ""})
    assert wrong.status_code == 422
    assert re.findall(r'<li><a href="#(\w+)">', wrong.text) == ["kind", "statement"]
    kept = form(me, "/my/disputes", {"certificate": about, "kind": "", "statement": "住所<b>\r\n有误"})
    assert "住所&lt;b&gt;\r\n有误" in kept.text
    typed = {"certificate": about, "kind": "wrong_data", "statement": "住所\r\n有误"}
    for _ in range(2):
        assert form(me, "/my/disputes", typed).headers["location"] == "/my/disputes?done=disputed"
    (dispute,) = me("GET", "/v1/me/disputes").json()["disputes"]
    assert dispute["statement"] == "住所\n有误"
    accepted = me(
        "POST", f"/v1/disputes/{dispute['dispute_id']}/decision", json={"decision": "accept"}, headers=bearer
    )
    assert accepted.status_code == 201
    page = me("GET", "/my/disputes").text
    assert zh("dispute.state.accepted") in page
    assert "存在异议" in me("GET", f"/my/certificates/{about}").text


def test_an_access_is_disputed_with_who_looked(me: Caller, bearer: dict[str, str], holder: Holder) -> None:
    asks = {
        "holder": {key: holder[key] for key in ("code_type", "code")},
        "purpose": "办理",
        "case_number": "SL-9",
    }
    assert me("POST", "/v1/holdings", json=asks, headers=bearer).status_code == 200
    access = re.findall(r"/my/disputes/new\?access=([\w-]{11})", me("GET", "/my/history").text)[0]
    page = me("GET", f"/my/disputes/new?access={access}").text
    assert "SL-9" in page
    typed = {"access": access, "kind": "unlawful_access", "statement": "没有办过这件事"}
    assert form(me, "/my/disputes", typed).status_code == 303
    own = me("GET", "/v1/me/accesses").json()["accesses"]
    mine = next(each["access_id"] for each in own if each["who"]["kind"] == "you")
    refused = form(me, "/my/disputes", typed | {"access": mine})
    assert (refused.status_code, 'id="access_id-error"' in refused.text) == (422, True)


def test_no_page_says_what_an_address_made_up(me: Caller) -> None:
    for path in ("/my", "/my/consents", "/my/delegations", "/my/history", "/my/disputes"):
        page = me("GET", f"{path}?done=<b>hello").text
        assert "hello" not in re.sub(r'href="[^"]*"', "", page)
        assert me("GET", f"{path}?lang=en").status_code == 200


def test_ids_at_the_edge_of_their_range_are_none(me: Caller) -> None:
    for odd in ("0" * 32, "f" * 32, "x", str(UUID(int=2**128 - 1)), "1" * 200):
        for path in (f"/my/consents/{odd}/end", f"/my/delegations/{odd}", f"/my/certificates/{odd}"):
            assert me("GET", path, headers=HTML).status_code == 404
    for access in ("f" * 11, "_" * 11, "f_________8", "", "AAAAAAAAAAA"):
        assert me("GET", f"/my/disputes/new?access={access}", headers=HTML).status_code == 404
