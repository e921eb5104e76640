"""OFD packages: a strict reader of zip files and a small writer of them (PKWARE APPNOTE 6.3.3).

What is written has no gaps, no data descriptors, no extra fields, UTF-8 names and one fixed date, so that the
same entries give the same bytes. Entries that are kept are copied as they were packed.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from vault.errors import DocumentRefused

ENTRIES_MAX = 2000  # files of a package: certificates have twenty, thick books some hundreds
UNPACKED_MAX_BYTES = 256 * 1024 * 1024  # all of them together, unpacked
RATIO_MAX = 250  # an entry's size unpacked to packed; blank pictures reach 200. No narrower than the gate's
RATIO_FREE_BYTES = 1024 * 1024  # an entry of this size is small whatever it packs to
NAME_MAX_BYTES = 512

_LOCAL = struct.Struct("<4sHHHHHIIIHH")  # clause 4.3.7
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")  # clause 4.3.12
_END = struct.Struct("<4sHHHHIIH")  # clause 4.3.16
_FIELD = struct.Struct("<HH")  # clause 4.5.1
_ZIP64_FIELD = 0x0001
_LONG_SIZES = struct.Struct("<QQ")  # unpacked, packed
_VERSION = 20  # 2.0: folders and deflate (clause 4.4.3)
_UTF8 = 0x0800  # clause 4.4.4, bit 11
_ENCRYPTED = 0x2041  # bits 0, 6 and 13
_DESCRIPTOR = 0x0008  # bit 3: sizes stand behind the data
_STORED, _DEFLATED = 0, 8
_DATE = 0x0021  # 1980-01-01, the first that the format knows
_ZIP64 = 0xFFFFFFFF
_UNIX = 3  # clause 4.4.2
_SYMLINK_MODE, _KIND_MASK = 0o120000, 0o170000
_DEFLATE_LEVEL: Final = 4  # 6 takes four times as long for 5 % less
_KEPT_DEFLATE_LEVEL: Final = 9  # once for many documents
_KEPT = 64  # ornaments of a page, half a megabyte each


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a package as it is packed: `method` 0 or 8, `packed` the bytes in the zip file."""

    name: str
    method: int
    crc: int
    size: int
    packed: bytes | memoryview = field(repr=False)

    def content(self) -> bytes:
        """The file itself.

        Raises:
            DocumentRefused: it does not unpack to what its header says.
        """
        if self.method == _STORED:
            content = bytes(self.packed)
        else:
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            try:
                content = inflater.decompress(self.packed, self.size + 1)
            except zlib.error as error:
                raise DocumentRefused("The OFD is damaged: one of its files cannot be unpacked.") from error
            if not inflater.eof or inflater.unused_data:
                raise DocumentRefused("The OFD is damaged: one of its files unpacks to another size.")
        if len(content) != self.size or zlib.crc32(content) != self.crc:
            raise DocumentRefused("The OFD is damaged: one of its files has another checksum.")
        return content


def packed(name: str, content: bytes, *, deflate: bool = True, level: int = _DEFLATE_LEVEL) -> Entry:
    """A file as an entry; `deflate` False where it is packed already, as pictures are."""
    crc = zlib.crc32(content)
    if deflate:
        deflater = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
        small = deflater.compress(content) + deflater.flush()
        bomb = len(content) > max(RATIO_FREE_BYTES, RATIO_MAX * len(small))  # which no reader would take
        if len(small) < len(content) and not bomb:
            return Entry(name, _DEFLATED, crc, len(content), small)
    return Entry(name, _STORED, crc, len(content), content)


@lru_cache(maxsize=_KEPT)
def packed_once(name: str, content: bytes) -> Entry:
    """A file that returns in many packages, as an entry; kept."""
    return packed(name, content, level=_KEPT_DEFLATE_LEVEL)


def written(entries: Iterable[Entry]) -> bytes:
    """The zip file with these entries, in this order."""
    parts: list[bytes | memoryview] = []
    directory: list[bytes] = []
    place = 0
    for entry in entries:
        name = entry.name.encode()
        shared = (entry.method, 0, _DATE, entry.crc, len(entry.packed), entry.size, len(name), 0)
        parts += [_LOCAL.pack(b"PK\3\4", _VERSION, _UTF8, *shared), name, entry.packed]
        directory += [_CENTRAL.pack(b"PK\1\2", _VERSION, _VERSION, _UTF8, *shared, 0, 0, 0, 0, place), name]
        place += _LOCAL.size + len(name) + len(entry.packed)
    listing = b"".join(directory)
    count = len(directory) // 2
    end = _END.pack(b"PK\5\6", 0, 0, count, count, len(listing), place, 0)
    return b"".join((*parts, listing, end))


def read(document: bytes) -> dict[str, Entry]:
    """The entries of a package by name, in the order of its directory; a folder's name ends with `/`.

    Raises:
        DocumentRefused: it is no zip file of one part whose directory and headers agree, or it is larger,
            nested or named in a way that no OFD is.
    """
    start, end, count = _directory(document)
    view = memoryview(document)
    entries: dict[str, Entry] = {}
    seen: set[str] = set()
    place, unpacked, expected = start, 0, 0
    for _ in range(count):
        head = _listed(document, place, end)
        if head.name.casefold() in seen:
            raise DocumentRefused("The OFD has two files of one name.")
        seen.add(head.name.casefold())
        unpacked += head.size
        if unpacked > UNPACKED_MAX_BYTES:
            raise DocumentRefused(f"The OFD unpacks to more than {UNPACKED_MAX_BYTES} bytes.")
        if head.at != expected:
            raise DocumentRefused("The OFD has bytes between its files that belong to none of them.")
        body, expected = _local(document, head, start)
        packed_bytes = view[body : body + head.size_packed]
        entries[head.name] = Entry(head.name, head.method, head.crc, head.size, packed_bytes)
        place += _CENTRAL.size + head.variable_bytes
    if place != end or expected != start:
        raise _damaged()
    return entries


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the directory says of a file. `at`: where its header is; `raw`: its name as it is written."""

    name: str
    raw: bytes
    flags: int
    method: int
    crc: int
    size_packed: int
    size: int
    at: int
    variable_bytes: int


def _listed(document: bytes, place: int, end: int) -> _Listed:
    """One entry of the central directory (clause 4.3.12)."""
    if place + _CENTRAL.size > end:
        raise _damaged()
    signature, made_by, _, flags, method, _, _, crc, size_packed, size, n, x, c, disk, _, mode, at = (
        _CENTRAL.unpack_from(document, place)
    )
    if signature != b"PK\1\2" or place + _CENTRAL.size + n + x + c > end or disk:
        raise _damaged()
    raw = document[place + _CENTRAL.size : place + _CENTRAL.size + n]
    name = _name(raw, flags)
    if flags & _ENCRYPTED or method not in {_STORED, _DEFLATED}:
        raise DocumentRefused("The OFD has a file that is encrypted or packed in an unusual way.")
    if made_by >> 8 == _UNIX and mode >> 16 & _KIND_MASK == _SYMLINK_MODE:
        raise DocumentRefused("The OFD has a link instead of a file.")
    if _ZIP64 in {size, size_packed, at}:
        raise DocumentRefused("The OFD is larger than is taken.")
    if size > RATIO_FREE_BYTES and size > RATIO_MAX * size_packed:
        raise DocumentRefused(f"The OFD has a file that unpacks to more than {RATIO_MAX} times its size.")
    if name.endswith("/") and size:
        raise _damaged()
    return _Listed(name, raw, flags, method, crc, size_packed, size, at, n + x + c)


def _directory(document: bytes) -> tuple[int, int, int]:
    """Where the central directory starts and ends, and how many entries it has."""
    place = len(document) - _END.size
    if place < 0 or document[place : place + 4] != b"PK\5\6" or document[:4] != b"PK\3\4":
        raise DocumentRefused("This is no OFD: it is no zip file from its first byte to its last.")
    _, disk, first_disk, here, count, size, start, comment = _END.unpack_from(document, place)
    if disk or first_disk or here != count or comment or start + size != place:
        raise _damaged()
    if not 0 < count <= ENTRIES_MAX:
        raise DocumentRefused(f"An OFD has 1 to {ENTRIES_MAX} files, got {count}.")
    return start, place, count


def _local(document: bytes, listed: _Listed, limit: int) -> tuple[int, int]:
    """Where a file's data starts, and where ends what belongs to it; its header must say the same."""
    if listed.at + _LOCAL.size > limit:
        raise _damaged()
    signature, _, flags, method, _, _, crc, size_packed, size, n, x = _LOCAL.unpack_from(document, listed.at)
    name = document[listed.at + _LOCAL.size : listed.at + _LOCAL.size + n]
    if signature != b"PK\3\4" or (flags, method, name) != (listed.flags, listed.method, listed.raw):
        raise _damaged()
    body = listed.at + _LOCAL.size + n + x
    if (size_packed, size) == (_ZIP64, _ZIP64):  # written before the sizes were known, by some makers
        size_packed, size = _long_sizes(document[body - x : body])
    end = body + listed.size_packed
    sizes = (listed.crc, listed.size_packed, listed.size)
    if flags & _DESCRIPTOR:
        end = _behind_descriptor(document, end, sizes)
        if (crc, size_packed, size) not in {(0, 0, 0), sizes}:
            raise _damaged()
    elif (crc, size_packed, size) != sizes:
        raise _damaged()
    if end > limit:
        raise _damaged()
    return body, end


def _long_sizes(extra: bytes) -> tuple[int, int]:
    """Sizes packed and unpacked of a header's ZIP64 field (clause 4.5.3), where the directory has none."""
    place = 0
    while place + _FIELD.size <= len(extra):
        kind, length = _FIELD.unpack_from(extra, place)
        place += _FIELD.size
        if kind == _ZIP64_FIELD and length == _LONG_SIZES.size and place + length <= len(extra):
            size, size_packed = _LONG_SIZES.unpack_from(extra, place)
            return size_packed, size
        place += length
    raise _damaged()


def _behind_descriptor(document: bytes, place: int, listed: tuple[int, int, int]) -> int:
    """Where a data descriptor ends, with or without its signature (clause 4.3.9)."""
    written_out = struct.pack("<III", *listed)
    if document[place : place + 16] == b"PK\7\x08" + written_out:
        return place + 16
    if document[place : place + 12] == written_out:
        return place + 12
    raise _damaged()


def _name(raw: bytes, flags: int) -> str:
    """A name as OFD has it: relative, with `/`, without steps upwards."""
    try:
        name = raw.decode("utf-8" if flags & _UTF8 or raw.isascii() else "gb18030")
    except UnicodeDecodeError as error:
        raise DocumentRefused("The OFD has a file whose name cannot be read.") from error
    parts = name.removesuffix("/").split("/")
    if (
        not 0 < len(raw) <= NAME_MAX_BYTES
        or not name.isprintable()
        or "\\" in name
        or ":" in name
        or any(part in {"", ".", ".."} for part in parts)
    ):
        raise DocumentRefused("The OFD has a file whose name leads somewhere else.")
    return name


def _damaged() -> DocumentRefused:
    return DocumentRefused("The OFD is damaged: its table of files does not fit its files.")
