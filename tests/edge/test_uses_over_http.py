"""Uses as clients and holders meet them: the answers have the shapes that `/openapi.json` promises."""

import base64
import hashlib
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest

from api.answers import uses as answers
from api.answers.verification import ReportOut
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_contract_over_http import shaped
from tests.flows.test_reuse import CONSTRUCTION, PRESALE, new_company, with_material
from tests.provider import IdentityProvider
from tests.requests import example_request, new_case_number
from vault import signin
from vault.model.actors import Role
from vault.model.holders import HolderCode

pytestmark = pytest.mark.engines

PURPOSE = "办理商品房预售许可"
NOBODY = "00000000-0000-7000-8000-000000000000"


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


@pytest.fixture
def receiver(caller: Caller, house: House) -> dict[str, str]:
    """The header of another approval system, which issues nothing."""
    name = f"receiver-{secrets.token_hex(4)}"
    made = signin.add_client(
        house.wired.workshop, name, "样例省政务服务平台", frozenset(), at=datetime.now(UTC)
    )
    form = {"grant_type": "client_credentials"}
    granted = caller("POST", "/oauth/token", data=form, auth=(made.client_id, made.secret))
    return {"authorization": f"Bearer {granted.json()['access_token']}"}


def body(certificate: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "certificate_id": certificate["certificate_id"],
        "case_number": new_case_number(),
        "service_item": PRESALE,
        "purpose": PURPOSE,
        "clerk": "文样窗",
        "copy": True,
        **changes,
    }


def signed_in(caller: Caller, provider: IdentityProvider, holder: dict[str, str]) -> None:
    code = HolderCode.parse(holder["code_type"], holder["code"])
    entered = provider.let_in(caller, provider.admit(Role.HOLDER, code=code))
    assert entered.status_code == 303


def test_a_use_from_its_code_to_its_revocation(
    caller: Caller, bearer: dict[str, str], receiver: dict[str, str], certificate: dict[str, Any]
) -> None:
    request = body(certificate)
    first = caller("POST", "/v1/uses", json=request, headers=bearer)
    again = caller("POST", "/v1/uses", json=request, headers=bearer)
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.headers["cache-control"] == again.headers["cache-control"] == "no-store"
    made, repeated = shaped(answers.MadeUseOut, first), shaped(answers.MadeUseOut, again)
    assert {**made, "code": "", "code_expires_at": ""} == {**repeated, "code": "", "code_expires_at": ""}
    assert len(base64.urlsafe_b64decode(made["code"] + "==")) == 16

    file = caller("GET", made["copy"]["href"], headers=bearer)
    digest = hashlib.sha256(file.content).digest()
    assert (file.status_code, digest.hex()) == (200, made["copy"]["sha256"])
    assert file.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert caller("GET", made["copy"]["href"], headers=receiver).status_code == 404

    shown = caller("POST", "/v1/uses/redemptions", json={"code": made["code"]}, headers=receiver)
    assert shown.status_code == 201, shown.text
    assert shown.headers["cache-control"] == "no-store"
    got = shaped(answers.RedemptionOut, shown)
    assert got["certificate"]["certificate_id"] == certificate["certificate_id"]
    assert set(got["certificate"]) == set(answers.UsedCertificateOut.model_fields)
    assert got["material"] is None
    assert "code" not in got["use"]
    shown_again = caller("POST", "/v1/uses/redemptions", json={"code": made["code"]}, headers=receiver)
    assert (shown_again.status_code, shown_again.json()) == (200, got)
    assert caller("GET", made["copy"]["href"], headers=receiver).content == file.content
    other = caller("POST", "/v1/uses/redemptions", json={"code": made["code"]}, headers=bearer)
    assert (other.status_code, "another system" in other.json()["detail"]) == (409, True)

    pdf = {"content-type": "application/pdf"}
    genuine = shaped(ReportOut, caller("POST", "/v1/verifications", content=file.content, headers=pdf))
    assert (genuine["verdict"], genuine["usage_copy"]["purpose"]) == ("genuine", PURPOSE)
    page = caller("POST", "/", files={"file": ("copy.pdf", file.content, "application/pdf")})
    assert PURPOSE in page.text
    assert "加注件，只供一次用途" in page.text

    path = f"/v1/uses/{made['use_id']}/revocation"
    assert caller("POST", path, headers=receiver).status_code == 404
    revoked = caller("POST", path, headers=bearer)
    assert shaped(answers.UseOut, revoked)["revoked_at"] is not None
    assert caller("POST", path, headers=bearer).json() == revoked.json()
    gone = caller("GET", made["copy"]["href"], headers=bearer)
    assert (gone.status_code, "was revoked on" in gone.json()["detail"]) == (404, True)
    ended = shaped(ReportOut, caller("POST", "/v1/verifications", content=file.content, headers=pdf))
    assert (ended["verdict"], ended["reason"]) == ("not_in_force", "copy_revoked")
    assert caller("POST", "/v1/uses", json=request, headers=bearer).status_code == 409


@pytest.mark.parametrize(
    ("changes", "status", "pointers"),
    [
        ({"copy": "yes"}, 422, ["/copy"]),
        ({"certificate_id": 1}, 422, ["/certificate_id"]),
        ({"certificate_id": None}, 422, [""]),
        ({"certificate_id": "x" * 1001}, 422, ["/certificate_id"]),
        ({"certificate_id": NOBODY}, 404, None),
        ({"material_id": NOBODY}, 422, [""]),
        ({"material_id": NOBODY, "certificate_id": None}, 404, None),
        ({"service_item": "118"}, 422, ["/service_item"]),
        ({"purpose": ""}, 422, ["/purpose"]),
        ({"case_number": " ", "purpose": "x" * 61}, 422, ["/case_number", "/purpose"]),
        ({"clerk": "\u202e"}, 422, ["/clerk"]),
        ({"organisation": ""}, 422, ["/organisation"]),
        ({"holder": "x"}, 422, ["/holder"]),
    ],
    ids=str,
)
def test_a_bad_request_names_its_fields(
    caller: Caller,
    bearer: dict[str, str],
    certificate: dict[str, Any],
    changes: dict[str, object],
    status: int,
    pointers: list[str] | None,
) -> None:
    answer = caller("POST", "/v1/uses", json=body(certificate, **changes), headers=bearer)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    if pointers is not None:
        assert [error["pointer"] for error in answer.json()["errors"]] == pointers


@pytest.mark.parametrize("name", ["case_number", "service_item", "purpose"])
def test_what_is_missing_is_named(
    caller: Caller, bearer: dict[str, str], certificate: dict[str, Any], name: str
) -> None:
    request = body(certificate)
    del request[name]
    answer = caller("POST", "/v1/uses", json=request, headers=bearer)
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{name}"]


def test_what_is_not_in_force_is_refused_with_the_reason(
    caller: Caller, bearer: dict[str, str], certificate: dict[str, Any]
) -> None:
    today = datetime.now(UTC).date().isoformat()
    change = {"action": "revoke", "reason": "以欺骗手段取得", "effective_on": today}
    path = f"/v1/certificates/{certificate['certificate_id']}/status"
    done = caller("POST", path, json=change, headers=bearer)
    assert done.status_code == 201, done.text
    answer = caller("POST", "/v1/uses", json=body(certificate), headers=bearer)
    assert answer.status_code == 409
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/certificate_id"]
    assert f"was revoked on {today}. Reason given: 以欺骗手段取得" in answer.json()["detail"]


@pytest.mark.parametrize("code", ["", "x", "q0Zc3vT1QmWm2mQyJ0r5aA", "x" * 1000, "用证码"])
def test_a_wrong_code_is_always_the_same_404(caller: Caller, bearer: dict[str, str], code: str) -> None:
    answer = caller("POST", "/v1/uses/redemptions", json={"code": code}, headers=bearer)
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "This code opens nothing: it is wrong, was used before, or its time is over.",
    )


@pytest.mark.parametrize(
    "request_", [{}, {"code": 1}, {"code": "x" * 1001}, {"code": "x", "more": 1}], ids=str
)
def test_a_bad_redemption_is_refused(
    caller: Caller, bearer: dict[str, str], request_: dict[str, object]
) -> None:
    assert caller("POST", "/v1/uses/redemptions", json=request_, headers=bearer).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/uses"),
        ("POST", "/v1/uses/redemptions"),
        ("GET", f"/v1/uses/{NOBODY}/copy"),
        ("POST", f"/v1/uses/{NOBODY}/revocation"),
        ("GET", "/v1/me/accesses"),
        ("DELETE", f"/v1/me/uses/{NOBODY}"),
    ],
)
def test_nobody_comes_in_without_a_name(caller: Caller, method: str, path: str) -> None:
    request: dict[str, Any] = {"json": {}} if path in {"/v1/uses", "/v1/uses/redemptions"} else {}
    assert caller(method, path, **request).status_code in {401, 422}
    if not request:
        assert caller(method, path).status_code == 401


def test_a_copy_of_a_material_over_http(
    caller: Caller, bearer: dict[str, str], house: House, company: dict[str, str]
) -> None:
    with_material(house, company, "CL0007", "B")
    holder = {key: company[key] for key in ("code_type", "code")}
    held = caller("POST", "/v1/holdings", json={"holder": holder, "purpose": "a test"}, headers=bearer)
    (material,) = held.json()["materials"]
    request = body({"certificate_id": None}, material_id=material["material_id"])
    made = shaped(answers.MadeUseOut, caller("POST", "/v1/uses", json=request, headers=bearer))
    got = caller("POST", "/v1/uses/redemptions", json={"code": made["code"]}, headers=bearer)
    assert shaped(answers.RedemptionOut, got)["material"]["material_id"] == material["material_id"]
    file = caller("GET", made["copy"]["href"], headers=bearer).content
    pdf = {"content-type": "application/pdf"}
    report = shaped(ReportOut, caller("POST", "/v1/verifications", content=file, headers=pdf))
    assert (report["verdict"], report["certificate"]) == ("genuine", None)
    page = caller("POST", "/", files={"file": ("copy.pdf", file, "application/pdf")})
    assert (page.status_code, PURPOSE in page.text) == (200, True)


def test_a_holder_sees_each_use_and_ends_one(
    caller: Caller,
    bearer: dict[str, str],
    identity_provider: IdentityProvider,
    company: dict[str, str],
    certificate: dict[str, Any],
) -> None:
    made = [
        caller("POST", "/v1/uses", json=body(certificate, copy=copy), headers=bearer).json()
        for copy in (True, False, False)
    ]
    signed_in(caller, identity_provider, new_company())
    path = f"/v1/me/uses/{made[0]['use_id']}"
    assert caller("DELETE", path).status_code == 404
    signed_in(caller, identity_provider, company)
    seen = [a for a in caller("GET", "/v1/me/accesses").json()["accesses"] if a["use"] is not None]
    assert [one["use"]["use_id"] for one in seen] == [one["use_id"] for one in reversed(made)]
    assert (seen[2]["purpose"], seen[2]["use"]["copy"]) == (PURPOSE, True)
    assert caller("DELETE", path, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    revoked = caller("DELETE", path)
    assert shaped(answers.UseOut, revoked)["revoked_at"] is not None
    assert caller("DELETE", path).json() == revoked.json()
    assert caller("GET", made[0]["copy"]["href"], headers=bearer).status_code == 404
    ended = caller("GET", "/v1/me/accesses").json()["accesses"]
    assert [a["action"] for a in ended[:2]] == ["refused-download", "use-revoke"]
    assert ended[1]["who"]["kind"] == "you"
