"""O1: what a ZIP can be that is not one archive for every reader; each is refused, and told by its rule."""

import io
import zipfile
from dataclasses import replace

import pytest

from signing.ofd_judge import admit_ofd, package
from signing.ofd_judge.directory import read_directory
from signing.ofd_judge.names import PARTS_MAX
from signing.ofd_judge.package import read_package
from tests.signing.ofd_judge.making import packed, plain
from tests.signing.ofd_judge.zips import DESCRIBED, ENCRYPTED, STORED, UTF8, Item, items_of, with_item, zipped
from vault.errors import DocumentRefused

PAGE = "Doc_0/Pages/Page_0/Content.xml"
SYMLINK = (0o120777 << 16, 3 << 8)


def problem(content: bytes) -> str:
    """What O1 says."""
    try:
        return read_package(content).problem or ""
    except DocumentRefused as error:
        return error.detail


def extra_entry(name: bytes, body: bytes = b"x") -> bytes:
    return zipped([*items_of(plain()), Item(name, body)])


TRICKS = {
    "parent": extra_entry(b"Doc_0/../../evil.xml"),
    "absolute": extra_entry(b"/etc/evil.xml"),
    "drive": extra_entry(b"C:evil.xml"),
    "backslash": extra_entry(b"Doc_0\\evil.xml"),
    "nul": extra_entry(b"Doc_0/evil.xml\x00.png"),
    "control": extra_entry(b"Doc_0/evil\x1b[31m.xml"),
    "dot": extra_entry(b"Doc_0/./evil.xml"),
    "empty part": extra_entry(b"Doc_0//evil.xml"),
    "trailing dot": extra_entry(b"Doc_0/evil.xml."),
    "trailing blank": extra_entry(b"Doc_0 /evil.xml"),
    "no name": extra_entry(b""),
    "long name": extra_entry(b"x" * 600),
    "deep": extra_entry(b"a/" * 32 + b"x"),
    "not utf-8": extra_entry(b"\xff\xfe.xml"),
    "utf-8 unsaid": zipped([*items_of(plain()), Item("证.xml".encode(), b"x", flags=0)]),
    "twice": extra_entry(PAGE.encode()),
    "twice but for case": extra_entry(PAGE.upper().encode()),
    "twice but for composing": zipped([*items_of(plain()), Item("é".encode(), b""), Item("é".encode(), b"")]),
    "file and folder": extra_entry(b"Doc_0"),
    "symlink": zipped(with_item(plain(), PAGE, external=SYMLINK[0], made_by=SYMLINK[1])),
    "folder by attribute": zipped(with_item(plain(), PAGE, external=0x10)),
    "folder with content": extra_entry(b"Doc_9/"),
    "encrypted": zipped(with_item(plain(), PAGE, flags=UTF8 | ENCRYPTED)),
    "method 12": zipped(with_item(plain(), PAGE, method=12)),
    "stored without sizes": zipped(with_item(plain(), PAGE, method=STORED, flags=UTF8 | DESCRIBED)),
    "stored with two sizes": zipped(with_item(plain(), PAGE, method=STORED, size=3)),
    "zip64 extra": zipped(with_item(plain(), PAGE, extra=b"\x01\x00\x00\x00")),
    "unicode path": zipped(with_item(plain(), PAGE, local_extra=b"\x75\x70\x05\x00\x01\x00\x00\x00\x00")),
    "torn extra": zipped(with_item(plain(), PAGE, extra=b"\x01")),
    "comment of an entry": zipped(with_item(plain(), PAGE, comment=b"x")),
    "other local name": zipped(with_item(plain(), PAGE, local_name=b"Doc_0/Pages/Page_1/Content.xml")),
    "other local method": zipped(with_item(plain(), PAGE, local_method=STORED)),
    "gap": zipped(with_item(plain(), PAGE, gap=b"hidden")),
    "prefix": b"MZ" + packed(plain()),
    "suffix": packed(plain()) + b"\n",
    "archive's comment": zipped(items_of(plain()), comment=b"x"),
    "two archives": packed(plain()) + packed(plain()),
    "crc": zipped(with_item(plain(), PAGE, crc=1)),
    "size": zipped(with_item(plain(), PAGE, size=9)),
    "pdf at once": zipped([Item(b"a.pdf", b"%PDF-1.7", method=STORED), *items_of(plain())]),
    "empty": b"",
    "cut off": packed(plain())[:-30],
    "an end record alone": b"PK\x05\x06" + bytes(18),
}


@pytest.mark.parametrize("trick", TRICKS)
def test_a_tricky_archive_is_told_and_refused(trick: str) -> None:
    content = TRICKS[trick]
    assert problem(content).startswith(("O1: ", "The file is a ZIP archive and a PDF")), problem(content)
    with pytest.raises(DocumentRefused):
        admit_ofd(content)


def test_archives_of_many_makers_pass() -> None:
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w") as archive:
        for name, body in plain().items():
            archive.writestr(name, body)
    described = [replace(item, flags=UTF8 | DESCRIBED) for item in items_of(plain())]
    for content in (
        packed(plain()),
        stored.getvalue(),
        zipped(described),  # Java's
        zipped([replace(item, marked=False) for item in described]),
        zipped(
            [*items_of(plain()), Item("证照.xml".encode(), b"x"), Item(b"Doc_0/Empty/", b"", method=STORED)]
        ),
        zipped(with_item(plain(), PAGE, local_extra=b"UT\x05\x00\x03abcd", extra=b"UT\x05\x00\x03abcd")),
    ):
        assert problem(content) == ""
        assert read_package(content).files[PAGE] == plain()[PAGE]


def test_a_name_of_as_many_parts_as_are_taken_passes() -> None:
    assert problem(extra_entry(b"a/" * (PARTS_MAX - 1) + b"x")) == ""
    assert "has 33 parts (1 to 32 are taken)" in problem(TRICKS["deep"])


def test_what_unpacks_to_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped([*items_of(plain()), Item(b"bomb", bytes(4 * 1024 * 1024))])
    assert "packed more than" in problem(bomb)
    monkeypatch.setattr(package, "RATIO_MAX", 10_000)
    assert problem(bomb) == ""
    monkeypatch.setattr(package, "FILE_MAX_BYTES", 1024 * 1024)
    assert "bomb unpacks to more than" in problem(bomb)
    monkeypatch.setattr(package, "UNPACKED_MAX_BYTES", 1024 * 1024)
    assert "the package unpacks to more than" in problem(bomb)
    monkeypatch.setattr(package, "PACKAGE_MAX_BYTES", 1024)
    assert "at most 1024 are read" in problem(bomb)


DRAWING = "\u202egnp.\x1b[31m"  # right to left, and red


@pytest.mark.parametrize(
    "changes", [{"size": 9}, {"crc": 1}, {"method": 12}, {"gap": b"x"}, {"comment": b"x"}, {"extra": b"\x01"}]
)
def test_a_name_that_draws_stands_in_no_sentence(changes: dict[str, object]) -> None:
    files = {f"Doc_0/{DRAWING}": b"<x/>", "last": b""}
    content = zipped(with_item(files, f"Doc_0/{DRAWING}", **changes))
    with pytest.raises(DocumentRefused) as refused:
        check_caps_and_kinds(content)
    assert "Doc_0/" in refused.value.detail or "last" in refused.value.detail
    assert refused.value.detail.isprintable()


def check_caps_and_kinds(content: bytes) -> None:
    """What O1 says behind its rule on names, which would be the first to refuse."""
    directory = read_directory(content)
    for entry in directory.entries:
        package.check_kind(entry)
    package.check_layout(content, directory)
    read_package(content)


def test_a_lie_about_a_size_ends_the_unpacking() -> None:
    lie = zipped([*items_of(plain()), Item(b"bomb", bytes(4 * 1024 * 1024), size=100)])
    assert "is damaged" in problem(lie)


def test_too_many_entries() -> None:
    assert "1 to 2000 are taken" in problem(zipped([Item(b"f%d" % n, b"") for n in range(2001)]))
