"""Reuse as a client meets it: the answers have the shapes that `/openapi.json` promises."""

from typing import Any

import pytest
from fastapi import FastAPI

from api import answers
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_contract_over_http import shaped
from tests.flows.test_reuse import CONSTRUCTION, ESCROW, PRESALE, new_company, with_material
from tests.requests import example_request, new_case_number
from vault.avoided import AvoidedTally

pytestmark = pytest.mark.engines


@pytest.fixture
def company(caller: Caller, bearer: dict[str, str], house: House) -> dict[str, str]:
    """A company with a construction permit and an escrow agreement that nobody has checked."""
    found = new_company()
    request = example_request(house.catalogue, CONSTRUCTION)
    request["results"][0]["holders"] = [found]
    request["case"]["applicant"] = found
    assert caller("POST", "/v1/deposits", json=request, headers=bearer).status_code == 201
    with_material(house, found, ESCROW, "C", issued_on="2026-10-26")
    return found


def question(company: dict[str, str], **more: object) -> dict[str, Any]:
    holder = {key: company[key] for key in ("code_type", "code")}
    return {"service_item": PRESALE, "holders": [holder], "case_number": new_case_number(), **more}


def test_a_reuse_check(caller: Caller, bearer: dict[str, str], company: dict[str, str]) -> None:
    body = question(company, needed_until="2099-12-31")
    answer = caller("POST", "/v1/reuse-checks", json=body, headers=bearer)
    assert answer.status_code == 200, answer.text
    found = shaped(answers.ReuseCheckOut, answer)
    lines = {line["requirement"]: line for line in found["lines"]}
    assert lines["construction"]["state"] == "held"
    assert lines["construction"]["satisfied_by"][0]["certificate_id"]
    assert lines["escrow"]["state"] == "held_not_usable"
    assert lines["licence"]["state"] == "not_held"
    assert {"requirement", "satisfied_by", "state", "why"} <= lines["licence"].keys()
    assert company["code"] not in answer.text
    assert caller("POST", "/v1/reuse-checks", json=body).status_code == 401


def test_a_bad_question_names_its_fields(
    caller: Caller, bearer: dict[str, str], company: dict[str, str]
) -> None:
    body = question(company, service_item="118", needed_until="2020-01-01")
    answer = caller("POST", "/v1/reuse-checks", json=body, headers=bearer)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/service_item", "/needed_until"]


def test_a_window_verifies_a_material_once(
    caller: Caller, bearer: dict[str, str], company: dict[str, str]
) -> None:
    holder = {key: company[key] for key in ("code_type", "code")}
    held = caller("POST", "/v1/holdings", json={"holder": holder, "purpose": "a test"}, headers=bearer)
    (material,) = shaped(answers.HoldingsOut, held)["materials"]
    path = f"/v1/materials/{material['material_id']}/verification"
    body = {"clerk": "文样窗", "note": "与原件一致"}
    first = caller("POST", path, json=body, headers=bearer)
    again = caller("POST", path, json=body, headers=bearer)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    verified = shaped(answers.MaterialOut, first)
    assert (verified["trust"], verified["verification"]["clerk"]) == ("B", "文样窗")
    assert caller("POST", path, json={"note": "x"}, headers=bearer).status_code == 422
    assert caller("POST", path, json=body).status_code == 401
    nobody = "/v1/materials/00000000-0000-7000-8000-000000000000/verification"
    assert caller("POST", nobody, json=body, headers=bearer).status_code == 404


def test_service_items_are_open_to_everybody(caller: Caller, house: House) -> None:
    listed = shaped(answers.ServiceItemsOut, caller("GET", "/v1/catalogue/service-items"))["service_items"]
    assert len(listed) == len(house.catalogue.items)
    one = caller("GET", f"/v1/catalogue/service-items/{PRESALE}")
    assert shaped(answers.ServiceItemOut, one) == next(item for item in listed if item["code"] == PRESALE)
    assert caller("GET", "/v1/catalogue/service-items/118").status_code == 404


def test_the_metrics_tell_what_was_avoided(
    app: FastAPI,
    caller: Caller,
    bearer: dict[str, str],
    company: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app.state.edge, "avoided", AvoidedTally())  # nobody asked within the last minute
    assert caller("POST", "/v1/reuse-checks", json=question(company), headers=bearer).status_code == 200
    text = caller("GET", "/metrics").text
    assert 'certvault_resubmissions_avoided_total{authority="11990100MB990003XK",' in text
    assert f'service_item="{PRESALE}"' in text


def test_materials_are_open_to_everybody_and_a_deposit_is_pointed_to_them(
    caller: Caller, bearer: dict[str, str], house: House
) -> None:
    listed = shaped(answers.MaterialTypesOut, caller("GET", "/v1/catalogue/materials"))["materials"]
    assert [each["code"] for each in listed] == sorted(house.catalogue.materials)
    request = example_request(house.catalogue)
    request["materials"] = [
        {"type": "CL016", "name": "协议", "sha256": "0" * 64, "trust": "B", "holders": [new_company()]}
    ]
    answer = caller("POST", "/v1/deposits", json=request, headers=bearer)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/materials/0/type"
    assert "GET /v1/catalogue/materials" in error["detail"]
    assert "CL0016 预售资金监管协议" in error["detail"]
    assert caller("GET", f"/v1/cases/{request['case']['number']}", headers=bearer).status_code == 404
