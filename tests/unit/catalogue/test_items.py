"""Service items: the shipped ones are sound, and every defect is reported at its file and line."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.catalogue.catalogue_copy import FOOD, SEAL_PLACES, CatalogueCopy
from vault.catalogue import SHIPPED, Catalogue, check_catalogue, item_from_json, item_json, load_catalogue
from vault.catalogue.files import read_yaml
from vault.errors import InputError
from vault.model.certificate import TrustLevel
from vault.model.service_item import FieldWay, HolderRole, MaterialWay

ITEM = "items/test-item.yaml"
# Issue 3 asks for at least this many, across these departments.
ITEMS_MIN = 20
DEPARTMENTS = {"market", "housing", "natural_resources", "civil_affairs", "health", "transport"}

FOOD_CODE, ESTATE_CODE, MARRIAGE_CODE = (
    "11990000MB98000126013",
    "11100000MB03271699001",
    "11990000MB9800047Q001",
)
SOUND: dict[str, Any] = {
    "code": "990100000999001",
    "version": 1,
    "name": "样例事项",
    "name_en": "A sample item",
    "authority": "market",
    "applicants": ["organisation"],
    "requirements": [
        {
            "id": "licence",
            "name": "食品经营许可证",
            "name_en": "Food licence",
            "any_of": [{"certificate": FOOD_CODE}],
            "valid_on_decision": True,
        },
        {
            "id": "in_charge",
            "name": "负责人",
            "name_en": "Who is in charge",
            "any_of": [{"certificate": FOOD_CODE, "field": "legal_representative"}],
        },
        {
            "id": "premises",
            "name": "经营场所使用证明",
            "name_en": "Right to the premises",
            "any_of": [{"certificate": ESTATE_CODE}, {"material": "CL0006"}],
            "issued_within_days": 365,
        },
    ],
}


@pytest.fixture
def with_item(copied: CatalogueCopy) -> CatalogueCopy:
    """The copied kinds, the shipped materials and one sound item."""
    shutil.copy(SHIPPED / "materials.yaml", copied.folder / "materials.yaml")
    (copied.folder / "items").mkdir()
    (copied.folder / ITEM).write_text(json.dumps(SOUND, ensure_ascii=False, indent=1))
    assert copied.problems() == ()
    return copied


def _requirement(n: int, **changes: object) -> Callable[[Any], None]:
    def change(data: Any) -> None:  # noqa: ANN401 - walks any JSON
        data["requirements"][n] |= changes

    return change


def _item(**changes: object) -> Callable[[Any], None]:
    return lambda data: data.update(changes)


DEFECTS: dict[str, tuple[Callable[[Any], None], str, str]] = {
    "code too short": (_item(code="118"), "code", "expected text like"),
    "unknown key": (_item(colour="red"), "", "'colour'"),
    "unknown authority": (_item(authority="moon"), "authority", "got 'moon'"),
    "unknown applicant": (_item(applicants=["robot"]), "applicants[0]", "got 'robot'"),
    "nothing required": (_item(requirements=[]), "requirements", "at least 1"),
    "requirement twice": (_requirement(1, id="licence"), "requirements[1].id", "licence twice"),
    "way twice": (
        _requirement(0, any_of=[{"certificate": FOOD_CODE}] * 2),
        "requirements[0].any_of",
        "each entry once",
    ),
    "no way": (_requirement(0, any_of=[]), "requirements[0].any_of", "at least 1"),
    "unknown type": (
        _requirement(0, any_of=[{"certificate": "11990000MB98000126999"}]),
        "requirements[0].any_of[0].certificate",
        "got '11990000MB98000126999'",
    ),
    "unknown material": (
        _requirement(2, any_of=[{"material": "CL8888"}]),
        "requirements[2].any_of[0].material",
        "got 'CL8888'",
    ),
    "both at once": (
        _requirement(0, any_of=[{"certificate": FOOD_CODE, "material": "CL0001"}]),
        "requirements[0].any_of[0]",
        "either certificate or material",
    ),
    "a field of nothing": (
        _requirement(0, any_of=[{"field": "items"}]),
        "requirements[0].any_of[0]",
        "either certificate or material",
    ),
    "a field of a material": (
        _requirement(0, any_of=[{"material": "CL0001", "field": "items"}]),
        "requirements[0].any_of[0].field",
        "materials have no face",
    ),
    "unknown field": (
        _requirement(1, any_of=[{"certificate": FOOD_CODE, "field": "colour"}]),
        "requirements[1].any_of[0].field",
        "got 'colour'",
    ),
    "field that may be missing": (
        _requirement(1, any_of=[{"certificate": FOOD_CODE, "field": "supervision_phone"}]),
        "requirements[1].any_of[0].field",
        "may be missing",
    ),
    "never asked for": (_requirement(0, only_for="person"), "requirements[0].only_for", "never be asked"),
    "a person's certificate of an organisation": (
        _requirement(0, any_of=[{"certificate": MARRIAGE_CODE}]),
        "requirements[0].any_of[0].certificate",
        "never be satisfied",
    ),
    "an organisation's certificate of a representative": (
        _requirement(0, holder="legal_representative"),
        "requirements[0].any_of[0].certificate",
        "never be satisfied",
    ),
    "an agent that nobody has": (_requirement(2, holder="agent"), "requirements[2].holder", "only_if_agent"),
    "age of what bears no date": (
        _requirement(2, any_of=[{"material": "CL0001"}]),
        "requirements[2].any_of[0].material",
        "age cannot be told",
    ),
    "level that it never reaches": (
        _requirement(2, any_of=[{"material": "CL0007"}]),
        "requirements[2].any_of[0].material",
        "which is D at best",
    ),
    "level of certificates": (_requirement(0, trust_min="A"), "requirements[0].trust_min", "have no level"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_reported_at_its_place(with_item: CatalogueCopy, defect: str) -> None:
    change, path, words = DEFECTS[defect]
    with_item.change(ITEM, change)
    problems = with_item.problems()
    assert [(p.file, p.path) for p in problems] == [(ITEM, path)], [str(p) for p in problems]
    assert words in problems[0].detail
    line = (with_item.folder / ITEM).read_text().splitlines()[problems[0].line - 1]
    last = re.sub(r"\[\d+\]$", "", path).rpartition(".")[2]
    assert path.endswith("]") or not path or f'"{last}"' in line


def test_a_person_has_no_legal_representative(with_item: CatalogueCopy) -> None:
    def change(data: Any) -> None:  # noqa: ANN401 - walks any JSON
        data["applicants"] = ["organisation", "person"]
        data["requirements"] = [
            {**data["requirements"][2], "any_of": [{"material": "CL0006"}], "holder": "legal_representative"}
        ]

    with_item.change(ITEM, change)
    (problem,) = with_item.problems()
    assert problem.path == "requirements[0].holder"
    with_item.change(ITEM, lambda data: data["requirements"][0].update(only_for="organisation"))
    assert with_item.problems() == ()


def test_all_problems_are_told_at_once(with_item: CatalogueCopy) -> None:
    with_item.change(ITEM, _item(authority="moon"))
    with_item.change(ITEM, _requirement(1, any_of=[{"certificate": FOOD_CODE, "field": "colour"}]))
    with_item.change("materials.yaml", lambda data: data["materials"].append(data["materials"][0]))
    shutil.copy(with_item.folder / ITEM, with_item.folder / "items/twin.yaml")
    places = {(p.file, p.path) for p in with_item.problems()}
    assert places >= {
        ("materials.yaml", "materials[31].code"),
        (ITEM, "authority"),
        (ITEM, "requirements[1].any_of[0].field"),
        ("items/twin.yaml", "code"),
    }


def test_a_broken_kind_is_told_once_and_not_by_the_items_that_name_it(with_item: CatalogueCopy) -> None:
    with_item.change(FOOD, lambda data: data["example"].update(number="x"))
    assert {p.file for p in with_item.problems()} == {FOOD}


def test_without_items_and_materials_a_catalogue_is_whole(copied: CatalogueCopy) -> None:
    loaded = load_catalogue(copied.folder, SEAL_PLACES)
    assert (len(loaded.types), len(loaded.items)) == (3, 0)


def test_a_broken_item_keeps_the_whole_catalogue_out(with_item: CatalogueCopy) -> None:
    with_item.change(ITEM, _item(authority="moon"))
    with pytest.raises(InputError, match="items/test-item"):
        load_catalogue(with_item.folder, SEAL_PLACES)


def test_the_shipped_items_are_sound_and_enough(catalogue: Catalogue) -> None:
    assert check_catalogue(SHIPPED, SEAL_PLACES) == ()
    files = list((SHIPPED / "items").glob("*.yaml"))
    assert len(catalogue.items) == len(files) >= ITEMS_MIN
    ids = {authority.code: authority.id for authority in catalogue.city.authorities}
    assert {ids[item.authority.code] for item in catalogue.items.values()} >= DEPARTMENTS
    assert len({item.name for item in catalogue.items.values()}) == len(catalogue.items)


def test_the_shipped_items_use_every_means_that_there_is(catalogue: Catalogue) -> None:
    required = [r for item in catalogue.items.values() for r in item.requirements]
    ways = [way for r in required for way in r.ways]
    assert any(isinstance(way, FieldWay) and way.field == "legal_representative" for way in ways)
    assert any(isinstance(way, MaterialWay) for way in ways)
    assert {r.holder for r in required} == set(HolderRole)
    assert any(r.only_if_agent for r in required)
    assert any(r.issued_within_days is not None for r in required)
    assert any(r.valid_on_decision for r in required)
    assert {r.trust_min for r in required} >= {TrustLevel.B, TrustLevel.C, TrustLevel.D}
    materials = read_yaml(SHIPPED, "materials.yaml").data["materials"]
    used = {way.type_code for way in ways if isinstance(way, MaterialWay)}
    assert used <= {row["code"] for row in materials}


def test_items_come_back_from_json_as_they_were(catalogue: Catalogue) -> None:
    for item in catalogue.items.values():
        # As JSONB does: other key order in every object.
        assert item_from_json(json.loads(json.dumps(item_json(item), sort_keys=True))) == item


def test_digests_tell_items_apart_and_follow_every_change(
    with_item: CatalogueCopy, catalogue: Catalogue
) -> None:
    assert len({item.digest for item in catalogue.items.values()}) == len(catalogue.items)
    (before,) = load_catalogue(with_item.folder, SEAL_PLACES).items.values()
    with_item.change(ITEM, _requirement(2, issued_within_days=364))
    (after,) = load_catalogue(with_item.folder, SEAL_PLACES).items.values()
    assert before.digest != after.digest


@pytest.mark.parametrize("file", sorted((SHIPPED / "items").glob("*.yaml")), ids=lambda file: file.stem)
def test_codes_are_of_the_sample_city(file: Path) -> None:
    assert read_yaml(SHIPPED, f"items/{file.name}").data["code"].startswith("990100")
