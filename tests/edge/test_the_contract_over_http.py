"""The public contract, as a client meets it: every answer has the shape that `/openapi.json` promises."""

import base64
import hashlib
import secrets
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from api import answers
from api.app import create_app
from api.wiring import reader_of
from storage.blobs import BlobStore
from storage.s3 import StoreAddress
from storage.upload_keys import put_upload
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.files import uploaded_bytes
from tests.papers import new_pdf
from tests.provider import IdentityProvider
from tests.requests import FOOD, example_request, new_case_number
from tests.signing.ofd_judge import attacks as ofd_attacks
from tests.signing.ofd_judge import making as ofd
from vault import signin
from vault.model.actors import Role
from vault.model.holders import HolderCode
from vault.uploads import keep_upload, uploads_of

pytestmark = pytest.mark.engines


def shaped(shape: type[BaseModel], answer: httpx.Response) -> dict[str, Any]:
    """The answer's JSON, which has every field of the shape and no other."""
    shape.model_validate_json(answer.content)
    found: dict[str, Any] = answer.json()
    assert set(found) == {field.alias or name for name, field in shape.model_fields.items()}
    return found


@pytest.fixture
def deposited(caller: Caller, bearer: dict[str, str], house: House) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request and its answer."""
    request = example_request(house.catalogue)
    answer = caller("POST", "/v1/deposits", json=request, headers=bearer)
    assert answer.status_code == 201, answer.text
    return request, shaped(answers.DepositOut, answer)


def test_a_deposit_its_repeat_and_its_receipts_again(
    caller: Caller, bearer: dict[str, str], deposited: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    request, receipts = deposited
    again = caller("POST", "/v1/deposits", json=request, headers=bearer)
    assert (again.status_code, again.json()) == (200, receipts)
    asked = caller("GET", f"/v1/cases/{request['case']['number']}", headers=bearer)
    assert (asked.status_code, asked.json()) == (200, receipts)


@pytest.mark.parametrize(
    "around", ["{}", "  {} ", "{}/2026/3", "办/{}", "\t{}\n", "Caf\u0065\u0301-{}", "?{}#"]
)
def test_a_case_is_found_by_the_number_as_it_was_sent(
    caller: Caller, bearer: dict[str, str], house: House, around: str
) -> None:
    number = around.format(new_case_number())
    request = example_request(house.catalogue, case_number=number)
    receipts = caller("POST", "/v1/deposits", json=request, headers=bearer)
    assert receipts.status_code == 201, receipts.text
    for asked in (number, receipts.json()["case_number"]):
        again = caller("GET", f"/v1/cases/{quote(asked, safe='')}", headers=bearer)
        assert (again.status_code, again.json()) == (200, receipts.json())
        # A line break is in no deposited number, and no address has one before its end.
        close = caller("GET", f"/v1/cases/{quote(asked.strip(), safe='')}/may-close", headers=bearer)
        assert (close.status_code, close.json()) == (200, {"may_close": True, "missing": []})


@pytest.mark.parametrize("number", ["%00", "a%0Ab", "%ED%A0%80", "%20", ""])
def test_a_case_number_that_is_no_text_is_no_case(
    caller: Caller, bearer: dict[str, str], number: str
) -> None:
    answer = caller("GET", f"/v1/cases/{number}", headers=bearer)
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_is_left_out_and_null_are_the_same_deposit(
    caller: Caller, bearer: dict[str, str], house: House
) -> None:
    request = example_request(house.catalogue)
    del request["materials"]
    request["results"][0] |= {"document": None, "supersedes": None}
    first = caller("POST", "/v1/deposits", json=request, headers=bearer)
    for name in ("document", "supersedes"):
        del request["results"][0][name]
    request["materials"] = None
    second = caller("POST", "/v1/deposits", json=request, headers=bearer)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()


@pytest.mark.parametrize(
    "item",
    ["11010519491231002X", "11010519491231002x", "91350100M000100Y43", "张样例", "a b", "-1", "9" * 65],
)
def test_a_service_item_is_a_code_and_nobodys_number(
    caller: Caller, bearer: dict[str, str], house: House, item: str
) -> None:
    """It is kept in clear: somebody's number or name in it would be, too."""
    request = example_request(house.catalogue)
    request["case"]["service_item"] = item
    answer = caller("POST", "/v1/deposits", json=request, headers=bearer)
    assert (answer.status_code, item in answer.text) == (422, False)
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/case/service_item"]


@pytest.mark.parametrize("item", ["000131002000", "11990100MB9900101F4000131002000", "city-7.a_1", "118"])
def test_a_service_item_that_nobody_listed_is_taken(
    caller: Caller, bearer: dict[str, str], house: House, item: str
) -> None:
    request = example_request(house.catalogue)
    request["case"]["service_item"] = item
    assert caller("POST", "/v1/deposits", json=request, headers=bearer).status_code == 201


def test_the_sealed_file_comes_back_with_its_digest(
    caller: Caller, bearer: dict[str, str], deposited: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    [receipt] = deposited[1]["receipts"]
    for document in receipt["documents"]:
        file = caller("GET", document["href"], headers=bearer)
        digest = hashlib.sha256(file.content).digest()
        assert digest.hex() == document["sha256"]
        assert file.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
        assert file.headers["content-type"] == f"application/{document['format']}"
        assert file.headers["content-disposition"].endswith(f'.{document["format"]}"')


def ways(receipt: dict[str, Any], sealed: bytes) -> dict[str, dict[str, Any]]:
    token = receipt["verify_url"].partition("#t=")[2]
    return {
        "token": {"json": {"token": token}},
        "code": {"json": {"number": receipt["number"], "code": receipt["verification_code"].lower()}},
        "file": {"content": sealed, "headers": {"content-type": "application/pdf"}},
        "octets": {"content": sealed, "headers": {"content-type": "application/octet-stream"}},
        "form": {"files": {"file": ("a.pdf", sealed)}},
    }


@pytest.mark.parametrize("way", ["token", "code", "file", "octets", "form"])
def test_anybody_can_verify_it(
    caller: Caller, bearer: dict[str, str], deposited: tuple[dict[str, Any], dict[str, Any]], way: str
) -> None:
    request, answer = deposited
    [receipt] = answer["receipts"]
    sealed = caller("GET", receipt["documents"][0]["href"], headers=bearer).content
    found = caller("POST", "/v1/verifications", **ways(receipt, sealed)[way])
    assert found.status_code == 200, found.text
    report = shaped(answers.ReportOut, found)
    assert report["verdict"] == "genuine"
    assert report["certificate"]["identifier"] == receipt["identifier"]
    holder = request["results"][0]["holders"][0]
    assert holder["name"] not in found.text


@pytest.mark.parametrize("way", ["number and code", "file", "token"])
def test_a_browser_gets_the_report_as_a_page(
    caller: Caller, bearer: dict[str, str], deposited: tuple[dict[str, Any], dict[str, Any]], way: str
) -> None:
    [receipt] = deposited[1]["receipts"]
    sealed = caller("GET", receipt["documents"][0]["href"], headers=bearer).content
    forms: dict[str, Callable[[], httpx.Response]] = {
        "number and code": lambda: caller(
            "POST", "/?lang=en", data={"number": receipt["number"], "code": receipt["verification_code"]}
        ),
        "file": lambda: caller("POST", "/?lang=en", files={"file": ("a.pdf", sealed)}),
        "token": lambda: caller("POST", "/v?lang=en", data={"t": receipt["verify_url"].partition("#t=")[2]}),
    }
    page = forms[way]()
    assert page.status_code == 200
    assert "Genuine and in force" in page.text
    assert receipt["identifier"] in page.text


def test_nothing_found_is_a_report_too(caller: Caller) -> None:
    answer = caller("POST", "/v1/verifications", json={"token": secrets.token_urlsafe(16)})
    assert answer.status_code == 200
    assert shaped(answers.ReportOut, answer)["verdict"] == "unrecognised"


@pytest.mark.parametrize("as_form", [False, True], ids=["file", "form"])
def test_an_ofd_is_judged_where_a_pdf_is(caller: Caller, app: FastAPI, as_form: bool) -> None:  # noqa: FBT001 - a pytest parameter
    for content, verdict in ((ofd.packed(ofd.ours()), "foreign"), (ofd.packed({"a": b""}), "unrecognised")):
        raw = {"content": content, "headers": {"content-type": "application/ofd"}}
        form = {"files": {"file": ("a.ofd", content)}}
        with app.state.edge.judges:
            answer = caller("POST", "/v1/verifications", **(form if as_form else raw))
        report = shaped(answers.ReportOut, answer)
        assert report["verdict"] == verdict


def test_an_ofd_that_breaks_a_rule_is_not_kept(caller: Caller, bearer: dict[str, str]) -> None:
    headers = {**bearer, "content-type": "application/ofd"}
    for make, rule in ((ofd_attacks.two_of_one_name, "O1: "), (ofd_attacks.doctype, "O2: "), (None, "O3: ")):
        content = ofd.packed({"a": b""}) if make is None else make()
        digest = hashlib.sha256(content).hexdigest()
        answer = caller("PUT", f"/v1/uploads/{digest}", content=content, headers=headers)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "document-refused")
        assert answer.json()["detail"].startswith(rule)
    content = ofd.packed(ofd.ours())
    digest = hashlib.sha256(content).hexdigest()
    assert caller("PUT", f"/v1/uploads/{digest}", content=content, headers=headers).status_code == 201


def test_an_upload_is_kept_once_and_only_under_its_own_digest(caller: Caller, bearer: dict[str, str]) -> None:
    content = new_pdf()
    digest = hashlib.sha256(content).hexdigest()
    pdf = {**bearer, "content-type": "application/pdf"}
    for sha256, status in [(digest, 201), (digest, 200), (digest.upper(), 200)]:
        answer = caller("PUT", f"/v1/uploads/{sha256}", content=content, headers=pdf)
        assert (answer.status_code, shaped(answers.UploadOut, answer)["sha256"]) == (status, digest)
    refused = caller("PUT", f"/v1/uploads/{'0' * 64}", content=content, headers=pdf)
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert error["pointer"] == "/sha256"
    assert "0" * 64 in error["detail"]
    assert digest in error["detail"]
    wrong_kind = caller(
        "PUT", f"/v1/uploads/{digest}", content=content, headers={**bearer, "content-type": "text/x"}
    )
    assert wrong_kind.status_code == 415


def test_a_damaged_upload_is_mended_by_sending_it_again(
    caller: Caller, bearer: dict[str, str], house: House
) -> None:
    content = new_pdf()
    digest = hashlib.sha256(content).hexdigest()
    workshop, client_id = house.wired.workshop, house.client.client_id
    other = new_pdf()
    keep_upload(workshop, house.client, hashlib.sha256(other).hexdigest(), other)
    key = uploads_of(workshop, client_id).key
    assert key is not None
    put_upload(workshop.blobs, key, client_id, digest, content[:-1])
    pdf = {**bearer, "content-type": "application/pdf"}
    answers_given = [
        caller("PUT", f"/v1/uploads/{digest}", content=content, headers=pdf).status_code for _ in range(2)
    ]
    assert answers_given == [201, 200]
    assert uploaded_bytes(house, digest) == content


def test_a_look_up_finds_it_by_holder_and_by_number(
    caller: Caller, bearer: dict[str, str], deposited: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    request, answer = deposited
    holder = {name: request["results"][0]["holders"][0][name] for name in ("code_type", "code")}
    held = caller("POST", "/v1/holdings", json={"holder": holder, "purpose": "a test"}, headers=bearer)
    found = shaped(answers.HoldingsOut, held)["certificates"]
    assert answer["receipts"][0]["certificate_id"] in [c["certificate_id"] for c in found]
    number = {"number": answer["receipts"][0]["number"], "purpose": "a test"}
    numbered = caller("POST", "/v1/lookups", json=number, headers=bearer)
    found = shaped(answers.CertificatesOut, numbered)["certificates"]
    assert answer["receipts"][0]["certificate_id"] in [c["certificate_id"] for c in found]


def test_a_wrong_holder_code_is_told_at_its_place(caller: Caller, bearer: dict[str, str]) -> None:
    body = {"holder": {"code_type": "111", "code": "110105194912310021"}, "purpose": "a test"}
    answer = caller("POST", "/v1/holdings", json=body, headers=bearer)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/holder/code"]
    assert "110105194912310021" not in answer.text


def test_the_catalogue_is_open_and_its_examples_deposit(
    caller: Caller, bearer: dict[str, str], house: House
) -> None:
    types = shaped(answers.TypesOut, caller("GET", "/v1/catalogue/types"))["types"]
    assert len(types) == len(house.catalogue.types)
    kind = next(one for one in types if one["name"] == FOOD)
    assert shaped(answers.TypeOut, caller("GET", f"/v1/catalogue/types/{kind['code']}")) == kind
    request = example_request(house.catalogue) | {"results": [kind["example"]]}
    assert caller("POST", "/v1/deposits", json=request, headers=bearer).status_code == 201


def test_a_holder_sees_and_downloads_what_is_theirs_and_nobody_elses(
    caller: Caller,
    identity_provider: IdentityProvider,
    deposited: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    request, answer = deposited
    holder = request["results"][0]["holders"][0]
    owner = HolderCode.parse(holder["code_type"], holder["code"])
    stranger = HolderCode.parse("111", "440524188001010014")  # GB 11643's other example
    seen = {}
    [receipt] = answer["receipts"]
    sha256 = receipt["documents"][0]["sha256"]
    path = f"/v1/me/certificates/{receipt['certificate_id']}/document?format=pdf&sha256={sha256}"
    for code in (owner, stranger):
        entered = identity_provider.let_in(caller, identity_provider.admit(Role.HOLDER, code=code))
        assert entered.headers["location"] == "/my"
        mine = shaped(answers.CertificatesOut, caller("GET", "/v1/me/certificates"))["certificates"]
        listed = receipt["certificate_id"] in [one["certificate_id"] for one in mine]
        page = caller("GET", "/my")
        assert (path.replace("&", "&amp;") in page.text) is listed
        hrefs = [d["href"] for one in mine for d in one["documents"]]
        assert (path in hrefs) is listed
        assert {caller("GET", href).status_code for href in hrefs} <= {200}
        seen[code] = (listed, caller("GET", path).status_code)
        assert caller("POST", "/signout").status_code == 303
        assert caller("GET", path).status_code == 401
    assert seen == {owner: (True, 200), stranger: (False, 404)}
    assert caller("GET", "/my").headers["location"] == "/signin?to=/my"


def test_a_token_dies_with_its_client(caller: Caller, house: House) -> None:
    at = datetime.now(UTC)
    made = signin.add_client(house.wired.workshop, "gone-" + secrets.token_hex(4), "x", frozenset(), at=at)
    form = {"grant_type": "client_credentials"}
    granted = caller("POST", "/oauth/token", data=form, auth=(made.client_id, made.secret))
    assert granted.headers["cache-control"] == "no-store"
    bearer = {"authorization": f"Bearer {shaped(answers.TokenOut, granted)['access_token']}"}
    assert caller("GET", "/v1/cases/none", headers=bearer).status_code == 404
    signin.disable_client(house.wired.workshop, made.client_id, at=at)
    refused = caller("GET", "/v1/cases/none", headers=bearer)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="certvault"')


@pytest.mark.parametrize(
    ("form", "auth", "status", "error"),
    [
        ({"grant_type": "client_credentials"}, None, 401, "invalid_client"),
        ({"grant_type": "client_credentials"}, ("suite", "wrong"), 401, "invalid_client"),
        ({"grant_type": "password"}, ("suite", "wrong"), 400, "unsupported_grant_type"),
        ({}, ("suite", "wrong"), 400, "invalid_request"),
        ({"grant_type": ["client_credentials"] * 2}, ("suite", "wrong"), 400, "invalid_request"),
        ({f"p{n}": "" for n in range(99)}, ("suite", "wrong"), 400, "invalid_request"),
    ],
)
def test_token_refusals_are_those_of_rfc_6749(
    caller: Caller, form: dict[str, Any], auth: tuple[str, str] | None, status: int, error: str
) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = caller("POST", "/oauth/token", data=form, auth=auth, headers=headers)
    assert (answer.status_code, shaped(answers.TokenErrorOut, answer)["error"]) == (status, error)
    assert ("www-authenticate" in answer.headers) is (status == 401)


def test_ready_says_which_engine_is_away(caller: Caller, house: House, loop: AbstractEventLoop) -> None:
    assert shaped(answers.ReadyOut, caller("GET", "/readyz")) == {
        "ready": True,
        "checks": {"database": "ok", "object_store": "ok"},
    }
    nowhere = BlobStore(StoreAddress("http://127.0.0.1:9", "x", "x"))
    reader = reader_of(house.settings, house.wired.workshop.keys)
    lame = Caller(create_app(replace(house.wired.workshop, blobs=nowhere), reader, house.wired.edge), loop)
    answer = lame("GET", "/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "ok"
    assert "object store" in answer.json()["checks"]["object_store"]
    upload = new_pdf()
    bearer = lame(
        "POST",
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(house.client.client_id, house.client_secret),
    ).json()["access_token"]
    headers = {"authorization": f"Bearer {bearer}", "content-type": "application/pdf"}
    away = lame("PUT", f"/v1/uploads/{hashlib.sha256(upload).hexdigest()}", content=upload, headers=headers)
    assert (away.status_code, away.headers["retry-after"]) == (503, "5")
    loop.run_until_complete(reader.close())
