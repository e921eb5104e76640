"""Ways of what holders grant and show: consents, delegations, and the code of a presentation."""

from datetime import UTC, datetime, timedelta

import httpx

from tests.edge.canary.calls import Call
from tests.edge.canary.marks import Kind
from tests.edge.canary.signing_in import by_person
from tests.edge.canary.story import OFFICE, PRESALE, SESSION, Story, Way
from vault.model.legal_time import legal_day


def _last_day() -> str:
    return (legal_day(datetime.now(UTC)) + timedelta(days=30)).isoformat()


def _consent(s: Story) -> Call:
    """An organisation's code is public (docs/consent.md); what for is not."""

    def learn(answer: httpx.Response) -> None:
        s.consent_id = answer.json()["consent_id"]

    body = {
        "organisation": OFFICE,
        "types": [s.receipts[1]["type"]],
        "fields": ["number", "holders"],
        "service_item": PRESALE,
        "purpose": s.mark(Kind.PURPOSE),
        "valid_from": None,
        "valid_to": _last_day(),
        "uses": 3,
    }
    return Call(("POST", "/v1/me/consents"), cookies={SESSION: s.session}, body=body, learn=learn)


def _delegation(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        s.delegation_id = answer.json()["delegation_id"]

    body = {
        "delegate": {"code_type": "111", "code": s.mark(Kind.ID_NUMBER)},
        "types": [s.receipts[1]["type"]],
        "actions": ["download", "present"],
        "valid_from": None,
        "valid_to": _last_day(),
    }
    return Call(("POST", "/v1/me/delegations"), cookies={SESSION: s.session}, body=body, learn=learn)


def _presentation(s: Story) -> Call:
    def learn(answer: httpx.Response) -> None:
        s.shown_code = s.marks.adopt(Kind.PRESENTATION_CODE, answer.json()["code"])

    body = {
        "certificate_id": s.receipts[1]["certificate_id"],
        "fields": ["number", "holders"],
        "on_behalf_of": None,
    }
    return Call(("POST", "/v1/me/presentations"), cookies={SESSION: s.session}, body=body, learn=learn)


def _seen(s: Story) -> Call:
    return Call(("POST", "/v1/presentations"), body={"code": s.shown_code})


def _seen_on_the_page(s: Story) -> Call:
    return Call(("POST", "/v/shown"), data={"p": s.shown_code})


def _ended(path: str) -> Way:
    def way(s: Story) -> Call:
        at = {"consent_id": s.consent_id, "delegation_id": s.delegation_id}
        return Call(("DELETE", path), at=at, cookies={SESSION: s.session})

    return way


GRANTING: tuple[Way, ...] = (
    _consent,
    by_person("GET", "/v1/me/consents", limit="50"),
    _delegation,
    by_person("GET", "/v1/me/delegations"),
    _presentation,
    _seen,
    _presentation,
    _seen_on_the_page,
    _ended("/v1/me/consents/{consent_id}"),
    _ended("/v1/me/delegations/{delegation_id}"),
)
"""From a grant to its end: while somebody is signed in."""
