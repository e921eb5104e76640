"""The directories' rows: every field by its rule, and cells that no spreadsheet takes for anything else."""

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.directories import Format, cell
from vault.directories.sheets import BETWEEN_HOLDERS, TEXT_MARK, head, line
from vault.model.certificate import Status
from vault.model.directory import STATUS_CODES, Directory, DirectoryEntry
from vault.model.directory_fields import FIELDS, DirectoryField, Form, row_of
from vault.model.holders import Holder
from vault.model.origin import OriginKind

PERSON = Holder.parse("111", "11010519491231002X", "张样例")
COMPANY = Holder.parse("001", "91350100M000100Y43", "样例水务集团有限公司")
ENTRY = DirectoryEntry(
    identifier="1.2.156.3005.2.11990000MB98000126013.11990100MB99000131.A1.002.K",
    version=2,
    type_code="11990000MB98000126013",
    type_name="食品经营许可证",
    authority="11990100MB99000131",
    authority_name="样例市市场监督管理局",
    number="JY13501000000118",
    holders=(PERSON, COMPANY),
    issued_on=date(2026, 10, 26),
    valid_from=date(2026, 10, 27),
    valid_to=None,
    status=Status.REVOKED,
    status_on=date(2026, 11, 20),
    status_since=datetime(2026, 11, 20, 17, 30, 1, 999_999, tzinfo=UTC),
    predecessor="1.2.156.3005.2.11990000MB98000126013.11990100MB99000131.A1.001.M",
    successor=None,
    service_item="990100000131002",
    committed_at=datetime(2026, 10, 26, 8, tzinfo=UTC),
)
TEXT = next(field for field in FIELDS if field.name == "ZZBH")


def test_the_whole_row() -> None:
    assert row_of(ENTRY) == {
        "ZZMC": "食品经营许可证",
        "ZZLXDM": "11990000MB98000126013",
        "ZZBH": "JY13501000000118",
        "ZZBS": ENTRY.identifier,
        "ZZBFJG": "样例市市场监督管理局",
        "ZZBFJGDM": "11990100MB99000131",
        "ZZBFRQ": "2026-10-26",
        "CZZT": ("张样例", "样例水务集团有限公司"),
        "CZZTDM": ("11010519491231002X", "91350100M000100Y43"),
        "CZZTDMLX": ("公民身份号码", "统一社会信用代码"),
        "CZZTDMLXDM": ("111", "001"),
        "ZZYXQQSRQ": "2026-10-27",
        "ZZYXQJZRQ": None,
        "ZZZT": "07",
        "ZZZTMC": "吊销",
        "ZZZTRQ": "2026-11-20",
        "ZZBBH": 2,
        "QXZZBS": ENTRY.predecessor,
        "HXZZBS": None,
        "SXBM": "990100000131002",
        "CJSJ": "2026-10-26T16:00:00+08:00",
        "GXSJ": "2026-11-21T01:30:01+08:00",
        "ZZLY": "born_sealed",
        "ZZLYMC": "签发时即加盖电子印章的原生电子证照",
    }


def test_every_status_has_its_own_code() -> None:
    codes = [row_of(replace(ENTRY, status=status))["ZZZT"] for status in Status]
    assert set(STATUS_CODES) == set(Status)
    assert len(set(codes)) == len(codes)


def test_a_digital_copy_is_told() -> None:
    row = row_of(replace(ENTRY, origin=OriginKind.SCAN_ATTESTED))
    assert (row["ZZLY"], row["ZZLYMC"]) == ("scan_attested", "数字化副本，已由经办人员与原件核对一致")


def test_fields_keep_their_promises() -> None:
    row = row_of(ENTRY)
    assert [field.name for field in FIELDS] == list(row)
    for field in FIELDS:
        assert isinstance(row[field.name], tuple) is field.many
        assert row[field.name] is not None or not field.required
        assert isinstance(row[field.name], int) is (field.form is Form.NUMBER)


def test_a_certificate_of_both_kinds_stands_in_both_directories() -> None:
    assert ENTRY.directories == set(Directory)
    assert replace(ENTRY, holders=(PERSON,)).directories == {Directory.RESIDENT}
    assert replace(ENTRY, holders=(COMPANY,)).directories == {Directory.ORGANISATION}


def test_a_line_of_json_is_one_object_and_has_no_mark() -> None:
    written = line(Format.JSON_LINES, row_of(ENTRY))
    assert head(Format.JSON_LINES) == b""
    assert written.count(b"\n") == 1
    assert json.loads(written)["CZZT"] == ["张样例", "样例水务集团有限公司"]


def test_a_csv_begins_with_its_mark_and_its_names_and_is_read_back() -> None:
    content = head(Format.CSV) + line(Format.CSV, row_of(ENTRY))
    assert content.startswith(b"\xef\xbb\xbfZZMC,ZZLXDM,")
    names, values = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""))
    found = dict(zip(names, values, strict=True))
    assert found["CZZT"].split(BETWEEN_HOLDERS) == ["张样例", "样例水务集团有限公司"]
    assert found["CZZTDMLXDM"] == "111\n001"
    assert (found["ZZZT"], found["ZZYXQJZRQ"], found["ZZBFRQ"]) == ("'07", "", "2026-10-26")
    assert content.endswith(b"\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "=HYPERLINK(1)",
        "+86",
        "-1",
        "@SUM(1)",
        "＝1",
        "＋1",
        "－1",
        "＠A",
        "\t=1",
        "\r=1",
        "\n=1",
        "'",
        "'=1",
        "001",
        "110105194912310021",
        "2026-118",
        "1/2",
        "9135E100",
        "12.5%",
        "10:30",
    ],
)
def test_what_a_spreadsheet_would_take_for_something_else_is_marked(text: str) -> None:
    assert cell(TEXT, text) == TEXT_MARK + text


@pytest.mark.parametrize("text", ["JY13501", "11010519491231002X", "样许字〔2026〕118号", "a=b", "A-1", ""])
def test_what_is_text_anyway_stays_as_it_is(text: str) -> None:
    assert cell(TEXT, text) == text


@pytest.mark.parametrize("name", ["=1+1", "@样例", "-张样例", "+张样例"])
def test_a_holders_name_is_no_formula(name: str) -> None:
    entry = replace(ENTRY, holders=(Holder(PERSON.code, name),))
    content = line(Format.CSV, row_of(entry)).decode()
    (values,) = csv.reader(StringIO(content, newline=""))
    assert values[[field.name for field in FIELDS].index("CZZT")] == TEXT_MARK + name


def read_back(shown: str) -> str:
    """What the documentation tells a program to do with a cell of text."""
    return shown.removeprefix(TEXT_MARK)


@given(st.text())
def test_every_text_is_read_back_and_none_begins_a_formula(text: str) -> None:
    shown = cell(TEXT, text)
    assert read_back(shown) == text
    assert shown[:1] not in set("=+-@\t\r\n")


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.name)
def test_the_documentation_has_the_table(field: DirectoryField) -> None:
    page = (Path(__file__).parents[3] / "docs" / "directories.md").read_text(encoding="utf-8")
    how_many = "one a holder" if field.many else "one" if field.required else "one or none"
    wanted = f"| `{field.name}` | {field.zh} | {field.source} | {how_many} | {field.rule} |"
    assert wanted in page
