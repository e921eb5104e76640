"""A holder's history and disputes as browsers and systems meet them, in the shapes of `/openapi.json`."""

import secrets
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from api.answers import accesses as answers
from api.answers.certificates import HistoryOut
from api.answers.verification import ReportOut
from storage.certificates import record
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_contract_over_http import shaped
from tests.edge.test_uses_over_http import NOBODY, signed_in
from tests.files import sealed_bytes
from tests.flows.test_reuse import CONSTRUCTION, new_company
from tests.provider import IdentityProvider
from tests.requests import example_request
from vault import signin
from vault.accesses import read_order, record_order
from vault.model.access import MACHINE
from vault.model.certificate import CertificateRecord

pytestmark = pytest.mark.engines

HIDDEN = "文样窗"


@pytest.fixture
def company() -> dict[str, str]:
    return new_company()


@pytest.fixture
def certificate(
    caller: Caller, bearer: dict[str, str], house: House, company: dict[str, str]
) -> dict[str, Any]:
    """The receipt of a construction permit."""
    request = example_request(house.catalogue, CONSTRUCTION)
    request["results"][0]["holders"] = [company]
    request["case"]["applicant"] = company
    answer = caller("POST", "/v1/deposits", json=request, headers=bearer)
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = answer.json()["receipts"][0]
    return receipt


def document(house: House, certificate: dict[str, Any]) -> bytes:
    """The sealed file."""
    workshop = house.wired.workshop
    with workshop.database.reading() as db:
        found = record(db, workshop.keys, UUID(certificate["certificate_id"]))
    assert isinstance(found, CertificateRecord)
    return sealed_bytes(house, found)


def dispute(certificate: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "certificate_id": certificate["certificate_id"],
        "kind": "wrong_data",
        "statement": f"住所有误 {secrets.token_hex(4)}",
        **changes,
    }


def test_a_holder_reads_who_looked_page_by_page(
    caller: Caller,
    bearer: dict[str, str],
    identity_provider: IdentityProvider,
    company: dict[str, str],
    certificate: dict[str, Any],
) -> None:
    holder = {key: company[key] for key in ("code_type", "code")}
    acting = {**bearer, "acting-for": "staff_number=W0118&name=%E6%96%87%E6%A0%B7%E7%AA%97"}
    for _ in range(3):
        asked = {"holder": holder, "purpose": "办理", "case_number": "SL-3"}
        assert caller("POST", "/v1/holdings", json=asked, headers=acting).status_code == 200
    signed_in(caller, identity_provider, company)
    first = shaped(answers.AccessesOut, caller("GET", "/v1/me/accesses?limit=2"))
    rest = shaped(answers.AccessesOut, caller("GET", f"/v1/me/accesses?before={first['next']}"))
    seen = [*first["accesses"], *rest["accesses"]]
    assert [one["action"] for one in seen] == ["holdings", "holdings", "holdings", "deposit"]
    assert (rest["next"], seen[0]["who"]["role"], seen[0]["case_number"]) == (None, "clerk", "SL-3")
    assert set(seen[0]) == set(answers.AccessOut.model_fields)
    assert HIDDEN not in str(seen)
    assert "W0118" not in str(seen)
    about = f"/v1/me/accesses?certificate_id={certificate['certificate_id']}"
    assert caller("GET", about).json()["accesses"] == seen
    signed_in(caller, identity_provider, new_company())
    assert caller("GET", "/v1/me/accesses").json() == {"accesses": [], "next": None}
    assert caller("GET", about).status_code == 404
    for bad in ("limit=0", "limit=101", "before=x", "certificate_id=x", f"before={'x' * 1001}"):
        assert caller("GET", f"/v1/me/accesses?{bad}").status_code == 422, bad


def test_a_dispute_over_http_from_both_sides(
    caller: Caller,
    bearer: dict[str, str],
    house: House,
    identity_provider: IdentityProvider,
    company: dict[str, str],
    certificate: dict[str, Any],
) -> None:
    request = dispute(certificate)
    signed_in(caller, identity_provider, new_company())
    assert caller("POST", "/v1/me/disputes", json=request).status_code == 404
    signed_in(caller, identity_provider, company)
    cross = {"sec-fetch-site": "cross-site"}
    assert caller("POST", "/v1/me/disputes", json=request, headers=cross).status_code == 403
    first = caller("POST", "/v1/me/disputes", json=request)
    again = caller("POST", "/v1/me/disputes", json=request)
    assert (first.status_code, again.status_code, again.json()) == (201, 200, first.json()), first.text
    made = shaped(answers.DisputeOut, first)
    path = f"/v1/disputes/{made['dispute_id']}/decision"
    name = f"stranger-{secrets.token_hex(4)}"
    stranger = signin.add_client(house.wired.workshop, name, "x", frozenset(), at=datetime.now(UTC))
    form = {"grant_type": "client_credentials"}
    token = caller("POST", "/oauth/token", data=form, auth=(stranger.client_id, stranger.secret)).json()
    theirs = {"authorization": f"Bearer {token['access_token']}"}
    assert caller("GET", "/v1/disputes", headers=theirs).json() == {"disputes": [], "next": None}
    assert caller("POST", path, json={"decision": "accept"}, headers=theirs).status_code == 404
    listed = shaped(answers.DisputesOut, caller("GET", "/v1/disputes?state=submitted", headers=bearer))
    assert made in listed["disputes"]
    accepted = caller("POST", path, json={"decision": "accept"}, headers=bearer)
    assert (accepted.status_code, shaped(answers.DisputeOut, accepted)["state"]) == (201, "accepted")
    assert caller("POST", path, json={"decision": "accept"}, headers=bearer).status_code == 200
    refused = caller("POST", path, json={"decision": "reject", "reason": "x"}, headers=bearer)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "/decision")
    question = {"number": example_number(house), "code": certificate["verification_code"]}
    report = shaped(ReportOut, caller("POST", "/v1/verifications", json=question))
    assert (report["verdict"], report["dispute"]["status"]) == ("genuine", "under_dispute")
    page = caller("POST", "/", files={"number": (None, question["number"]), "code": (None, question["code"])})
    assert "存在异议" in page.text
    seen = shaped(
        HistoryOut, caller("GET", f"/v1/certificates/{certificate['certificate_id']}", headers=bearer)
    )
    assert seen["dispute"] == report["dispute"]
    assert "存在异议" in caller("GET", "/my").text
    assert 'certvault_disputes{state="accepted"}' in caller("GET", "/metrics").text
    assert "certvault_disputes_overdue" in caller("GET", "/metrics").text
    resolve = {"decision": "resolve", "outcome": "upheld", "reason": "已更正"}
    assert caller("POST", path, json=resolve, headers=bearer).status_code == 201
    assert caller("POST", "/v1/verifications", json=question).json()["dispute"] is None
    mine = shaped(answers.DisputesOut, caller("GET", "/v1/me/disputes"))
    assert [step["state"] for step in mine["disputes"][0]["history"]] == ["submitted", "accepted", "resolved"]
    signed_in(caller, identity_provider, new_company())
    assert caller("GET", "/v1/me/disputes").json() == {"disputes": [], "next": None}


def example_number(house: House) -> str:
    return str(example_request(house.catalogue, CONSTRUCTION)["results"][0]["number"])


def test_what_strangers_verify_is_counted_for_the_holder(
    caller: Caller,
    app: FastAPI,
    house: House,
    identity_provider: IdentityProvider,
    company: dict[str, str],
    certificate: dict[str, Any],
) -> None:
    question = {"number": example_number(house), "code": certificate["verification_code"]}
    wrong = {**question, "code": "0000000000"}
    for asked in (question, wrong, question):
        caller("POST", "/v1/verifications", json=asked)
    caller("POST", "/", files={"number": (None, question["number"]), "code": (None, question["code"])})
    file = document(house, certificate)
    caller("POST", "/v1/verifications", content=file, headers={"content-type": "application/pdf"})
    app.state.edge.hand_over_counts()
    signed_in(caller, identity_provider, company)
    newest = shaped(answers.AccessesOut, caller("GET", "/v1/me/accesses"))["accesses"][0]
    assert (newest["action"], newest["count"], newest["who"]["kind"]) == ("public-verification", 4, "public")
    assert newest["summary"]["zh"].endswith(f"当日共 4 次查验了《{CONSTRUCTION}》。")


@pytest.mark.parametrize(
    ("changes", "status", "pointers"),
    [
        ({"kind": "x"}, 422, ["/kind"]),
        ({"statement": ""}, 422, ["/statement"]),
        ({"statement": "x" * 10_001}, 422, ["/statement"]),
        ({"certificate_id": None}, 422, [""]),
        ({"certificate_id": NOBODY}, 404, None),
        ({"certificate_id": None, "access_id": "AAAAAAAAAAE", "kind": "other"}, 404, None),
        ({"more": 1}, 422, ["/more"]),
    ],
    ids=str,
)
def test_a_bad_dispute_is_refused(
    caller: Caller,
    identity_provider: IdentityProvider,
    company: dict[str, str],
    certificate: dict[str, Any],
    changes: dict[str, object],
    status: int,
    pointers: list[str] | None,
) -> None:
    signed_in(caller, identity_provider, company)
    refused = caller("POST", "/v1/me/disputes", json=dispute(certificate, **changes))
    assert refused.status_code == status, refused.text
    if pointers is not None:
        assert [error["pointer"] for error in refused.json()["errors"]] == pointers
    assert caller("GET", "/v1/me/disputes").json()["disputes"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me/accesses"),
        ("GET", "/v1/me/disputes"),
        ("GET", "/v1/disputes"),
    ],
)
def test_nobody_comes_in_without_a_name(caller: Caller, method: str, path: str) -> None:
    assert caller(method, path).status_code == 401


def test_what_an_order_defers_is_not_told_over_http(
    caller: Caller,
    bearer: dict[str, str],
    house: House,
    identity_provider: IdentityProvider,
    company: dict[str, str],
    certificate: dict[str, Any],
) -> None:
    at = datetime.now(UTC)
    holder = {key: company[key] for key in ("code_type", "code")}
    order = {
        "kind": "supervision",
        "number": secrets.token_hex(8),
        "issuing_body": "样例市监察委员会",
        "legal_basis": "监察法",
        "holder": holder,
        "until": datetime.fromtimestamp(at.timestamp() + 5 * 86400, UTC).date().isoformat(),
    }
    record_order(house.wired.workshop, MACHINE, read_order(order, at=at), by="w0120", at=at)
    file = certificate["documents"][0]["href"]
    assert caller("GET", file, headers=bearer).status_code == 200
    signed_in(caller, identity_provider, company)
    assert [a["action"] for a in caller("GET", "/v1/me/accesses").json()["accesses"]] == ["deposit"]
