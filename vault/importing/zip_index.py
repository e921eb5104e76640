"""A zip of a register's scans, with a directory kept in 24 bytes a file (PKWARE APPNOTE 6.3.10).

`zipfile` keeps some 800 bytes for each file of a zip: 330 MB for a province's 460,000 scans, in each process
of an import. Here the directory is read through once; of each file stay a digest of its name, and where in
the directory it stands. The file's own line is read again when it is asked for.
"""

import os
import struct
import weakref
import zlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path

ReadAt = Callable[[int, int], bytes]
"""From this place so many bytes; fewer where the zip ends."""

_END = struct.Struct("<4s4H2LH")  # 4.3.16
_END64_PLACE = struct.Struct("<4sLQL")  # 4.3.15
_END64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_CENTRAL = struct.Struct("<4s6H3L5H2L")  # 4.3.12
_LOCAL = struct.Struct("<4s5H3L2H")  # 4.3.7
_EXTRA, _LONG = struct.Struct("<2H"), struct.Struct("<Q")  # 4.5.1, 4.5.3
_END_MARK, _END64_PLACE_MARK, _END64_MARK = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_CENTRAL_MARK, _LOCAL_MARK = b"PK\x01\x02", b"PK\x03\x04"
_COMMENT_MAX_BYTES = 0xFFFF
_SHORT_MAX, _LONG_MAX = 0xFFFF, 0xFFFFFFFF
"""4.4.1.4: where one of these stands, the true number is in a ZIP64 record."""
_ZIP64_EXTRA = 0x0001  # 4.5.3
_ENCRYPTED, _UTF8_NAME = 0x1, 0x800  # 4.4.4: bits 0 and 11
_STORED, _DEFLATED = 0, 8  # 4.4.5
_RAW_DEFLATE = -zlib.MAX_WBITS
# Its fixed part, and name, extra field and comment.
_LINE_MAX_BYTES = _CENTRAL.size + 3 * _SHORT_MAX
_WINDOW_BYTES = 1 << 20  # several of the longest lines
_PIECE_BYTES = 256 * 1024

_KEY_BYTES, _PLACE_BYTES = 16, 8
_STEP = _KEY_BYTES + _PLACE_BYTES
# By the first byte of a key: putting one part in order at a time takes little memory beside the whole.
_PARTS = 256


class DamagedZip(Exception):
    """The zip, or the file in it, is not what it says."""


class TwiceTheSame(Exception):
    """Two files have one name."""


@dataclass(frozen=True, slots=True)
class ZipEntry:
    """A line of the directory. `local_at`: where the file's own header is; sizes in bytes."""

    raw_name: bytes
    utf8: bool
    encrypted: bool
    method: int
    crc: int
    packed_bytes: int
    size_bytes: int
    local_at: int

    @property
    def can_be_unpacked(self) -> bool:
        """It is open to everybody, and there as it is or by deflate."""
        return not self.encrypted and self.method in {_STORED, _DEFLATED}

    @property
    def is_folder(self) -> bool:
        """APPNOTE 4.3.8 and 4.4.17: a name that ends in a slash holds nothing."""
        return self.raw_name.endswith(b"/")


@dataclass(frozen=True, slots=True)
class _Directory:
    """From `start` to `end` in the file; `before`: bytes in front of the archive, which no offset counts."""

    start: int
    end: int
    before: int


class ZipIndex:
    """Where each file of a zip is, by its name; may be asked by several threads at once.

    `parts`: for each first byte of a key, the keys with their places in the directory, in order.
    """

    def __init__(self, read_at: ReadAt, before: int, parts: Sequence[bytes]) -> None:
        self._read_at = read_at
        self._before = before
        self._parts = parts

    def read(self, name: str, at_most: int) -> bytes | None:
        """The file of this name, or its first `at_most` bytes and one; None where there is none.

        Raises:
            DamagedZip: it is not what the directory says.
            OSError: the zip cannot be read any more.
        """
        key = _key(name)
        part = self._parts[key[0]]
        lines = range(0, len(part), _STEP)
        found = bisect_left(lines, key, key=lambda at: part[at : at + _KEY_BYTES]) * _STEP
        if part[found : found + _KEY_BYTES] != key:
            return None
        place = int.from_bytes(part[found + _KEY_BYTES : found + _STEP], "big")
        entry, _ = _entry(self._read_at(place, _LINE_MAX_BYTES), 0, self._before)
        return _content(self._read_at, entry, at_most)


def index_zip(read_at: ReadAt, total_bytes: int, named: Callable[[ZipEntry], str | None]) -> ZipIndex:
    """Reads the directory through; `named` looks at each line and gives its file's name, None for no file.

    Raises:
        DamagedZip: it is no zip, or a part of several, or its directory is cut off.
        TwiceTheSame: two files have one name.
        OSError: it cannot be read. And whatever `named` raises.
    """
    directory = _directory(read_at, total_bytes)
    parts = [bytearray() for _ in range(_PARTS)]
    for place, entry in _lines(read_at, directory):
        name = named(entry)
        if name is not None:
            key = _key(name)
            parts[key[0]] += key + place.to_bytes(_PLACE_BYTES, "big")
    return ZipIndex(read_at, directory.before, [_in_order(part) for part in parts])


def _in_order(part: bytearray) -> bytes:
    lines = sorted(bytes(part[at : at + _STEP]) for at in range(0, len(part), _STEP))
    if any(line[:_KEY_BYTES] == after[:_KEY_BYTES] for line, after in pairwise(lines)):
        raise TwiceTheSame
    return b"".join(lines)


def file_reader(path: Path) -> ReadAt:
    """Reads a file wherever it is asked to; closed when nobody holds the reader any more.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def read_at(at: int, length: int) -> bytes:
        return os.pread(descriptor, length, at)

    weakref.finalize(read_at, os.close, descriptor)
    return read_at


def _key(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()


def _directory(read_at: ReadAt, total_bytes: int) -> _Directory:
    from_at = max(0, total_bytes - _COMMENT_MAX_BYTES - _END.size - _END64_PLACE.size)
    tail = read_at(from_at, total_bytes - from_at)
    at = tail.rfind(_END_MARK)
    if at < 0 or at + _END.size > len(tail):
        raise DamagedZip("It has no end record.")
    _, disk, first_disk, _, _, size, offset, _ = _END.unpack_from(tail, at)
    end = from_at + at
    if at >= _END64_PLACE.size:
        mark, _, end64_at, _ = _END64_PLACE.unpack_from(tail, at - _END64_PLACE.size)
        if mark == _END64_PLACE_MARK:
            end = from_at + at - _END64_PLACE.size - _END64.size
            if end < 0:
                raise DamagedZip("Its end record is cut off.")
            record = read_at(end, _END64.size)
            if len(record) < _END64.size or not record.startswith(_END64_MARK) or end64_at > end:
                raise DamagedZip("Its ZIP64 end record is not where it is said to be.")
            *_, disk, first_disk, _, _, size, offset = _END64.unpack(record)
    before = end - size - offset
    if (disk, first_disk) != (0, 0) or before < 0:
        raise DamagedZip("It is one part of several, or its directory lies outside.")
    return _Directory(end - size, end, before)


def _lines(read_at: ReadAt, directory: _Directory) -> Iterator[tuple[int, ZipEntry]]:
    place, window, window_at = directory.start, b"", directory.start
    while place < directory.end:
        at = place - window_at
        if len(window) - at < _LINE_MAX_BYTES and window_at + len(window) < directory.end:
            window_at, at = place, 0
            window = read_at(place, min(_WINDOW_BYTES, directory.end - place))
        entry, length = _entry(window, at, directory.before)
        yield place, entry
        place += length
    if place != directory.end:
        raise DamagedZip("Its directory does not end where it says.")


def _entry(lines: bytes, at: int, before: int) -> tuple[ZipEntry, int]:
    """The line of a directory that begins `at` there, and its length."""
    if at + _CENTRAL.size > len(lines):
        raise DamagedZip("Its directory is cut off.")
    (
        mark,
        _made_by,
        _needed,
        flags,
        method,
        _time,
        _date,
        crc,
        packed,
        size,
        name_bytes,
        extra_bytes,
        comment_bytes,
        _disk,
        _internal,
        _external,
        offset,
    ) = _CENTRAL.unpack_from(lines, at)
    name_at = at + _CENTRAL.size
    extra_at = name_at + name_bytes
    if mark != _CENTRAL_MARK or extra_at + extra_bytes > len(lines):
        raise DamagedZip("Its directory is damaged.")
    if _LONG_MAX in {packed, size, offset}:
        size, packed, offset = _long(lines[extra_at : extra_at + extra_bytes], size, packed, offset)
    entry = ZipEntry(
        raw_name=lines[name_at:extra_at],
        utf8=bool(flags & _UTF8_NAME),
        encrypted=bool(flags & _ENCRYPTED),
        method=method,
        crc=crc,
        packed_bytes=packed,
        size_bytes=size,
        local_at=offset + before,
    )
    return entry, _CENTRAL.size + name_bytes + extra_bytes + comment_bytes


def _long(extra: bytes, *numbers: int) -> tuple[int, ...]:
    """4.5.3: those numbers that did not fit, in this order, in eight bytes each."""
    at = 0
    while at + _EXTRA.size <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        at += _EXTRA.size
        if kind == _ZIP64_EXTRA:
            held = extra[at : at + length]
            longs = list(struct.unpack_from(f"<{len(held) // _LONG.size}Q", held))
            if len(longs) < numbers.count(_LONG_MAX):
                raise DamagedZip("A size in its directory is missing.")
            return tuple(longs.pop(0) if number == _LONG_MAX else number for number in numbers)
        at += length
    return numbers


def _content(read_at: ReadAt, entry: ZipEntry, at_most: int) -> bytes:
    header = read_at(entry.local_at, _LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(_LOCAL_MARK):
        raise DamagedZip("The file is not where the directory says.")
    *_, name_bytes, extra_bytes = _LOCAL.unpack(header)
    name_at = entry.local_at + _LOCAL.size
    if read_at(name_at, name_bytes) != entry.raw_name:
        raise DamagedZip("The file has another name than in the directory.")
    content = bytearray()
    for piece in _pieces(read_at, name_at + name_bytes + extra_bytes, entry):
        content += piece
        if len(content) > at_most:
            return bytes(content[: at_most + 1])
    if len(content) != entry.size_bytes or zlib.crc32(content) != entry.crc:
        raise DamagedZip("The file has other bytes than the directory says.")
    return bytes(content)


def _pieces(read_at: ReadAt, start: int, entry: ZipEntry) -> Iterator[bytes]:
    """The file's bytes as they were packed; never more than its own share of the zip is read."""
    at, end = start, start + entry.packed_bytes
    inflating = zlib.decompressobj(_RAW_DEFLATE) if entry.method == _DEFLATED else None
    while at < end:
        piece = read_at(at, min(_PIECE_BYTES, end - at))
        if not piece:
            raise DamagedZip("The zip ends within the file.")
        at += len(piece)
        if inflating is None:
            yield piece
            continue
        try:
            while piece:
                yield inflating.decompress(piece, _PIECE_BYTES)
                piece = inflating.unconsumed_tail
        except zlib.error as error:
            raise DamagedZip("The file cannot be inflated.") from error
    if inflating is not None:
        yield inflating.flush()
        if not inflating.eof:
            raise DamagedZip("The file is cut off.")
