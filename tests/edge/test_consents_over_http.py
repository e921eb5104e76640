"""Consents, delegations and presentations as people and organisations meet them."""

import asyncio
import secrets
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from api.answers import consents as consent_answers
from api.answers import delegations as delegation_answers
from api.answers import presentations as presentation_answers
from api.answers.certificates import MyCertificatesOut
from api.answers.reuse import HoldingsOut
from api.answers.uses import MadeUseOut, RedemptionOut
from signing.statement import read_statement
from storage.tables import presentation_events
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_contract_over_http import shaped
from tests.edge.test_uses_over_http import signed_in
from tests.flows.granting import PURPOSE, kind, now
from tests.flows.test_reuse import ESTATE, given, new_person
from tests.generators import CREDIT_CODE_CHARACTERS, make_credit_code
from tests.provider import IdentityProvider
from vault import signin
from vault.model.actors import Role
from vault.model.certificate import CertificateRecord, Status
from vault.model.footing import ByConsent
from vault.model.legal_time import legal_day
from vault.model.scope import VAULT
from vault.model.statement import stated_holder

pytestmark = pytest.mark.engines

NOBODY = "00000000-0000-7000-8000-000000000000"
Holder = dict[str, str]


@pytest.fixture
def holder() -> Holder:
    return new_person()


@pytest.fixture
def estate(house: House, holder: Holder) -> CertificateRecord:
    return given(house, ESTATE, holder)


@pytest.fixture
def uscc() -> str:
    body = "MA" + "".join(secrets.choice(CREDIT_CODE_CHARACTERS) for _ in range(6))
    return make_credit_code("91990100", body)


@pytest.fixture
def lender(caller: Caller, house: House, uscc: str) -> dict[str, str]:
    """The header of a bank's system, which asks by consent."""
    name = f"bank-{uscc.lower()}"
    made = signin.add_client(
        house.wired.workshop, name, "样例银行", frozenset(), standing=ByConsent(uscc), at=now()
    )
    form = {"grant_type": "client_credentials"}
    granted = caller("POST", "/oauth/token", data=form, auth=(made.client_id, made.secret))
    return {"authorization": f"Bearer {granted.json()['access_token']}"}


@pytest.fixture
def stranger(app: FastAPI, loop: asyncio.AbstractEventLoop) -> Caller:
    """A browser of somebody else."""
    return Caller(app, loop)


def last_day() -> str:
    return (legal_day(now()) + timedelta(days=7)).isoformat()


def consent(house: House, uscc: str, **changes: object) -> dict[str, Any]:
    return {
        "organisation": uscc,
        "types": [kind(house, ESTATE)],
        "purpose": PURPOSE,
        "valid_to": last_day(),
        "uses": 3,
        **changes,
    }


def delegation(house: House, delegate: Holder, **changes: object) -> dict[str, Any]:
    return {
        "delegate": {key: delegate[key] for key in ("code_type", "code")},
        "types": [kind(house, ESTATE)],
        "actions": ["download", "present"],
        "valid_to": last_day(),
        **changes,
    }


def pointers(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["pointer"] for error in answer.json()["errors"]]


def test_a_bank_sees_what_its_customer_consents_to_until_they_take_it_back(
    caller: Caller,
    house: House,
    identity_provider: IdentityProvider,
    holder: Holder,
    estate: CertificateRecord,
    uscc: str,
    lender: dict[str, str],
) -> None:
    asks = {"holder": {key: holder[key] for key in ("code_type", "code")}, "purpose": PURPOSE}
    use = {"certificate_id": str(estate.certificate_id), "case_number": "DK-1", "purpose": PURPOSE}
    assert caller("POST", "/v1/holdings", json=asks, headers=lender).status_code == 404
    assert caller("POST", "/v1/uses", json=use, headers=lender).status_code == 404
    signed_in(caller, identity_provider, holder)
    body = consent(house, uscc)
    granted = shaped(consent_answers.ConsentOut, caller("POST", "/v1/me/consents", json=body))
    again = caller("POST", "/v1/me/consents", json=body)
    assert (again.status_code, again.json()["consent_id"]) == (200, granted["consent_id"])
    assert (granted["state"], granted["organisation_name"]) == ("standing", "样例银行")
    held = shaped(HoldingsOut, caller("POST", "/v1/holdings", json=asks, headers=lender))
    assert (held["footing"], held["consents"]) == ("consent", [granted["consent_id"]])
    (certificate,) = held["certificates"]
    assert (certificate["certificate_id"], certificate["documents"]) == (str(estate.certificate_id), [])
    made = shaped(MadeUseOut, caller("POST", "/v1/uses", json={**use, "copy": True}, headers=lender))
    assert (made["service_item"], made["consents"]) == (None, [granted["consent_id"]])
    assert caller("GET", made["copy"]["href"], headers=lender).status_code == 200
    code = {"code": made["code"]}
    redeemed = shaped(RedemptionOut, caller("POST", "/v1/uses/redemptions", json=code, headers=lender))
    assert redeemed["certificate"]["number"] == estate.number
    original = f"/v1/certificates/{estate.certificate_id}/document"
    assert caller("GET", original, headers=lender).status_code == 404
    assert caller("GET", f"/v1/certificates/{estate.certificate_id}", headers=lender).status_code == 404
    listed = shaped(consent_answers.ConsentsOut, caller("GET", "/v1/me/consents"))
    assert [each["what"] for each in listed["consents"][0]["used"]] == ["use", "holdings"]
    assert listed["consents"][0]["uses_left"] == 1
    accesses = caller("GET", "/v1/me/accesses").json()["accesses"]
    of_the_use = next(each for each in accesses if each["action"] == "use-make")
    assert (of_the_use["footing"], of_the_use["legal_basis"]) == ("consent", None)
    assert "凭持有人的授权" in of_the_use["summary"]["zh"]
    assert "refused-holdings" in {each["action"] for each in accesses}
    path = f"/v1/me/consents/{granted['consent_id']}"
    assert caller("DELETE", path, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    ended = shaped(consent_answers.ConsentOut, caller("DELETE", path))
    assert ended["state"] == "revoked"
    assert caller("DELETE", path).json() == ended
    assert caller("POST", "/v1/holdings", json=asks, headers=lender).status_code == 404
    assert caller("GET", made["copy"]["href"], headers=lender).status_code == 404
    assert caller("POST", "/v1/uses", json={**use, "copy": True}, headers=lender).status_code == 404
    signed_in(caller, identity_provider, new_person())
    assert caller("DELETE", path).status_code == 404
    assert caller("GET", "/v1/me/consents").json() == {"consents": [], "next": None}


def test_by_function_the_legal_basis_is_told(
    caller: Caller, bearer: dict[str, str], holder: Holder, estate: CertificateRecord
) -> None:
    asks = {"holder": {key: holder[key] for key in ("code_type", "code")}, "purpose": "办理"}
    held = shaped(HoldingsOut, caller("POST", "/v1/holdings", json=asks, headers=bearer))
    assert (held["footing"], held["consents"]) == ("statutory", [])
    assert "第三十四条" in held["legal_basis"]
    assert held["certificates"][0]["certificate_id"] == str(estate.certificate_id)


def test_an_approval_system_by_function_names_its_service_item(
    caller: Caller, bearer: dict[str, str], estate: CertificateRecord
) -> None:
    use = {"certificate_id": str(estate.certificate_id), "case_number": "1", "purpose": "x"}
    assert pointers(caller("POST", "/v1/uses", json=use, headers=bearer)) == ["/service_item"]


def test_a_delegate_downloads_and_presents_for_the_holder(
    caller: Caller,
    stranger: Caller,
    house: House,
    identity_provider: IdentityProvider,
    holder: Holder,
    estate: CertificateRecord,
) -> None:
    helper = new_person()
    signed_in(caller, identity_provider, holder)
    body = delegation(house, helper)
    answer = caller("POST", "/v1/me/delegations", json=body)
    granted = shaped(delegation_answers.GivenDelegationOut, answer)
    assert (answer.status_code, granted["state"]) == (201, "waiting")
    assert helper["code"] not in answer.text
    assert caller("POST", "/v1/me/delegations", json=body).status_code == 200
    signed_in(stranger, identity_provider, helper)
    received = shaped(delegation_answers.DelegationsOut, stranger("GET", "/v1/me/delegations"))
    (mine,) = received["received"]
    assert (mine["delegation_id"], mine["state"]) == (granted["delegation_id"], "standing")
    under = f"on_behalf_of={granted['delegation_id']}"
    listed = shaped(MyCertificatesOut, stranger("GET", f"/v1/me/certificates?{under}"))
    assert listed["on_behalf_of"]["holder_name"] == mine["holder_name"]
    (certificate,) = listed["certificates"]
    href = certificate["documents"][0]["href"]
    assert under in href
    assert stranger("GET", href).status_code == 200
    assert stranger("GET", href.replace(f"&{under}", "")).status_code == 404
    assert stranger("GET", "/v1/me/certificates").json()["certificates"] == []
    shows = {"certificate_id": str(estate.certificate_id), "on_behalf_of": granted["delegation_id"]}
    made = shaped(
        presentation_answers.MadePresentationOut, stranger("POST", "/v1/me/presentations", json=shows)
    )
    seen = caller("POST", "/v1/presentations", json={"code": made["code"]})
    assert seen.json()["presentation"]["by"] == "delegate"
    acts = caller("GET", "/v1/me/delegations").json()["given"][0]["acts"]
    assert [act["action"] for act in acts] == ["present", "download", "view", "accept", "grant"]
    path = f"/v1/me/delegations/{granted['delegation_id']}"
    ended = shaped(delegation_answers.GivenDelegationOut, caller("DELETE", path))
    assert ended["state"] == "revoked"
    assert stranger("GET", f"/v1/me/certificates?{under}").status_code == 404
    assert stranger("GET", href).status_code == 404
    assert stranger("POST", "/v1/me/presentations", json=shows).status_code == 404
    assert shaped(delegation_answers.ReceivedDelegationOut, stranger("DELETE", path))["state"] == "revoked"
    signed_in(stranger, identity_provider, new_person())
    assert stranger("DELETE", path).status_code == 404


def test_a_presentation_shows_the_chosen_face_once_to_anybody(
    caller: Caller,
    stranger: Caller,
    house: House,
    identity_provider: IdentityProvider,
    holder: Holder,
    estate: CertificateRecord,
) -> None:
    signed_in(caller, identity_provider, holder)
    key = next(iter(estate.fields))
    shows = {"certificate_id": str(estate.certificate_id), "fields": ["holders", key]}
    answer = caller("POST", "/v1/me/presentations", json=shows)
    made = shaped(presentation_answers.MadePresentationOut, answer)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    shown, _, statement = made["url"].partition("&s=")
    assert shown == f"{house.wired.workshop.public_url}/v#p={made['code']}"
    stated = read_statement(made["url"]).statement
    assert statement
    assert (stated.identifier, stated.status) == (estate.identifier, Status.VALID)
    assert stated.holder == stated_holder(estate.holders[0])
    code = {"code": made["code"]}
    seen = stranger("POST", "/v1/presentations", json=code)
    report = shaped(presentation_answers.PresentedOut, seen)
    assert (seen.headers["cache-control"], report["verdict"]) == ("no-store", "genuine")
    assert [check["name"] for check in report["checks"]] == ["presented", "in_force", "logged"]
    certificate = report["certificate"]
    assert certificate["holders"][0]["code"] == holder["code"], "not masked"
    assert (certificate["number"], certificate["fields"]) == (None, {key: estate.fields[key]})
    assert "documents" not in certificate
    refused = [stranger("POST", "/v1/presentations", json=each) for each in (code, {"code": "x"})]
    assert refused[0].content == refused[1].content
    assert refused[0].status_code == 404
    assert refused[0].json()["type"] == "urn:certvault:problem:code-opens-nothing"
    wrong = {**shows, "fields": ["colour"]}
    assert pointers(caller("POST", "/v1/me/presentations", json=wrong)) == ["/fields/0"]
    bad = {"certificate_id": "x", "on_behalf_of": "y"}
    assert pointers(caller("POST", "/v1/me/presentations", json=bad)) == ["/certificate_id", "/on_behalf_of"]
    signed_in(stranger, identity_provider, new_person())
    for body in (shows, {"certificate_id": NOBODY}):
        assert stranger("POST", "/v1/me/presentations", json=body).status_code == 404


def test_a_verifier_who_is_known_is_recorded(
    caller: Caller,
    house: House,
    bearer: dict[str, str],
    identity_provider: IdentityProvider,
    holder: Holder,
    estate: CertificateRecord,
) -> None:
    signed_in(caller, identity_provider, holder)
    shows = {"certificate_id": str(estate.certificate_id)}
    made = [caller("POST", "/v1/me/presentations", json=shows).json() for _ in range(2)]
    number_only = caller("POST", "/v1/me/presentations", json={**shows, "fields": ["number"]}).json()
    assert read_statement(number_only["url"]).statement.holder == ""
    bad = {"authorization": "Bearer x"}
    first = {"code": made[0]["code"]}
    assert caller("POST", "/v1/presentations", json=first, headers=bad).status_code == 401
    assert caller("POST", "/v1/presentations", json=first, headers=bearer).status_code == 200
    assert caller("POST", "/v1/presentations", json={"code": made[1]["code"]}).status_code == 200
    with house.wired.workshop.database.reading(VAULT) as db:
        wanted = [each["presentation_id"] for each in made]
        query = select(presentation_events.c.actor).where(
            presentation_events.c.presentation_id.in_(wanted), presentation_events.c.action == "redeem"
        )
        actors = list(db.execute(query.order_by(presentation_events.c.id)).scalars())
    assert actors[0] == house.client.client_id
    assert actors[1].startswith("person:")


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/v1/me/consents", {"uses": "3"}, "/uses"),
        ("/v1/me/consents", {"uses": True}, "/uses"),
        ("/v1/me/consents", {"types": "x"}, "/types"),
        ("/v1/me/consents", {"more": 1}, "/more"),
        ("/v1/me/consents", {"purpose": None}, "/purpose"),
        ("/v1/me/delegations", {"delegate": {"code_type": "111", "code": "1"}}, "/delegate/code"),
        ("/v1/me/delegations", {"actions": ["sell"]}, "/actions/0"),
    ],
)
def test_a_bad_grant_is_refused_where_it_is_wrong(
    caller: Caller,
    house: House,
    identity_provider: IdentityProvider,
    holder: Holder,
    uscc: str,
    path: str,
    body: dict[str, object],
    pointer: str,
) -> None:
    signed_in(caller, identity_provider, holder)
    whole = consent(house, uscc) if path.endswith("consents") else delegation(house, new_person())
    assert pointers(caller("POST", path, json=whole | body)) == [pointer]


def test_who_is_no_holder_grants_nothing(
    caller: Caller, house: House, identity_provider: IdentityProvider, uscc: str
) -> None:
    identity_provider.let_in(caller, identity_provider.admit(Role.CLERK, organisation="11990100MB9900021U"))
    assert caller("POST", "/v1/me/consents", json=consent(house, uscc)).status_code == 403
    assert caller("POST", "/v1/me/delegations", json=delegation(house, new_person())).status_code == 403
    assert caller("POST", "/v1/me/presentations", json={"certificate_id": NOBODY}).status_code == 404
    for path in ("/v1/me/consents", "/v1/me/delegations"):
        assert caller("GET", path).status_code == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me/consents"),
        ("GET", "/v1/me/delegations"),
        ("DELETE", f"/v1/me/consents/{NOBODY}"),
        ("DELETE", f"/v1/me/delegations/{NOBODY}"),
        ("GET", f"/v1/me/certificates?on_behalf_of={NOBODY}"),
    ],
)
def test_nobody_comes_in_without_a_name(caller: Caller, method: str, path: str) -> None:
    assert caller(method, path).status_code == 401
