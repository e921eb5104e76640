"""Codes of a deposit: what the catalogue does not know is told with what was perhaps meant."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest

from signing.typeset import SEAL_PLACES
from tests.requests import example_request
from vault.catalogue import InForce, shipped_catalogue
from vault.deposit.reading import read_again, read_case
from vault.deposit.requests import case_json
from vault.errors import FieldProblem, InputError
from vault.model.actors import ClientGrant

CATALOGUE = shipped_catalogue(SEAL_PLACES)
GRANT = ClientGrant("suite", "The test suite", frozenset(a.code for a in CATALOGUE.city.authorities))
NOW = datetime(2026, 11, 22, tzinfo=UTC)
LISTED = "990100000131002"


def request(material: str | None = None, *, name: str = "材料", item: str = LISTED) -> dict[str, Any]:
    made = example_request(CATALOGUE)
    made["case"]["service_item"] = item
    if material is not None:
        holders = copy.deepcopy(made["results"][0]["holders"])
        made["materials"] = [
            {"type": material, "name": name, "sha256": "0" * 64, "trust": "B", "holders": holders}
        ]
    return made


def problems(
    body: dict[str, Any], catalogue: InForce = CATALOGUE.in_force, *, listed_items_only: bool = False
) -> tuple[FieldProblem, ...]:
    try:
        read_case(catalogue, GRANT, body, at=NOW, listed_items_only=listed_items_only)
    except InputError as error:
        return error.problems
    return ()


@pytest.mark.parametrize(
    ("code", "name", "nearest"),
    [
        ("CL016", "x", "CL0016 预售资金监管协议"),
        ("0016", "x", "CL0016 预售资金监管协议"),
        ("M-0007", "预售资金监管协议书", "CL0016 预售资金监管协议"),
    ],
)
def test_a_material_under_an_unknown_code_is_refused_with_the_nearest(
    code: str, name: str, nearest: str
) -> None:
    (problem,) = problems(request(code, name=name))
    assert problem.pointer == "/materials/0/type"
    assert "GET /v1/catalogue/materials" in problem.detail
    assert nearest in problem.detail


def test_what_came_is_never_quoted() -> None:
    (problem,) = problems(request("11010519491231002X", name="11010519491231002X"))
    assert "11010519491231002X" not in problem.detail
    assert "Nearest" not in problem.detail


@pytest.mark.parametrize("code", ["CL0016", "CL9999"])
def test_a_known_material_is_taken_and_there_is_a_code_for_what_has_none(code: str) -> None:
    assert problems(request(code)) == ()


def test_a_catalogue_without_materials_takes_any() -> None:
    bare = InForce(CATALOGUE.types, CATALOGUE.items, {})
    assert problems(request("anything"), bare) == ()


def test_an_unlisted_item_is_taken_unless_the_operator_minds() -> None:
    body = request(item="990100000131902")
    assert problems(body) == ()
    (problem,) = problems(body, listed_items_only=True)
    assert problem.pointer == "/case/service_item"
    assert f"{LISTED} 食品经营许可" in problem.detail
    assert problems(request(), listed_items_only=True) == ()


def test_an_unknown_type_is_refused_with_the_nearest() -> None:
    body = request()
    right = body["results"][0]["type"]
    body["results"][0]["type"] = right[:-4] + "O" + right[-3:]
    (problem,) = problems(body)
    assert problem.pointer == "/results/0/type"
    assert f"{right} 食品经营许可证" in problem.detail


def test_every_problem_is_told_at_once() -> None:
    body = request("CL016")
    body["results"][0] |= {"issued_on": "soon", "formats": ["docx"], "issuing_authority": "nobody"}
    body["results"][0]["holders"][0]["code"] = "1"
    pointers = {problem.pointer for problem in problems(body)}
    assert pointers == {
        "/materials/0/type",
        "/results/0/issued_on",
        "/results/0/formats",
        "/results/0/issuing_authority",
        "/results/0/holders/0/code",
    }


@pytest.mark.parametrize("left_out", [(), ("formats",), ("issuing_authority",), ("formats", "valid_from")])
def test_a_second_reading_needs_no_catalogue_and_comes_to_the_same(left_out: tuple[str, ...]) -> None:
    body = request("CL0016")
    (result,) = body["results"]
    # Only one authority comes into question where the request names none.
    grant = ClientGrant(GRANT.client_id, GRANT.name, frozenset({result["issuing_authority"]}))
    result["valid_from"] = result["issued_on"]
    for key in left_out:
        del result[key]
    deposited = case_json(read_case(CATALOGUE.in_force, grant, body, at=NOW))
    assert case_json(read_again(deposited, GRANT.client_id, body, at=NOW)) == deposited


def test_a_second_reading_of_other_contents_is_another_case() -> None:
    body = request()
    deposited = case_json(read_case(CATALOGUE.in_force, GRANT, body, at=NOW))
    body["results"] = [body["results"][0] | {"type": "gone", "formats": ["ofd"]}] * 2
    again = case_json(read_again(deposited, GRANT.client_id, body, at=NOW))
    assert [result["type"] for result in again["results"]] == ["gone", "gone"]
    body["results"][0]["formats"] = ["docx"]
    with pytest.raises(InputError) as refused:
        read_again(deposited, GRANT.client_id, body, at=NOW)
    assert {problem.pointer for problem in refused.value.problems} == {
        "/results/0/formats",
        "/results/1/formats",
    }
