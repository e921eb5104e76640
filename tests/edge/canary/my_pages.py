"""Ways through the holder's pages: what is typed into their forms, and every page that answers."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx

from tests.edge.canary.calls import Call
from tests.edge.canary.marks import Kind
from tests.edge.canary.story import OFFICE, SESSION, Story, Way
from tests.flows.granting import delegated, signed_in
from vault.model.legal_time import legal_day

CODE_COOKIE = "certvault-shown"


def _last_day() -> str:
    return (legal_day(datetime.now(UTC)) + timedelta(days=20)).isoformat()


def _page(path: str, **query: Callable[[Story], str]) -> Way:
    """A page of the person's, or a form that has nothing to fill in."""

    def way(s: Story) -> Call:
        method, _, place = path.partition(" ")
        at = {
            "certificate_id": s.receipts[1]["certificate_id"],
            "presentation_id": s.presentation_id,
            "consent_id": s.consent_id,
            "delegation_id": s.delegation_id,
            "use_id": s.use["use_id"],
        }
        cookies = {SESSION: s.session, CODE_COOKIE: s.shown_code}
        asked = {name: value(s) for name, value in query.items()}
        return Call((method, place), at=at, query=asked, cookies=cookies)

    return way


def _consent(s: Story) -> Call:
    form = {
        "organisation": OFFICE,
        "types": s.receipts[1]["type"],
        "what": "part",
        "fields": "number",
        "purpose": s.mark(Kind.PURPOSE),
        "valid_to": _last_day(),
        "uses": "2",
        "step": "grant",
    }
    return Call(("POST", "/my/consents"), cookies={SESSION: s.session}, data=form)


def _consents(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        s.consent_id = _first(r"/my/consents/([0-9a-f-]{36})/end", answer, s.consent_id)

    return Call(("GET", "/my/consents"), cookies={SESSION: s.session}, learn=learn)


def _delegation(s: Story) -> Call:
    form = {
        "code_type": "111",
        "code": s.mark(Kind.ID_NUMBER),
        "types": s.receipts[1]["type"],
        "actions": "download",
        "valid_to": _last_day(),
        "step": "grant",
    }
    return Call(("POST", "/my/delegations"), cookies={SESSION: s.session}, data=form)


def _delegations(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        s.delegation_id = _first(r"/my/delegations/([0-9a-f-]{36})/end", answer, s.delegation_id)

    return Call(("GET", "/my/delegations"), cookies={SESSION: s.session}, learn=learn)


def _show(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        s.presentation_id = answer.headers.get("location", "").rpartition("/")[2] or s.presentation_id
        found = re.search(rf"{CODE_COOKIE}=([\w-]{{22}})", answer.headers.get("set-cookie", ""))
        if found is not None:
            s.shown_code = s.marks.adopt(Kind.PRESENTATION_CODE, found[1])

    route = ("POST", "/my/certificates/{certificate_id}/show")
    at = {"certificate_id": s.receipts[1]["certificate_id"]}
    form = {"what": "part", "fields": "number"}
    return Call(route, at=at, cookies={SESSION: s.session}, data=form, learn=learn)


def _again(s: Story) -> Call:
    call = _page("POST /my/show/{presentation_id}/again")(s)
    return Call(call.route, at=call.at, cookies=call.cookies, learn=_show(s).learn)


def _dispute(s: Story) -> Call:
    form = {
        "certificate": s.receipts[1]["certificate_id"],
        "kind": "wrong_data",
        "statement": s.mark(Kind.FACE),
    }
    return Call(("POST", "/my/disputes"), cookies={SESSION: s.session}, data=form)


def _on_behalf(s: Story) -> Call:
    """What somebody else delegated to the person, who has signed in since."""
    if not s.received_id:
        house = s.vault.house
        other = {"code_type": "111", "code": s.mark(Kind.ID_NUMBER), "name": s.mark(Kind.NAME)}
        s.received_id = str(delegated(house, other, s.person, "无犯罪记录证明").delegation_id)
        signed_in(house, s.person)
    at = {"delegation_id": s.received_id}
    return Call(("GET", "/my/delegations/{delegation_id}"), at=at, cookies={SESSION: s.session})


def _first(pattern: str, answer: httpx.Response, otherwise: str) -> str:
    found = re.search(pattern, answer.text)
    return otherwise if found is None else found[1]


def _certificate(s: Story) -> str:
    return str(s.receipts[1]["certificate_id"])


def _use(s: Story) -> Call:
    """From the history to the page that asks whether a use is to end, where one still stands."""

    def learn(answer: httpx.Response) -> None:
        found = re.search(r"/my/uses/([0-9a-f-]{36})/end\?access=([\w-]{11})", answer.text)
        if found is not None:
            s.ended_use = (found[1], found[2])

    return Call(("GET", "/my/history"), cookies={SESSION: s.session}, learn=learn)


def _end_use(method: str) -> Way:
    def way(s: Story) -> Call:
        use_id, access = s.ended_use
        query = {"access": access} if method == "GET" else {}
        route = (method, "/my/uses/{use_id}/end")
        return Call(route, at={"use_id": use_id}, query=query, cookies={SESSION: s.session})

    return way


MY_PAGES: tuple[Way, ...] = (
    _page("GET /my"),
    _page("GET /my/certificates/{certificate_id}"),
    _page("GET /my/certificates/{certificate_id}/picture"),
    _page("GET /my/certificates/{certificate_id}/show"),
    _show,
    _page("GET /my/show/{presentation_id}"),
    _page("GET /my/show/{presentation_id}/standing"),
    _again,
    _page("POST /my/show/{presentation_id}/end"),
    _page("GET /my/consents/new"),
    _consent,
    _consents,
    _page("GET /my/consents/{consent_id}/end"),
    _page("POST /my/consents/{consent_id}/end"),
    _page("GET /my/delegations/new"),
    _delegation,
    _delegations,
    _page("GET /my/delegations/{delegation_id}/end"),
    _page("POST /my/delegations/{delegation_id}/end"),
    _on_behalf,
    _use,
    _end_use("GET"),
    _end_use("POST"),
    _page("GET /my/disputes/new", certificate=_certificate),
    _dispute,
    _page("GET /my/disputes"),
)
"""While somebody is signed in, after a use of what is theirs."""
