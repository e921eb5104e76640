"""Where files are: names that lead elsewhere, or twice the same, and what inflates too far, are refused."""

import io
import os
import zipfile
from pathlib import Path
from typing import cast

import pytest

from vault.errors import InputError, NotFound
from vault.importing.files import FilesKind, FilesPlace, ReadFile, open_files
from vault.workshop import Workshop

NOBODY = cast("Workshop", None)
ELSEWHERE = ["../a.pdf", "/etc/passwd", "a/../../b", "..\\a", "C:\\a", "", "a\x00b"]


def folder(path: Path) -> ReadFile:
    return open_files(NOBODY, FilesPlace(FilesKind.FOLDER, str(path)))


def packed(path: Path, *entries: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> FilesPlace:
    with zipfile.ZipFile(path, "w", how) as out:
        for name, content in entries:
            out.writestr(zipfile.ZipInfo(name), content, how)
    return FilesPlace(FilesKind.ZIP, str(path))


def test_a_folder_gives_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "子").mkdir()
    (tmp_path / "子" / "a.pdf").write_bytes(b"x")
    assert folder(tmp_path)("子\\a.pdf") == b"x"
    with pytest.raises(NotFound):
        folder(tmp_path)("b.pdf")


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_name_that_leads_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="elsewhere"):
        folder(tmp_path)(name)


def test_a_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "in" / "a.pdf").symlink_to(tmp_path / "secret")
    with pytest.raises(InputError, match="link"):
        folder(tmp_path / "in")("a.pdf")


def test_a_zip_gives_what_is_in_it_by_names_of_any_system(tmp_path: Path) -> None:
    place = packed(tmp_path / "a.zip", ("目录/证照.pdf", b"y"), ("b.PDF", b"z"))
    read = open_files(NOBODY, place)
    assert read("目录\\证照.pdf") == b"y"
    assert read("B.pdf") == b"z"
    with pytest.raises(NotFound):
        read("c.pdf")


def test_a_zip_of_a_chinese_system_names_its_files_in_gb18030(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    name = "证照.pdf".encode("gb18030")
    packed(path, ("x" * len(name), b"y"))
    path.write_bytes(path.read_bytes().replace(b"x" * len(name), name))
    assert open_files(NOBODY, FilesPlace(FilesKind.ZIP, str(path)))("证照.pdf") == b"y"


@pytest.mark.parametrize("name", ["../a.pdf", "/a.pdf", "a/../../b"])
def test_a_zip_with_a_path_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="elsewhere"):
        open_files(NOBODY, packed(tmp_path / "a.zip", (name, b"")))


def test_a_zip_with_two_files_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="one name"):
        open_files(NOBODY, packed(tmp_path / "a.zip", ("a.pdf", b"1"), ("A.PDF", b"2")))


def test_a_zip_that_inflates_beyond_all_measure(tmp_path: Path) -> None:
    place = packed(tmp_path / "a.zip", ("a.pdf", bytes(20_000_000)), how=zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="inflates"):
        open_files(NOBODY, place)


def test_a_zip_that_says_less_than_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.pdf", b"0123456789" * 1000)
    raw = content.getvalue().replace((10_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(raw)
    with pytest.raises(InputError, match="damaged"):
        open_files(NOBODY, FilesPlace(FilesKind.ZIP, str(path)))("a.pdf")


def test_what_is_no_zip_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK")
    with pytest.raises(InputError, match="no zip"):
        open_files(NOBODY, FilesPlace(FilesKind.ZIP, str(tmp_path / "a.zip")))
    with pytest.raises(InputError, match="no such folder"):
        folder(tmp_path / "none")
    with pytest.raises(NotFound, match="none were given"):
        open_files(NOBODY, FilesPlace(FilesKind.NONE))("a.pdf")


@pytest.mark.parametrize("name", ["a.pdf", "0" * 63, "g" * 64, "../" + "0" * 61])
def test_an_upload_is_named_by_its_digest(name: str) -> None:
    with pytest.raises(InputError, match="64 hexadecimal") as caught:
        open_files(NOBODY, FilesPlace(FilesKind.UPLOADS, "suite"))(name)
    assert name not in caught.value.detail


def test_a_zip_that_cannot_be_read_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = open_files(NOBODY, packed(tmp_path / "a.zip", ("a.pdf", b"1")))

    def failing(*_: object) -> None:
        raise OSError("gone")

    monkeypatch.setattr(os, "pread", failing)
    with pytest.raises(InputError, match="damaged"):
        read("a.pdf")


def test_a_zip_with_a_name_that_is_not_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    packed(path, ("é.pdf", b"y"))
    path.write_bytes(path.read_bytes().replace("é".encode(), b"\xff\xff"))
    with pytest.raises(InputError, match="no zip"):
        open_files(NOBODY, FilesPlace(FilesKind.ZIP, str(path)))


def test_a_file_of_a_zip_is_no_larger_than_an_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vault.importing.files.UPLOAD_MAX_BYTES", 10)
    read = open_files(NOBODY, packed(tmp_path / "a.zip", ("a.pdf", bytes(10)), ("b.pdf", bytes(11))))
    assert read("a.pdf") == bytes(10)
    with pytest.raises(InputError, match="at most 10 bytes"):
        read("b.pdf")
