"""Every kind of bad row has its reason, in words, by the register's column, and without a value of it."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.files import sealed_bytes
from tests.importing.conftest import NO_FILES, here, imported, order_of
from tests.importing.test_borne import own_key, sealed_by
from tests.importing.test_import import outcomes, record_of
from tests.papers import new_pdf
from tests.registers import Register
from vault.importing import FilesKind, FilesPlace, result_lines, run_import
from vault.model.imports import ImportMode, RowState
from vault.verify.records import shown_record

pytestmark = pytest.mark.engines

ACTIVE = new_pdf().replace(b"/Type/Catalog", b"/OpenAction<</S/JavaScript/JS(1)>>/Type/Catalog")
BAD = [
    ({"许可证编号": ""}, "许可证编号 (number): Expected 1 to"),
    ({"经营者名称": ""}, "经营者名称 (holders.0.name):"),
    ({"证件号码": "91350100M000100Y44"}, "证件号码 (holders.0.code):"),
    ({"证件类型": "驾照"}, "证件类型 (holders.0.code_type):"),
    ({"发证日期": "2024年13月1日"}, "发证日期 (issued_on): Expected a date written as"),
    ({"发证日期": "2999-01-01"}, "发证日期 (issued_on): The date of issue lies in the future."),
    ({"有效期至": "2020-01-01"}, "有效期至 (valid_to):"),
    ({"来源": "扫描件"}, "文件 (file): Expected a file for what is scan_unverified, got none."),
    ({"文件": "none.pdf", "来源": "扫描件"}, "文件 (file): There is no such file in the folder."),
    ({"文件": "../x.pdf", "来源": "扫描件"}, "got a path elsewhere."),
    ({"文件": "a.pdf", "来源": ""}, "来源 (origin): Expected what the file is"),
    ({"文件": "a.pdf", "来源": "复印"}, "来源 (origin): Expected what the file is"),
    ({"文件": "a.pdf", "来源": "扫描件已核对"}, "核对人 (attested.officer): Expected the officer"),
    ({"文件": "a.pdf", "来源": "电子证照"}, "来源 (origin): The file bears no seal"),
    ({"文件": "b.txt", "来源": "扫描件"}, "文件 (file): Expected a PDF"),
    ({"文件": "active.pdf", "来源": "扫描件"}, "文件 (file):"),
    ({"文件": "cut.pdf", "来源": "扫描件"}, "文件 (file):"),
]


def test_each_has_its_reason_and_the_others_go_in(register: Register, tmp_path: Path) -> None:
    files = tmp_path / "scans"
    files.mkdir()
    (files / "a.pdf").write_bytes(new_pdf())
    (files / "b.txt").write_bytes(b"text")
    (files / "active.pdf").write_bytes(ACTIVE)
    (files / "cut.pdf").write_bytes(new_pdf()[:-60])
    register.add()
    for cells, _ in BAD:
        register.add(1, **cells)
    twin, other = register.add(2)
    twin["许可证编号"] = other["许可证编号"] = register.rows[0]["许可证编号"]
    twin.update({k: v for k, v in register.rows[0].items() if k != "备注0"})
    other["经营者名称"] = "另一家样例店"
    place = FilesPlace(FilesKind.FOLDER, str(files))
    run = imported(register, register.csv(tmp_path), place)
    found = outcomes(register, run)
    assert found[0].state is RowState.IMPORTED
    for outcome, (cells, words) in zip(found[1:], BAD, strict=False):
        assert outcome.state is RowState.REJECTED
        assert words in outcome.reason, cells
        # Days may be told; nothing that could be somebody's.
        somebodys = [cells.get(column) for column in ("经营者名称", "证件号码", "文件")]
        assert not [value for value in somebodys if value and value in outcome.reason]
    assert (found[-2].state, found[-2].reason) == (RowState.ALREADY_THERE, "It is row 2 once more.")
    assert found[-1].reason == "Row 2 has the same number and says something else."
    assert run.imported + run.already_there + run.rejected == run.total == len(register.rows)
    lines = list(result_lines(register.house.wired.workshop, run.run_id, at=datetime.now(UTC)))
    assert lines[0].startswith("row,state,certificate_id,reason\r\n2,imported,")
    assert sum(line.count("\r\n") for line in lines) == len(register.rows) + 1


def test_what_the_vault_has_with_other_contents(register: Register, tmp_path: Path) -> None:
    [row] = register.add()
    imported(register, register.csv(tmp_path))
    row["经营者名称"] = "改了名的样例店"
    run = imported(register, register.csv(tmp_path))
    assert outcomes(register, run)[0].reason == (
        "The vault has a certificate of this number that says something else in /holders/0/name."
    )


def test_a_check_looks_at_everything_and_stores_nothing(register: Register, tmp_path: Path) -> None:
    register.add(2)
    register.add(证件号码="1")
    workshop = register.house.wired.workshop
    order = order_of(register, register.csv(tmp_path), NO_FILES, ImportMode.CHECK)
    run = run_import(workshop, order, here(workshop))
    assert (run.mode, run.imported, run.rejected) == (ImportMode.CHECK, 2, 1)
    assert [each.certificate_id for each in outcomes(register, run)] == [None, None, None]
    assert imported(register, tmp_path / "register.csv").imported == 2


def test_a_zip_of_scans(register: Register, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("扫描/一.pdf", new_pdf())
    register.add(文件="扫描\\一.pdf", 来源="扫描件")
    place = FilesPlace(FilesKind.ZIP, str(tmp_path / "a.zip"))
    assert imported(register, register.csv(tmp_path), place).imported == 1


def test_a_prefix_of_a_bucket(register: Register, tmp_path: Path) -> None:
    blobs = register.house.wired.workshop.blobs
    client = blobs._client  # noqa: SLF001 - a bucket that the vault does not keep
    if not client.bucket_exists("stock"):
        client.make_bucket("stock")
    content = new_pdf()
    client.put_object("stock", "2024/a.pdf", io.BytesIO(content), len(content))
    register.add(文件="a.pdf", 来源="扫描件")
    place = FilesPlace(FilesKind.S3, "stock/2024")
    assert imported(register, register.csv(tmp_path), place).imported == 1


def test_a_sealed_file_stays_as_it_is_and_says_so(register: Register, tmp_path: Path) -> None:
    """A file that the authority itself sealed elsewhere, by the seal that the vault has of it."""
    sealed = sealed_by(own_key(register))
    files = tmp_path / "scans"
    files.mkdir()
    (files / "sealed.pdf").write_bytes(sealed)
    (files / "broken.pdf").write_bytes(sealed.replace(b"/Keywords", b"/Keyword_"))
    register.add(文件="sealed.pdf", 来源="电子证照")
    register.add(文件="broken.pdf", 来源="电子证照")
    register.add(文件="sealed.pdf", 来源="扫描件")
    place = FilesPlace(FilesKind.FOLDER, str(files))
    found = outcomes(register, imported(register, register.csv(tmp_path), place))
    assert found[0].reason == ""
    held = record_of(register, found[0])
    assert sealed_bytes(register.house, held) == sealed
    assert held.documents[0].seal_id is None
    shown = shown_record(held, None, None)
    assert shown["origin"]["kind"] == "born_sealed"
    assert found[1].state is RowState.REJECTED
    assert "来源 (origin): The file bears a signature" in found[2].reason or "文件 (file)" in found[2].reason
