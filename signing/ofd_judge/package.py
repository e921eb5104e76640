"""O1: the package is one ZIP archive that every reader reads alike, and its files within their caps."""

import stat
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from signing.file_ends import check_zip_ends
from signing.ofd_judge.directory import Directory, Entry, read_directory
from signing.ofd_judge.names import check_names, check_unique, folded, shown
from vault.errors import DocumentRefused

PACKAGE_MAX_BYTES = 64 * 1024 * 1024  # held in memory as a whole, as a PDF is
FILE_MAX_BYTES = 32 * 1024 * 1024  # of one file, unpacked: a scanned page takes 2 MB, a font 20
UNPACKED_MAX_BYTES = 128 * 1024 * 1024  # of all files together: a judging child may take a gigabyte
# XML of many alike lines packs 1:30, a blank picture 1:200; a bomb is made of 1:1000
RATIO_MAX = 250
RATIO_FROM_BYTES = 1024 * 1024  # smaller files may pack as they like

STORED, DEFLATED = 0, 8
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MARK, _DESCRIPTOR_MARK = b"PK\x03\x04", b"PK\x07\x08"
_DESCRIPTOR = struct.Struct("<3L")
# General purpose bits (APPNOTE 6.3.10, clause 4.4.4): 1 and 2 say how hard was packed, 3 that sizes follow
# the data, 11 that names are UTF-8. Others mean encryption, patches or what nobody uses.
_DESCRIBED_BEHIND = 0x0008
_FLAGS_TAKEN = 0x0806 | _DESCRIBED_BEHIND
_UNIX = 3  # made by: who wrote `external`, in the upper byte
_DOS_FOLDER, _DOS_VOLUME = 0x10, 0x08
# Extra fields by which a reader finds other sizes, another name, or cipher text: ZIP64, Unicode path, AES and
# the strong encryption headers
_EXTRAS_REFUSED = frozenset({0x0001, 0x7075, 0x9901, 0x0014, 0x0015, 0x0016, 0x0017, 0x0019})
_EXTRA_HEAD = struct.Struct("<2H")


@dataclass(frozen=True, slots=True)
class Package:
    """The files of a package by name; `problem`: what is wrong with it as a ZIP, None if nothing is."""

    files: Mapping[str, bytes] = field(repr=False)
    by_folded: Mapping[str, str] = field(repr=False)
    problem: str | None

    def find(self, path: str) -> str | None:
        """The name of the file that a reader finds under a path, also one that knows no case."""
        return path if path in self.files else self.by_folded.get(folded(path))


def read_package(content: bytes) -> Package:
    """Unpack a package; what O1 minds stands in `problem` where it can be read all the same.

    A reader that minds nothing shows such a file to people: what it bears has to be told.

    Raises:
        DocumentRefused: it cannot be read, or is beyond a cap.
    """
    if len(content) > PACKAGE_MAX_BYTES:
        raise DocumentRefused(f"O1: the file has {len(content)} bytes; at most {PACKAGE_MAX_BYTES} are read.")
    directory = read_directory(content)
    try:
        check_archive(content, directory)
        problem = None
    except DocumentRefused as error:
        problem = error.detail
    check_caps(directory)
    files = {
        entry.name: _unpacked(content, entry) for entry in directory.entries if not entry.name.endswith("/")
    }
    return Package(files, {folded(name): name for name in files}, problem)


def check_archive(content: bytes, directory: Directory) -> None:
    """The rules of O1, but for the caps.

    1. one archive and nothing else, not a PDF either; 2. names; 3. each entry of a kind that is taken;
    4. local headers as in the directory, one behind the other without gap or overlap.

    Raises:
        DocumentRefused: with a sentence that begins with the rule.
    """
    check_one_thing(content, directory)  # 1
    check_names(directory.entries)  # 2
    check_unique(directory.entries)
    for entry in directory.entries:  # 3
        check_kind(entry)
    check_layout(content, directory)  # 4


def check_one_thing(content: bytes, directory: Directory) -> None:
    """Nothing stands before the first entry or behind the end record, and it is no PDF at once.

    Raises:
        DocumentRefused: it is otherwise.
    """
    if directory.before:
        raise DocumentRefused(f"O1: {directory.before} bytes stand in front of the package.")
    if directory.behind:
        raise DocumentRefused(f"O1: {directory.behind} bytes stand behind the package's end record.")
    if directory.disks:
        raise DocumentRefused("O1: the package says that it is a part of several.")
    check_zip_ends(content)


def check_kind(entry: Entry) -> None:
    """A file or a folder, stored or deflated, not encrypted, without a comment or another reader's sizes.

    Raises:
        DocumentRefused: it is otherwise.
    """
    why = _refused_kind(entry)
    if why is not None:
        raise DocumentRefused(f"O1: an entry of the package {why}: {shown(entry.name)}.")


def check_caps(directory: Directory) -> None:
    """What the entries say that they unpack to is within the caps; unpacking stops where they lied.

    Raises:
        DocumentRefused: it is not.
    """
    if sum(entry.size_bytes for entry in directory.entries) > UNPACKED_MAX_BYTES:
        raise DocumentRefused(f"O1: the package unpacks to more than {UNPACKED_MAX_BYTES} bytes.")
    for entry in directory.entries:
        if entry.size_bytes > FILE_MAX_BYTES:
            raise DocumentRefused(f"O1: {shown(entry.name)} unpacks to more than {FILE_MAX_BYTES} bytes.")
        if entry.size_bytes > max(RATIO_FROM_BYTES, RATIO_MAX * entry.packed_bytes):
            raise DocumentRefused(f"O1: {shown(entry.name)} is packed more than 1:{RATIO_MAX}.")


def check_layout(content: bytes, directory: Directory) -> None:
    """Local headers say what the directory says, and entries follow one another from byte 0 to the directory.

    Raises:
        DocumentRefused: they do not.
    """
    expected = directory.before
    for entry in directory.entries:
        if entry.offset != expected:
            raise DocumentRefused(f"O1: a gap or an overlap in the package before {shown(entry.name)}.")
        data_at = _check_local(content, entry)
        expected = data_at + entry.packed_bytes + _check_descriptor(content, entry, data_at)
    if expected != directory.start:
        raise DocumentRefused("O1: something stands between the package's last file and its directory.")


def _refused_kind(entry: Entry) -> str | None:
    """What an entry is that is not taken, in words; None where it is taken."""
    kind = stat.S_IFMT(entry.external >> 16)
    is_folder, is_stored = entry.name.endswith("/"), entry.method == STORED
    by_unix = entry.made_by >> 8 == _UNIX
    rules = (
        (entry.flags & ~_FLAGS_TAKEN, "is encrypted, or of another kind than is taken"),
        (entry.method not in {STORED, DEFLATED}, f"is packed by method {entry.method} (0 and 8 are taken)"),
        (
            is_stored and entry.flags & _DESCRIBED_BEHIND,
            "does not say in front of its data how long they are",
        ),
        (is_stored and entry.packed_bytes != entry.size_bytes, "is stored with two sizes"),
        (is_folder and entry.size_bytes, "is a folder with content"),
        (
            by_unix and kind not in {0, stat.S_IFDIR if is_folder else stat.S_IFREG},
            "is a symbolic link or something else than a file",
        ),
        (
            not is_folder and entry.external & (_DOS_FOLDER | _DOS_VOLUME),
            "is a folder or a volume by its attributes",
        ),
        (entry.comment or entry.disk, "has a comment, or lies on another disk"),
        (not _plain_extras(entry.extra), "has an extra field that some readers obey"),
    )
    return next((why for holds, why in rules if holds), None)


def _plain_extras(extra: bytes) -> bool:
    at = 0
    while at < len(extra):
        if at + _EXTRA_HEAD.size > len(extra):
            return False
        kind, size = _EXTRA_HEAD.unpack_from(extra, at)
        at += _EXTRA_HEAD.size + size
        if kind in _EXTRAS_REFUSED or at > len(extra):
            return False
    return True


def _check_local(content: bytes, entry: Entry) -> int:
    """The place of the entry's data."""
    local = _LOCAL.unpack_from(content, entry.offset) if _fits(content, entry.offset, _LOCAL.size) else None
    if local is None or local[0] != _LOCAL_MARK:
        raise DocumentRefused(f"O1: {shown(entry.name)} has no header where the directory says.")
    numbers: tuple[int, ...] = local[1:]
    _needed, flags, method, time, date, crc, packed, size, name_bytes, extra_bytes = numbers
    at = entry.offset + _LOCAL.size
    name = content[at : at + name_bytes]
    sizes: tuple[int, int, int] = (crc, packed, size)
    said = (entry.crc, entry.packed_bytes, entry.size_bytes)
    unsaid = bool(flags & _DESCRIBED_BEHIND) and sizes == (0, 0, 0)
    same = (flags, method, (date, time), name) == (entry.flags, entry.method, entry.modified, entry.raw_name)
    if not same or not (unsaid or sizes == said):
        raise DocumentRefused(f"O1: the header of {shown(entry.name)} says another thing than the directory.")
    extra_at = at + name_bytes
    if not _plain_extras(content[extra_at : extra_at + extra_bytes]):
        raise DocumentRefused(f"O1: the header of {shown(entry.name)} has an extra field that some obey.")
    return extra_at + extra_bytes


def _check_descriptor(content: bytes, entry: Entry, data_at: int) -> int:
    """How long the data descriptor behind an entry's data is, with its mark or without; 0: there is none."""
    if not entry.flags & _DESCRIBED_BEHIND:
        return 0
    at = data_at + entry.packed_bytes
    marked = content[at : at + 4] == _DESCRIPTOR_MARK
    place = at + 4 if marked else at
    said = _DESCRIPTOR.unpack_from(content, place) if _fits(content, place, _DESCRIPTOR.size) else None
    if said != (entry.crc, entry.packed_bytes, entry.size_bytes):
        raise DocumentRefused(
            f"O1: what stands behind {shown(entry.name)} says another thing than the directory."
        )
    return _DESCRIPTOR.size + (4 if marked else 0)


def _fits(content: bytes, at: int, size: int) -> bool:
    return at >= 0 and at + size <= len(content)


def _unpacked(content: bytes, entry: Entry) -> bytes:
    """One file, as its directory entry says: all of its packed bytes used, its length and CRC.

    Raises:
        DocumentRefused: it is otherwise.
    """
    if not _fits(content, entry.offset, _LOCAL.size):
        raise DocumentRefused(f"O1: {shown(entry.name)} lies outside the package.")
    *_, name_bytes, extra_bytes = _LOCAL.unpack_from(content, entry.offset)
    at = entry.offset + _LOCAL.size + name_bytes + extra_bytes
    packed = content[at : at + entry.packed_bytes]
    if entry.method == STORED:
        unpacked, whole = packed, True
    elif entry.method == DEFLATED:
        unpacked, whole = _inflated(packed, entry)
    else:
        raise DocumentRefused(
            f"O1: {shown(entry.name)} is packed by method {entry.method} (0 and 8 are taken)."
        )
    if not whole or len(unpacked) != entry.size_bytes or zlib.crc32(unpacked) != entry.crc:
        raise DocumentRefused(
            f"O1: {shown(entry.name)} is damaged: length or CRC are not as the directory says."
        )
    return unpacked


def _inflated(packed: bytes, entry: Entry) -> tuple[bytes, bool]:
    """The unpacked bytes, at most one more than announced; and whether the packed ones were used up."""
    machine = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        unpacked = machine.decompress(packed, entry.size_bytes + 1)
    except zlib.error as error:
        raise DocumentRefused(f"O1: {shown(entry.name)} is damaged: it cannot be unpacked.") from error
    return unpacked, machine.eof and not machine.unused_data and not machine.unconsumed_tail
