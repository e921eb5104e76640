"""ZIP archives by hand, each field of them as a test wants it."""

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

STORED, DEFLATED = 0, 8
UTF8, DESCRIBED, ENCRYPTED = 0x0800, 0x0008, 0x0001


@dataclass(frozen=True)
class Item:
    """One entry. `local_*`: where the local header says another thing; `gap`: bytes behind its data."""

    name: bytes
    body: bytes
    method: int = DEFLATED
    flags: int = UTF8
    external: int = 0
    made_by: int = 20
    extra: bytes = b""
    comment: bytes = b""
    local_name: bytes | None = None
    local_method: int | None = None
    local_extra: bytes = b""
    crc: int | None = None
    size: int | None = None
    gap: bytes = b""
    marked: bool = True

    def packed(self) -> bytes:
        """The data as it lies there."""
        if self.method != DEFLATED:
            return self.body
        machine = zlib.compressobj(9, zlib.DEFLATED, -15)
        return machine.compress(self.body) + machine.flush()


def items_of(files: Mapping[str, bytes]) -> list[Item]:
    """An entry for each file."""
    return [Item(name.encode(), body) for name, body in files.items()]


def with_item(files: Mapping[str, bytes], name: str, **changes: object) -> list[Item]:
    """The entries, one of them changed."""
    return [
        replace(item, **changes) if item.name == name.encode() else item  # type: ignore[arg-type]  # a test's fields
        for item in items_of(files)
    ]


def zipped(items: Sequence[Item], *, before: bytes = b"", behind: bytes = b"", comment: bytes = b"") -> bytes:
    """The archive. `before`: bytes in front that its offsets do not count; `comment`: the archive's own."""
    out, directory = b"", b""
    for item in items:
        packed = item.packed()
        crc = zlib.crc32(item.body) if item.crc is None else item.crc
        size = len(item.body) if item.size is None else item.size
        sizes = (crc, len(packed), size)
        described = bool(item.flags & DESCRIBED)
        head = (item.flags, item.method, 0, 33)
        local_head = (item.flags, item.method if item.local_method is None else item.local_method, 0, 33)
        local_name = item.name if item.local_name is None else item.local_name
        at = len(out)
        out += struct.pack(
            "<4s5H3L2H",
            *(b"PK\x03\x04", 20, *local_head, *((0, 0, 0) if described else sizes)),
            *(len(local_name), len(item.local_extra)),
        )
        out += local_name + item.local_extra + packed
        if described:
            out += (b"PK\x07\x08" if item.marked else b"") + struct.pack("<3L", *sizes)
        out += item.gap
        directory += struct.pack(
            "<4s6H3L5H2L",
            *(b"PK\x01\x02", item.made_by, 20, *head, *sizes),
            *(len(item.name), len(item.extra), len(item.comment), 0, 0, item.external, at),
        )
        directory += item.name + item.extra + item.comment
    end = struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, len(items), len(items), len(directory), len(out), len(comment)
    )
    return before + out + directory + end + comment + behind
