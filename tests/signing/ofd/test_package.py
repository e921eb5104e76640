"""The zip files of OFDs: written without freedom, read without mercy."""

import struct
import zipfile
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.ofd.package import Entry, packed, read, written
from vault.errors import DocumentRefused

_FILES = {"OFD.xml": b"<OFD/>" * 40, "Doc_0/Res/a.png": bytes(range(256)), "文/档.xml": b""}


def _package() -> bytes:
    return written(packed(name, content) for name, content in _FILES.items())


def _by_zipfile(files: dict[str, bytes], *, stream: bool = False, **entry: int) -> bytes:
    out = BytesIO()
    target = _Unseekable(out) if stream else out
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:  # type: ignore[call-overload]  # a stream is enough for it
        for name, content in files.items():
            information = zipfile.ZipInfo(name)
            for key, value in entry.items():
                setattr(information, key, value)
            made.writestr(information, content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


class _Unseekable:
    """A stream that zipfile cannot go back in, so that it writes data descriptors."""

    def __init__(self, out: BytesIO) -> None:
        self.write, self.flush = out.write, out.flush


def test_what_is_written_is_read_by_us_and_by_others() -> None:
    assert {name: entry.content() for name, entry in read(_package()).items()} == _FILES
    with zipfile.ZipFile(BytesIO(_package())) as held:
        assert held.testzip() is None
        assert {name: held.read(name) for name in held.namelist()} == _FILES


@given(
    st.dictionaries(
        st.text("abc/文.", min_size=1).filter(lambda n: all(p not in {"", ".", ".."} for p in n.split("/"))),
        st.binary(),
        min_size=1,
        max_size=6,
    )
)
def test_any_files_come_back(files: dict[str, bytes]) -> None:
    folded = {name.casefold(): (name, content) for name, content in files.items()}
    kept = dict(folded.values())
    assert {
        name: e.content() for name, e in read(written(packed(n, c) for n, c in kept.items())).items()
    } == kept


def test_data_descriptors_are_read_and_left_out_when_written() -> None:
    streamed = _by_zipfile(_FILES, stream=True)
    assert b"PK\x07\x08" in streamed
    entries = read(streamed)
    again = written(entries.values())
    assert b"PK\x07\x08" not in again
    with zipfile.ZipFile(BytesIO(again)) as held:
        assert {name: held.read(name) for name in held.namelist()} == _FILES


def test_long_sizes_in_a_header_are_read_and_left_out_when_written() -> None:
    plain = _by_zipfile({"a.xml": b"<a/>"})  # by hand: what zipfile writes here changed within Python 3.11
    sizes, behind_name = struct.unpack_from("<II", plain, 18), 30 + len("a.xml")
    header = bytearray(plain[:behind_name] + struct.pack("<HHQQ", 1, 16, sizes[1], sizes[0]))
    struct.pack_into("<II", header, 18, 0xFFFFFFFF, 0xFFFFFFFF)
    struct.pack_into("<H", header, 28, 20)
    long = bytearray(bytes(header) + plain[behind_name:])
    (directory,) = struct.unpack_from("<I", plain, len(plain) - 6)
    struct.pack_into("<I", long, len(long) - 6, directory + 20)
    streamed = bytes(long)
    assert read(streamed)["a.xml"].content() == b"<a/>"
    again = written(read(streamed).values())
    assert len(again) == len(streamed) - 20
    wrong = bytearray(streamed)
    wrong[30 + 5 + 4] ^= 1
    with pytest.raises(DocumentRefused, match="damaged"):
        read(bytes(wrong))


def test_folders_are_kept() -> None:
    made = _by_zipfile({"Doc_0/": b"", "Doc_0/a": b"x"})
    assert [*read(made)] == ["Doc_0/", "Doc_0/a"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "no zip file"),
        (b"%PDF-1.7", "no zip file"),
        (b"x" + _package(), "no zip file"),
        (_package() + b"\n", "no zip file"),
        (_package()[:-1], "no zip file"),
        (written([packed("a", b"1"), packed("a", b"2")]), "one name"),
        (written([packed("a", b"1"), packed("A", b"2")]), "one name"),
        (written([packed("../a", b"1")]), "leads somewhere else"),
        (written([packed("/a", b"1")]), "leads somewhere else"),
        (written([packed("a//b", b"1")]), "leads somewhere else"),
        (written([packed("a\\b", b"1")]), "leads somewhere else"),
        (written([packed("c:a", b"1")]), "leads somewhere else"),
        (written([packed("a\0b", b"1")]), "leads somewhere else"),
        (written([packed("x" * 600, b"1")]), "leads somewhere else"),
        (written([Entry("a", 12, 0, 1, b"1")]), "unusual way"),
        (written([Entry("a", 8, zlib.crc32(b""), 300_000_000, b"\3\0")]), "times its size"),
        (written([Entry("a", 8, 0, 300_000_000, b"0" * 2_000_000)]), "unpacks to more"),
        (_by_zipfile({"a": b"b"}, external_attr=0o120777 << 16, create_system=3), "link"),
        (written([]), "no zip file"),
    ],
)  # fmt: skip
def test_packages_that_no_ofd_is_are_refused(document: bytes, words: str) -> None:
    with pytest.raises(DocumentRefused, match=words):
        read(document)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"PK\1\2", b"PK\1\3"),  # the directory's own signature
        (b"PK\5\6\0\0", b"PK\5\6\1\0"),  # a second disk
        (struct.pack("<H", 3) * 2, struct.pack("<HH", 2, 2)),  # one entry fewer than there are
    ],
)
def test_a_directory_that_does_not_fit_is_refused(old: bytes, new: bytes) -> None:
    place = _package().rindex(old)
    with pytest.raises(DocumentRefused):
        read(_package()[:place] + new + _package()[place + len(old) :])


def test_a_header_that_says_something_else_than_the_directory_is_refused() -> None:
    for field in (6, 8, 14, 18, 22, 26, 30):
        document = bytearray(_package())
        document[field] ^= 1
        with pytest.raises(DocumentRefused):
            read(bytes(document))


def test_a_file_that_would_pack_like_a_bomb_is_written_as_it_is() -> None:
    content = bytes(2 << 20)
    entry = packed("a.xml", content)
    assert entry.method == zipfile.ZIP_STORED
    assert read(written([entry]))["a.xml"].content() == content


def test_bytes_between_files_are_refused() -> None:
    first, second = (written([packed(name, b"x")]) for name in "ab")
    assert first[: 30 + 1 + 1] != second[: 30 + 1 + 1]
    document = bytearray(written([packed("a", b"x"), packed("b", b"y")]))
    local = 32
    gap = document[:local] + b"hidden" + document[local:]
    start = gap.index(b"PK\1\2")
    second_entry = gap.index(b"PK\1\2", start + 4)
    struct.pack_into("<I", gap, second_entry + 42, local + 6)
    struct.pack_into("<I", gap, len(gap) - 6, start)
    with zipfile.ZipFile(BytesIO(gap)) as held:
        assert held.testzip() is None  # others do not mind
    with pytest.raises(DocumentRefused, match="belong to none"):
        read(bytes(gap))


@pytest.mark.parametrize(
    "entry",
    [
        Entry("a", 0, 1, 1, b"x"),
        Entry("a", 0, zlib.crc32(b"x"), 2, b"x"),
        Entry("a", 8, zlib.crc32(b"x"), 1, b"x"),
        Entry("a", 8, zlib.crc32(b"xx"), 1, zlib.compress(b"xx", wbits=-15)),
        Entry("a", 8, zlib.crc32(b"x"), 1, zlib.compress(b"x", wbits=-15) + b"more"),
        Entry("a", 8, zlib.crc32(b"x"), 1, zlib.compress(b"x", wbits=-15)[:-1]),
    ],
)
def test_a_file_that_is_not_what_its_header_says_is_refused(entry: Entry) -> None:
    with pytest.raises(DocumentRefused, match="damaged"):
        entry.content()
