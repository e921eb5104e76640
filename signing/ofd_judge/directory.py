"""A ZIP's central directory, read with our own eyes (APPNOTE 6.3.10, clauses 4.3.12 and 4.3.16).

Python's `zipfile` takes duplicate names, symbolic links, NUL in names, and bytes before and behind the
archive without a word. Here everything is read that the rules of O1 need, and nothing is judged.
"""

import struct
from dataclasses import dataclass

from vault.errors import DocumentRefused

ENTRIES_MAX = 2_000  # a certificate has some thirty; a book of a thousand pages is none
_END = struct.Struct("<4s4H2LH")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END_MARK, _CENTRAL_MARK = b"PK\x05\x06", b"PK\x01\x02"
_COMMENT_MAX_BYTES = 65_535
_ZIP64_LONG = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the central directory, as it stands there. `offset`: of its local header in the file."""

    raw_name: bytes
    made_by: int
    flags: int
    method: int
    modified: tuple[int, int]
    crc: int
    packed_bytes: int
    size_bytes: int
    extra: bytes
    comment: bytes
    disk: int
    external: int
    offset: int

    @property
    def name(self) -> str:
        """Its name for people and for look-up; what is no UTF-8 is refused by O1, and shown with marks."""
        return self.raw_name.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Directory:
    """The central directory of an archive: `start` to `end` in the file; `before`: bytes in front of it all.

    `behind`: bytes behind the end record, a comment among them. `disks`: whether it says that it is one part
    of several.
    """

    entries: tuple[Entry, ...]
    start: int
    end: int
    before: int
    behind: int
    disks: bool


def read_directory(content: bytes) -> Directory:
    """The directory that a lenient reader finds: by the last end record, whatever stands around it.

    Raises:
        DocumentRefused: there is none, or too long a one.
    """
    at = content.rfind(_END_MARK, max(0, len(content) - _COMMENT_MAX_BYTES - _END.size))
    if at < 0 or at + _END.size > len(content):
        raise DocumentRefused("O1: the file is no ZIP archive that can be read: it has no end record.")
    _, disk, first_disk, here, total, size, offset, _ = _END.unpack_from(content, at)
    if _ZIP64_LONG in {size, offset} or total == 0xFFFF:  # noqa: PLR2004 - the mark of ZIP64
        raise DocumentRefused("O1: the package is a ZIP64 archive; none so large is taken.")
    if not 1 <= total <= ENTRIES_MAX:
        raise DocumentRefused(f"O1: the package has {total} entries; 1 to {ENTRIES_MAX} are taken.")
    start = at - size
    before = start - offset
    if start < 0 or before < 0:
        raise DocumentRefused("O1: the package's directory lies outside the file.")
    entries: list[Entry] = []
    place = start
    while len(entries) < total and place < at:
        entry, place = _read_entry(content, place, at, before)
        entries.append(entry)
    if len(entries) != total or place != at:
        raise DocumentRefused("O1: the package's directory has not the entries that it says.")
    return Directory(
        tuple(entries),
        start,
        at,
        before,
        len(content) - at - _END.size,
        disks=(disk, first_disk) != (0, 0) or here != total,
    )


def _read_entry(content: bytes, place: int, end: int, before: int) -> tuple[Entry, int]:
    if place + _CENTRAL.size > end:
        raise DocumentRefused("O1: the package's directory is cut off.")
    (
        mark,
        made_by,
        _needed,
        flags,
        method,
        time,
        date,
        crc,
        packed,
        size,
        name_bytes,
        extra_bytes,
        comment_bytes,
        disk,
        _internal,
        external,
        offset,
    ) = _CENTRAL.unpack_from(content, place)
    at = place + _CENTRAL.size
    behind = at + name_bytes + extra_bytes + comment_bytes
    if mark != _CENTRAL_MARK or behind > end:
        raise DocumentRefused("O1: the package's directory is damaged.")
    extra_at = at + name_bytes
    comment_at = extra_at + extra_bytes
    entry = Entry(
        raw_name=content[at:extra_at],
        made_by=made_by,
        flags=flags,
        method=method,
        modified=(date, time),
        crc=crc,
        packed_bytes=packed,
        size_bytes=size,
        extra=content[extra_at:comment_at],
        comment=content[comment_at:behind],
        disk=disk,
        external=external,
        offset=offset + before,
    )
    return entry, behind
