"""Certificates as OFD, as approval systems, holders and anybody meet them."""

import base64
import hashlib
from typing import Any

import pytest

from api.answers.deposits import DepositOut
from api.answers.verification import ReportOut
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_contract_over_http import shaped
from tests.edge.test_uses_over_http import body, signed_in
from tests.flows.ofd_cases import request_as
from tests.flows.test_handed_in_ofd import ofd
from tests.flows.test_reuse import new_company
from tests.provider import IdentityProvider

pytestmark = pytest.mark.engines

OFD = {"content-type": "application/ofd"}


def deposited(
    caller: Caller, bearer: dict[str, str], house: House, *formats: str, holder: dict[str, str] | None = None
) -> dict[str, Any]:
    """The receipt of a business licence as these formats."""
    request = request_as(house, *formats)
    if holder is not None:
        request["results"][0]["holders"] = [holder]
        request["case"]["applicant"] = holder
    answer = caller("POST", "/v1/deposits", json=request, headers=bearer)
    assert answer.status_code == 201, answer.text
    receipt: dict[str, Any] = shaped(DepositOut, answer)["receipts"][0]
    return receipt


def test_both_files_are_named_handed_out_and_verified(
    caller: Caller, bearer: dict[str, str], house: House
) -> None:
    receipt = deposited(caller, bearer, house, "pdf", "ofd")
    assert [(each["format"], each["seal_level"]) for each in receipt["documents"]] == [
        ("pdf", "B-T"),
        ("ofd", "SES-V4"),
    ]
    for document in receipt["documents"]:
        answer = caller("GET", document["href"], headers=bearer)
        assert answer.headers["content-type"] == f"application/{document['format']}"
        assert f"{receipt['identifier']}.{document['format']}" in answer.headers["content-disposition"]
        digest = hashlib.sha256(answer.content).digest()
        assert (digest.hex(), len(answer.content)) == (document["sha256"], document["size_bytes"])
        assert base64.b64encode(digest).decode() in answer.headers["repr-digest"]
        kind = {"content-type": answer.headers["content-type"]}
        told = shaped(ReportOut, caller("POST", "/v1/verifications", content=answer.content, headers=kind))
        assert told["verdict"] == "genuine"
        assert [each["format"] for each in told["certificate"]["documents"]] == ["pdf", "ofd"]


def test_by_code_and_by_token_both_files_are_told(
    caller: Caller, bearer: dict[str, str], house: House
) -> None:
    receipt = deposited(caller, bearer, house, "ofd")
    token = receipt["verify_url"].partition("#t=")[2]
    typed = {"number": receipt["number"], "code": receipt["verification_code"]}
    for question in ({"token": token}, typed):
        told = shaped(ReportOut, caller("POST", "/v1/verifications", json=question))
        assert told["verdict"] == "genuine"
        assert [each["seal_level"] for each in told["certificate"]["documents"]] == ["SES-V4"]


def test_the_holder_has_both_the_pdf_first(
    caller: Caller, bearer: dict[str, str], house: House, identity_provider: IdentityProvider
) -> None:
    holder = new_company()
    receipt = deposited(caller, bearer, house, "pdf", "ofd", holder=holder)
    signed_in(caller, identity_provider, holder)
    page = caller("GET", "/my").text
    assert 0 < page.index("format=pdf") < page.index("format=ofd")
    address = f"/v1/me/certificates/{receipt['certificate_id']}/document?format=ofd"
    answer = caller("GET", address)
    assert answer.headers["content-type"] == "application/ofd"
    assert hashlib.sha256(answer.content).hexdigest() == receipt["documents"][1]["sha256"]


def test_what_is_of_pdfs_says_so_where_there_is_none(
    caller: Caller, bearer: dict[str, str], house: House
) -> None:
    receipt = deposited(caller, bearer, house, "ofd")
    address = f"/v1/certificates/{receipt['certificate_id']}"
    for path in (f"{address}/document", f"{address}/evidence"):
        answer = caller("GET", path, headers=bearer)
        assert (answer.status_code, "not made as pdf, but as ofd" in answer.json()["detail"]) == (404, True)
    copy = caller("POST", "/v1/uses", json=body(receipt), headers=bearer)
    assert copy.status_code == 422
    assert copy.json()["errors"] == [
        {"pointer": "/copy", "detail": "Copies are made of PDF files; this certificate has none."}
    ]
    assert caller("POST", "/v1/uses", json=body(receipt, copy=False), headers=bearer).status_code == 201


def test_an_ofd_is_uploaded_and_sealed_as_it_is(caller: Caller, bearer: dict[str, str], house: House) -> None:
    content = ofd()
    sha256 = hashlib.sha256(content).hexdigest()
    kept = caller("PUT", f"/v1/uploads/{sha256}", content=content, headers={**bearer, **OFD})
    assert kept.status_code in {200, 201}, kept.text
    request = request_as(house, "pdf", "ofd")
    request["results"][0]["document"] = {"sha256": sha256}
    refused = caller("POST", "/v1/deposits", json=request, headers=bearer)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/results/0/formats")
    request["results"][0]["formats"] = ["ofd"]
    assert caller("POST", "/v1/deposits", json=request, headers=bearer).status_code == 201
