"""Manifests as streams: CSV in two encodings, JSON lines, and workbooks as people make them."""

import io
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from vault.errors import InputError
from vault.importing.mapping import BadCell, RegisterMapping, mapping_from_json
from vault.importing.sheets import Manifest, ManifestRow, count_rows, read_manifest

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
