"""A zip's directory in few bytes, against `zipfile`, which is another's work."""

import io
import random
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from vault.importing.zip_index import DamagedZip, TwiceTheSame, ZipEntry, ZipIndex, file_reader, index_zip

AT_MOST = 1 << 20
FILES = 40


def opened(content: bytes) -> ZipIndex:
    def named(entry: ZipEntry) -> str | None:
        return None if entry.is_folder else entry.raw_name.decode()

    return index_zip(lambda at, length: content[at : at + length], len(content), named)


def made(seed: int, *, prefix: bytes = b"", comment: bytes = b"") -> tuple[bytes, dict[str, bytes]]:
    """Some files stored, some deflated, some empty, some longer than a piece; and a folder."""
    drawn = random.Random(seed)  # noqa: S311 - test data
    files = {
        f"{drawn.randrange(4)}/{number}-证照.pdf": drawn.randbytes(drawn.choice((0, 1, 99, 300_000)))
        + bytes(drawn.choice((0, 5_000)))
        for number in range(FILES)
    }
    out = io.BytesIO()
    out.write(prefix)
    with zipfile.ZipFile(out, "a" if prefix else "w") as packed:
        packed.mkdir("0")
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.comment = drawn.randbytes(drawn.randrange(3))
            packed.writestr(entry, content, drawn.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
        packed.comment = comment
    return out.getvalue(), files


def test_every_file_is_what_zipfile_put_there() -> None:
    for seed in range(5):
        content, files = made(seed)
        index = opened(content)
        assert {name: index.read(name, AT_MOST) for name in files} == files
        assert index.read("0/", AT_MOST) is None
        assert index.read("none.pdf", AT_MOST) is None


def test_a_zip_with_bytes_before_it_and_a_comment_behind_it() -> None:
    content, files = made(1, prefix=b"#!/bin/sh\n" * 9, comment=b"x" * 65_535)
    index = opened(content)
    assert {name: index.read(name, AT_MOST) for name in files} == files


def test_a_zip64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1_000)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    content, files = made(2)
    assert b"PK\x06\x06" in content
    index = opened(content)
    assert {name: index.read(name, AT_MOST) for name in files} == files


def test_a_directory_longer_than_what_is_read_at_once() -> None:
    out = io.BytesIO()
    names = [f"{number:03}-" + "n" * 60_000 for number in range(40)]  # 2.4 MB of names
    with zipfile.ZipFile(out, "w") as packed:
        for name in names:
            packed.writestr(name, name[:3])
    index = opened(out.getvalue())
    assert [index.read(name, AT_MOST) for name in names] == [name[:3].encode() for name in names]


def test_no_more_is_unpacked_than_asked_for() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a", bytes(50_000_000))
    index = opened(out.getvalue())
    tracemalloc.start()
    try:
        assert index.read("a", 1_000) == bytes(1_001)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_two_files_of_one_name() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a", b"1")
        packed.writestr("b", b"2")
    with pytest.raises(TwiceTheSame):
        index_zip(lambda at, length: out.getvalue()[at : at + length], len(out.getvalue()), lambda _: "a")


def test_a_hundred_thousand_files_take_a_few_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    count = 100_000
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(count):
            packed.writestr(f"{number:08}.pdf", b"")
    size = path.stat().st_size
    tracemalloc.start()
    try:
        index = index_zip(file_reader(path), size, lambda entry: entry.raw_name.decode())
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert index.read("00099999.pdf", AT_MOST) == b""
    assert held < 26 * count  # zipfile: 800
    assert peak < 60 * count


def test_whatever_is_broken_is_damaged_or_as_it_was() -> None:
    """Each octet of a zip changed, one at a time: the files are theirs, or there is an error of ours."""
    out = io.BytesIO()
    files = {"a.pdf": b"stored", "b.pdf": b"deflated" * 20}
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("a.pdf", files["a.pdf"])
        packed.writestr("b.pdf", files["b.pdf"], zipfile.ZIP_DEFLATED)
    content = out.getvalue()
    damaged = 0
    for at in range(len(content)):
        for bit in (0x01, 0x80, 0xFF):
            broken = content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :]
            try:
                index = index_zip(
                    lambda at, length, broken=broken: broken[at : at + length],  # type: ignore[misc]
                    len(broken),
                    lambda entry: entry.raw_name.decode("latin-1"),
                )
                for name, whole in files.items():
                    assert index.read(name, AT_MOST) in {whole, None}
            except (DamagedZip, TwiceTheSame):
                damaged += 1
    assert damaged > len(content)  # most of it matters


@pytest.mark.parametrize("cut", [0, 10, 21, 22, 60, 120])
def test_a_zip_that_is_cut_off(cut: int) -> None:
    content, _ = made(3)
    with pytest.raises(DamagedZip):
        opened(content[cut + 1 :] if cut > 22 else content[: len(content) - 1 - cut])
