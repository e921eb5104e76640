"""Broken catalogues: each defect is reported at its file and place, and all of them at once."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.catalogue.catalogue_copy import CITY, ESTATE, FOOD, MARRIAGE, SEAL_PLACES, CatalogueCopy
from vault.catalogue import load_catalogue
from vault.errors import InputError

Data = dict[str, Any]


def _set(*path: str | int, to: object) -> Callable[[Data], None]:
    def change(data: Any) -> None:  # noqa: ANN401 - walks any JSON
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = to

    return change


def _drop(*path: str | int) -> Callable[[Data], None]:
    def change(data: Any) -> None:  # noqa: ANN401 - walks any JSON
        for step in path[:-1]:
            data = data[step]
        del data[path[-1]]

    return change


DEFECTS = {
    "operator with a wrong check": (
        CITY,
        _set("operator", "code", to="12990100MB9900179X"),
        "operator.code",
        "social credit code",
    ),
    "no operator": (CITY, _drop("operator"), "", "expected the key 'operator'"),
    "code with a wrong check": (FOOD, _set("code", to="11990000MB98000127013"), "code", "social credit code"),
    "code too short": (FOOD, _set("code", to="118"), "code", "expected text like"),
    "missing key": (FOOD, _drop("name_en"), "", "expected the key 'name_en'"),
    "unknown key": (FOOD, _set("colour", to="red"), "", "'colour'"),
    "unknown category": (FOOD, _set("category", to="licence"), "category", "got 'licence'"),
    "unknown authority": (FOOD, _set("authorities", 0, to="moon"), "authorities[0]", "got 'moon'"),
    "names too long for the QR": (
        MARRIAGE,
        _set("name", to="结婚登记证书（涉外、涉港澳台及华侨婚姻登记专用）"),
        "authorities[0]",
        "printed 30 mm wide",
    ),
    "unknown template": (FOOD, _set("template", to="poster"), "template", "got 'poster'"),
    "unknown format": (FOOD, _set("formats", to=["docx"]), "formats[0]", "got 'docx'"),
    "holders' limits crossed": (
        ESTATE,
        _set("holders", to={"kinds": ["person"], "count_min": 4, "count_max": 3}),
        "holders.count_max",
        "count_min or more",
    ),
    "field twice": (FOOD, _set("face", 1, "key", to="legal_representative"), "face[1].key", "once"),
    "field with a name of the page's": (FOOD, _set("face", 1, "key", to="number"), "face[1].key", "number"),
    "unknown schema type": (
        FOOD,
        _set("face", 0, "schema", "type", to="text"),
        "face[0].schema.type",
        "'text'",
    ),
    "broken pattern": (
        FOOD,
        _set("face", 0, "schema", to={"type": "string", "maxLength": 9, "pattern": "("}),
        "face[0].schema.pattern",
        "regular expression",
    ),
    "foreign schema keyword": (
        FOOD,
        _set("face", 0, "schema", to={"type": "boolean", "$ref": "https://example.org/schema"}),
        "face[0].schema",
        "$ref",
    ),
    "text without a bound": (
        FOOD,
        _set("face", 0, "schema", to={"type": "string"}),
        "face[0].schema",
        "maxLength",
    ),
    "number without bounds": (
        FOOD,
        _set("face", 0, "schema", to={"type": "integer", "minimum": 0}),
        "face[0].schema",
        "maximum",
    ),
    "list without a bound": (
        FOOD,
        _set("face", 4, "schema", to={"type": "array", "items": {"type": "boolean"}}),
        "face[4].schema",
        "maxItems",
    ),
    "list of lists": (
        FOOD,
        _set("face", 4, "schema", "items", to={"type": "array", "maxItems": 2, "items": {"type": "boolean"}}),
        "face[4].schema.items",
        "lists or photos",
    ),
    "keyword of another type": (
        FOOD,
        _set("face", 0, "schema", to={"type": "boolean", "maxLength": 9}),
        "face[0].schema.maxLength",
        "boolean",
    ),
    "bounds crossed": (
        FOOD,
        _set("face", 0, "schema", to={"type": "string", "minLength": 9, "maxLength": 8}),
        "face[0].schema.maxLength",
        "minLength (9) or more",
    ),
    "photo under another name": (
        MARRIAGE,
        lambda data: data["face"].append({**data["face"][0], "key": "photo_2"}),
        "face[6].key",
        "called photo",
    ),
    "placeholder that nothing fills": (
        FOOD,
        _set("layout", "statement", to="准予{business}经营。"),
        "layout.statement",
        "{business}",
    ),
    "placeholder of a photo": (MARRIAGE, _set("layout", "body", to=["{photo}"]), "layout.body", "{photo}"),
    "stray brace": (FOOD, _set("layout", "statement", to="准予{经营}。"), "layout.statement", "stray brace"),
    "layout value of no use": (FOOD, _set("layout", "accent", to={"r": 1}), "layout.accent", "got {'r': 1}"),
    "example of another kind": (
        FOOD,
        _set("example", "type", to="11990000MB98000126012"),
        "example.type",
        "11990000MB98000126013",
    ),
    "example's number unlike the pattern": (FOOD, _set("example", "number", to="JY"), "example.number", "JY"),
    "example's authority not entitled": (
        FOOD,
        _set("example", "issuing_authority", to="11990100MB9900021U"),
        "example.issuing_authority",
        "11990100MB99000131",
    ),
    "example's format not offered": (FOOD, _set("example", "formats", to=["ofd"]), "example.formats", "pdf"),
    "example without a required field": (
        FOOD,
        _drop("example", "fields", "premises"),
        "example.fields.premises",
        "经营场所",
    ),
    "example with an unknown field": (
        FOOD,
        _set("example", "fields", "colour", to="red"),
        "example.fields.colour",
        "unknown",
    ),
    "example's value too long": (
        FOOD,
        _set("example", "fields", "items", 1, to="x" * 81),
        "example.fields.items[1]",
        "at most 80 characters",
    ),
    "example's holder with a wrong check": (
        FOOD,
        _set("example", "holders", 0, "code", to="91990100MA9700034M"),
        "example.holders[0].code",
        "check",
    ),
    "example's holder of the wrong kind": (
        FOOD,
        _set("example", "holders", 0, to={"code_type": "111", "code": "110101190001010014", "name": "张样"}),
        "example.holders[0].code_type",
        "organisation",
    ),
    "example with too few holders": (
        MARRIAGE,
        _drop("example", "holders", 1),
        "example.holders",
        "expected 2 to 2 holders, got 1",
    ),
    "example without an end": (
        FOOD,
        _set("example", "valid_to", to=None),
        "example.valid_to",
        "always limited",
    ),
    "example that runs too long": (
        FOOD,
        _set("example", "valid_to", to="2031-10-27"),
        "example.valid_to",
        "2031-10-26 or earlier",
    ),
    "example that ends before it starts": (
        FOOD,
        _set("example", "valid_to", to="2026-10-25"),
        "example.valid_to",
        "or later",
    ),
    "example with a date that is none": (
        FOOD,
        _set("example", "issued_on", to="2026-02-30"),
        "example.issued_on",
        "'2026-02-30'",
    ),
    "authority with a wrong check": (
        CITY,
        _set("authorities", 2, "code", to="11990100MB990003XL"),
        "authorities[2].code",
        "social credit code",
    ),
    "authority twice": (CITY, _set("authorities", 2, "id", to="market"), "authorities[2].id", "market twice"),
    "authority without a name": (CITY, _drop("authorities", 2, "name"), "authorities[2]", "'name'"),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_each_defect_is_reported_at_its_place(copied: CatalogueCopy, defect: str) -> None:
    file, change, path, words = DEFECTS[defect]
    copied.change(file, change)
    found = [p for p in copied.problems() if p.file == file]
    assert [p.path for p in found] == [path]
    assert words in found[0].detail


def test_all_problems_of_all_files_are_reported(copied: CatalogueCopy) -> None:
    copied.change(FOOD, _set("template", to="poster"))
    copied.change(FOOD, _set("authorities", 1, to="moon"))
    copied.change(ESTATE, _set("example", "fields", "co_ownership", to="随意"))
    copied.change(ESTATE, _set("example", "number", to="1"))
    copied.change(CITY, _drop("province"))
    found = {(p.file, p.path) for p in copied.problems()}
    # With the city unreadable, references and examples wait; what the files say by themselves does not.
    assert found == {(CITY, ""), (FOOD, "template")}
    copied.change(CITY, _set("province", to="样例省"))
    found = {(p.file, p.path) for p in copied.problems()}
    assert found == {
        (FOOD, "template"),
        (FOOD, "authorities[1]"),
        (ESTATE, "example.fields.co_ownership"),
        (ESTATE, "example.number"),
    }


def test_a_code_used_twice_names_both_files(copied: CatalogueCopy) -> None:
    copied.change(ESTATE, _set("code", to="11990000MB98000126013"))
    copied.change(ESTATE, _set("example", "type", to="11990000MB98000126013"))
    (problem,) = copied.problems()
    assert (problem.file, problem.path) == (ESTATE, "code")
    assert FOOD in problem.detail


def test_problems_say_the_line(copied: CatalogueCopy) -> None:
    copied.rewrite(FOOD, "template: licence-landscape", "template: poster")
    (problem,) = copied.problems()
    line = (copied.folder / FOOD).read_text().splitlines()[problem.line - 1]
    assert line == "template: poster"
    assert str(problem).startswith(f"{FOOD}:{problem.line}: at template: expected one of: ")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 1\n", "version: 1\nversion: 2\n", "'version' twice"),
        ("version: 1\n", "version: [1\n", "expected YAML"),
        ("name: 食品经营许可证\n", "name: &n 食品经营许可证\ntitle_lines: [*n]\n", "alias"),
        ("version: 1\n", "1: version\n", "text keys"),
        ("version: 1\n", "version: !!python/object:os.system 1\n", "expected YAML"),
        ("version: 1\n", f"version: {'[' * 30}{']' * 30}\n", "levels"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(copied: CatalogueCopy, old: str, new: str, words: str) -> None:
    copied.rewrite(FOOD, old, new)
    (problem,) = copied.problems()
    assert problem.file == FOOD
    assert words in problem.detail


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xff\xfe\x00", "expected YAML"),
        (b"#" * 262_145, "at most"),
        (b"- a\n", "an object"),
    ],
)
def test_files_of_another_sort_are_refused(copied: CatalogueCopy, content: bytes, words: str) -> None:
    (copied.folder / FOOD).write_bytes(content)
    (problem,) = copied.problems()
    assert problem.file == FOOD
    assert words in problem.detail


def test_files_that_would_be_overlooked_are_reported(copied: CatalogueCopy) -> None:
    (copied.folder / FOOD).rename(copied.folder / "types" / "food.yml")
    assert [p.file for p in copied.problems()] == ["types/food.yml"]


def test_an_empty_folder_is_reported(copied: CatalogueCopy) -> None:
    for file in (copied.folder / "types").iterdir():
        file.unlink()
    (copied.folder / CITY).unlink()
    assert [p.file for p in copied.problems()] == [CITY, "types"]


def test_loading_a_broken_catalogue_tells_every_problem(copied: CatalogueCopy) -> None:
    copied.change(FOOD, _set("template", to="poster"))
    copied.change(ESTATE, _set("version", to=0))
    with pytest.raises(InputError) as caught:
        load_catalogue(copied.folder, SEAL_PLACES)
    assert f"{FOOD}:" in caught.value.detail
    assert f"{ESTATE}:" in caught.value.detail


def test_the_seal_stands_where_the_template_or_the_file_says(copied: CatalogueCopy) -> None:
    place = {"page": 2, "x_mm": 61.5, "y_mm": 70, "diameter_mm": 38}
    copied.change(ESTATE, _set("seal", to=place))
    kinds = {kind.name: kind for kind in load_catalogue(copied.folder, SEAL_PLACES).types.values()}
    assert kinds["食品经营许可证"].seal_place == SEAL_PLACES["licence-landscape"]
    assert (kinds["不动产权证书"].seal_place.page, kinds["不动产权证书"].seal_place.x_mm) == (2, 61.5)


def test_every_change_of_a_definition_changes_its_digest(copied: CatalogueCopy) -> None:
    before = load_catalogue(copied.folder, SEAL_PLACES).types["11990000MB98000126013"].digest
    copied.change(FOOD, _set("face", 0, "label", to="负责人"))
    assert load_catalogue(copied.folder, SEAL_PLACES).types["11990000MB98000126013"].digest != before
