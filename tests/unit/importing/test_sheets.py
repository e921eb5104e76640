"""Manifests as streams: CSV in two encodings, JSON lines, and workbooks as people make them."""

import io
import re
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from vault.errors import InputError
from vault.importing.mapping import RegisterMapping, mapping_from_json
from vault.importing.sheets import BadCell, Manifest, ManifestRow, count_rows, read_manifest

COLUMNS = {"编号": "number", "日期": "issued_on"}


def rows(content: bytes, name: str, **more: object) -> list[ManifestRow]:
    return list(read_manifest(Manifest(name, content), mapping(**more)))


def mapping(**more: object) -> RegisterMapping:
    return mapping_from_json({"columns": COLUMNS, **more})


def test_csv_with_a_mark_in_front_and_a_line_break_in_a_cell() -> None:
    content = '\ufeff编号,日期,其他\r\n甲1,2024-01-01,"两\n行"\r\n\r\n甲2,2024-01-02,x\r\n'.encode()
    found = rows(content, "a.csv")
    assert [(row.number, row.cells["编号"]) for row in found] == [(2, "甲1"), (4, "甲2")]


def test_csv_as_chinese_programs_write_it() -> None:
    content = "编号;日期\n甲;2024\n".encode("gb18030")
    assert rows(content, "a.csv", encoding="gb18030")[0].cells == {"编号": "甲", "日期": "2024"}
    with pytest.raises(InputError, match="encoding"):
        rows(content, "a.csv")


def test_a_row_with_a_cell_too_many_is_told_and_the_others_go_on() -> None:
    found = rows("编号,日期\n1,2,3\n4,5\n".encode(), "a.csv")
    assert found[0].problem.startswith("Expected 2 cells, got 3")
    assert found[1].cells["编号"] == "4"


@pytest.mark.parametrize("header", ["编号", "编号,编号,日期"])
def test_columns_that_the_mapping_names_are_there_once(header: str) -> None:
    with pytest.raises(InputError, match=r"日期|编号"):
        rows(f"{header}\n".encode(), "a.csv")


def test_json_lines_keep_long_numbers_as_they_are_written() -> None:
    found = rows(b'{"\xe7\xbc\x96\xe5\x8f\xb7": 110105194912310021234}\n\nnope\n[1]\n', "a.jsonl")
    assert found[0].cells["编号"] == "110105194912310021234"
    assert [(row.number, bool(row.problem)) for row in found] == [(1, False), (3, True), (4, True)]


def workbook(*values: object) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["编号", "日期"])
    for value in values:
        sheet.append([value, "x"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_cell_by_cell() -> None:
    found = rows(
        workbook(
            datetime(2024, 3, 5, tzinfo=UTC).replace(tzinfo=None),
            date(2024, 3, 6),
            42,
            42.5,
            True,  # noqa: FBT003 - a cell's value
            " 文 ",
            350102199003071234,
            "=A1&A2",
            "350102199003071234",
            "#N/A",
        ),
        "a.xlsx",
    )
    cells = [row.cells["编号"] for row in found]
    assert cells[:6] == ["2024-03-05", "2024-03-06", "42", "42.5", "true", "文"]
    assert [type(cell) for cell in cells[6:8]] == [BadCell, BadCell]
    assert cells[8] == "350102199003071234"
    assert isinstance(cells[9], BadCell)
    assert [row.number for row in found] == list(range(2, 12))


def test_a_workbook_that_is_none_or_declares_entities() -> None:
    with pytest.raises(InputError, match="no workbook"):
        rows(b"PK\x03\x04nothing", "a.xlsx")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook("1"))) as packed, zipfile.ZipFile(out, "w") as changed:
        for part in packed.namelist():
            content = packed.read(part)
            if part.endswith("sheet1.xml"):
                content = b'<!DOCTYPE a [<!ENTITY b "c">]>' + content
            changed.writestr(part, content)
    with pytest.raises(InputError, match="document type"):
        rows(out.getvalue(), "a.xlsx")


def test_a_workbook_that_inflates_beyond_all_measure() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    with pytest.raises(InputError, match="inflates"):
        rows(out.getvalue(), "a.xlsx")


def test_what_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\*\.csv"):
        rows(b"", "a.pdf")
    with pytest.raises(InputError, match="not readable"):
        count_rows(Manifest("a.csv", tmp_path / "none.csv"), mapping())


def test_a_line_that_is_no_csv_takes_no_other_with_it() -> None:
    found = rows('编号,日期\n1,a\n"2"x,b\n"3,c\n4,d\n5,e\n'.encode(), "a.csv")
    assert [(row.number, bool(row.problem)) for row in found] == [
        (2, False),
        (3, True),
        (4, True),
        (5, False),
        (6, False),
    ]
    assert [row.cells.get("编号") for row in found if not row.problem] == ["1", "4", "5"]


def test_a_file_that_is_no_csv_at_all_is_left() -> None:
    with pytest.raises(InputError, match="are no CSV"):
        rows("编号,日期\n".encode() + b'"1"x,b\n' * 1_001, "a.csv")


def parts_changed(**changed: bytes) -> bytes:
    """A workbook of one row with bytes put before or into the parts whose names end so."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook("1"))) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.namelist():
            end = part.rpartition("/")[2].partition(".")[0]
            new.writestr(part, changed.get(end, old.read(part)))
    return out.getvalue()


def test_entities_behind_a_long_comment_or_in_another_encoding() -> None:
    sheet = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><a/>'
    for content in (b"<!--" + b" " * 5_000 + b"--><!DOCTYPE a><a/>", b" " * 1_048_572 + b"<!DOCTYPE a><a/>"):
        with pytest.raises(InputError, match=r"document type|inflates"):
            rows(parts_changed(sheet1=content), "a.xlsx")
    for content in (sheet.encode("utf-16"), sheet.encode("utf-16-be"), sheet.encode("utf-16-le")):
        with pytest.raises(InputError, match="not in UTF-8"):
            rows(parts_changed(workbook=content), "a.xlsx")
    with pytest.raises(InputError, match="not in UTF-8"):
        rows(parts_changed(styles=b'<?xml version="1.0" encoding="cp037"?><a/>'), "a.xlsx")


def test_a_sheet_with_a_row_far_beyond_the_last_one() -> None:
    with zipfile.ZipFile(io.BytesIO(workbook("1"))) as old:
        sheet = old.read("xl/worksheets/sheet1.xml")
    far = sheet.replace(b'<row r="2"', b'<row r="1048580"').replace(b'"A2"', b'"A1048580"')
    far = far.replace(b'"B2"', b'"B1048580"')
    assert far != sheet
    with pytest.raises(InputError, match="1048576 rows"):
        rows(parts_changed(sheet1=far), "a.xlsx")


def test_a_sheet_that_says_less_of_itself_than_it_holds() -> None:
    with zipfile.ZipFile(io.BytesIO(workbook("1"))) as old:
        sheet = old.read("xl/worksheets/sheet1.xml")
    less = sheet.replace(b'ref="A1:B2"', b'ref="A1:B1"')
    assert less != sheet
    assert [row.cells["编号"] for row in rows(parts_changed(sheet1=less), "a.xlsx")] == ["1"]


def test_more_texts_than_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.importing.workbook_parts.HELD_MAX_BYTES", 1_000)
    with pytest.raises(InputError, match="held in memory"):
        rows(workbook("1"), "a.xlsx")
    monkeypatch.undo()
    types = b'<Types><Override PartName="/xl/worksheets/s.xml" ContentType="x.sharedStrings+xml"/></Types>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("[Content_Types].xml", types)
    with pytest.raises(InputError, match="among its sheets"):
        rows(out.getvalue(), "a.xlsx")


def test_a_cell_that_names_a_text_that_is_not_there() -> None:
    with zipfile.ZipFile(io.BytesIO(workbook("文"))) as old:
        sheet = old.read("xl/worksheets/sheet1.xml")
    beyond = re.sub(rb'<c r="A2".*?</c>', b'<c r="A2" t="s"><v>99</v></c>', sheet)
    assert beyond != sheet
    with pytest.raises(InputError, match="damaged"):
        rows(parts_changed(sheet1=beyond), "a.xlsx")
