"""A register's mapping: what is written is what is read, and what cannot be told is told where."""

import json
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.typeset import SEAL_PLACES
from vault.catalogue import shipped_catalogue
from vault.errors import InputError
from vault.importing.mapped_row import DATE_FORMATS, explained, map_row
from vault.importing.mapping import RegisterMapping, mapping_from_json, read_mapping
from vault.importing.sheets import BadCell, Cell
from vault.model.catalogue import CertificateType

TYPES: dict[str, CertificateType] = dict(shipped_catalogue(SEAL_PLACES).types)
KIND = next(iter(TYPES.values()))
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=30)
COLUMNS = {"编号": "number", "名称": "holders.0.name", "代码": "holders.0.code", "发证": "issued_on"}


def mapping(**more: object) -> RegisterMapping:
    return mapping_from_json({"columns": COLUMNS, "constants": {"type": KIND.code}, **more})


@settings(max_examples=40)
@given(
    number=TEXTS,
    name=TEXTS,
    code=TEXTS,
    day=st.dates(date(1950, 1, 1), date(2025, 12, 31)),
    n=st.integers(0, 3),
)
def test_what_a_row_says_arrives_as_it_was_written(
    number: str, name: str, code: str, day: date, n: int
) -> None:
    cells = {"编号": number, "名称": name, "代码": code, "发证": day.strftime(DATE_FORMATS[n])}
    row = map_row(mapping(), cells, TYPES)
    assert row.result["number"] == number
    assert [(h["name"], h["code"]) for h in row.result["holders"]] == [(name, code)]
    assert row.result["issued_on"] == day.isoformat()
    assert (row.file, row.origin) == ("", "")


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXTS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
        max_leaves=10,
    ),
    st.sampled_from(["columns", "constants", "dates", "codes", "separators", "sheet", "encoding"]),
)
def test_whatever_a_mapping_holds_it_is_read_or_refused(value: object, where: str) -> None:
    with suppress(InputError):
        mapping(**{where: value})


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"columns": {}}, "/columns"),
        ({"columns": {"a": "nummer"}}, "/columns/a"),
        ({"columns": {"a": "number", "b": "number"}}, "/columns"),
        ({"dates": {"issued_on": "YYYY"}}, "/dates/issued_on"),
        ({"codes": {"x": {}}}, "/codes/x"),
        ({"encoding": "utf-9"}, "/encoding"),
        ({"colums": {}}, "/colums"),
    ],
)
def test_a_slip_in_a_mapping_is_told_where(changed: dict[str, object], pointer: str) -> None:
    with pytest.raises(InputError) as caught:
        mapping(**changed)
    assert pointer in [problem.pointer for problem in caught.value.problems]


def test_toml_and_json_say_the_same() -> None:
    toml = f'constants = {{ type = "{KIND.code}" }}\n[columns]\n' + "".join(
        f'"{k}" = "{v}"\n' for k, v in COLUMNS.items()
    )
    as_json = json.dumps({"columns": COLUMNS, "constants": {"type": KIND.code}})
    assert read_mapping(toml.encode(), "m.toml") == read_mapping(as_json.encode(), "m.json")


def test_codes_stand_for_what_the_table_says_and_empty_is_nothing() -> None:
    row = map_row(
        mapping(codes={"issued_on": {"不详": ""}, "number": {"甲": "乙"}}),
        {"编号": "甲", "名称": "名", "代码": "1", "发证": "不详"},
        TYPES,
    )
    assert (row.result["number"], row.result["issued_on"]) == ("乙", "")


def test_a_bad_cell_is_named_by_its_column_and_without_its_value() -> None:
    cells: dict[str, Cell] = {
        "编号": BadCell("holds a formula"),
        "名称": "名",
        "代码": "1",
        "发证": "二〇二四",
    }
    with pytest.raises(InputError) as caught:
        map_row(mapping(), cells, TYPES)
    said = explained(mapping(), caught.value.detail, caught.value.problems)
    assert said.startswith("编号 (number): The cell holds a formula.")
    assert "发证 (issued_on): Expected a date written as" in said
    assert "二〇二四" not in said


@pytest.mark.parametrize(
    ("code", "kind"), [("11010519491231002X", "111"), ("91350100M000100Y43", "001"), ("", "001")]
)
def test_a_code_without_its_type_is_taken_by_its_form(code: str, kind: str) -> None:
    cells = {"编号": "1", "名称": "名", "代码": code, "发证": "2024-01-01"}
    assert map_row(mapping(), cells, TYPES).result["holders"][0]["code_type"] == kind


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"encoding": "utf\x00"}, "/encoding"),
        ({"encoding": "base64"}, "/encoding"),
        ({"dates": {"issued_on": "%Q"}}, "/dates/issued_on"),
        ({"dates": {"issued_on": "%Y %Y"}}, "/dates/issued_on"),
        ({"dates": {"issued_on": "%Y-%"}}, "/dates/issued_on"),
        ({"dates": {"issued_on": "%d"}}, "/dates/issued_on"),
        ({"separators": {"fields.a": ""}}, "/separators/fields.a"),
    ],
)
def test_what_would_fail_at_every_row_is_told_once(changed: dict[str, object], pointer: str) -> None:
    with pytest.raises(InputError) as caught:
        mapping(**changed)
    assert pointer in [problem.pointer for problem in caught.value.problems]
