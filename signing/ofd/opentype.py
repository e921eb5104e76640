"""OpenType tables around a bare CFF, so that it opens as a font of its own (ISO/IEC 14496-22)."""

import struct
import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

EM_UNITS = 1000
_HEADER = struct.Struct(">4sHHHH")
_RECORD = struct.Struct(">4sIII")
_BMP_LAST = 0xFFFF
_HEAD_MAGIC = 0x5F0F3CF5
_CHECKSUM_MAGIC = 0xB1B0AFBA  # clause 5.2.2, `checksumAdjustment`
# Seconds from 1904 to 1970: `head` counts from there. A fixed day keeps the same input the same bytes.
_CREATED = 2_082_844_800


@dataclass(frozen=True, slots=True)
class FontMetrics:
    """Advances by glyph, the box around all glyphs, heights over and under the base line; in 1/1000 em."""

    glyph_count: int
    widths: Mapping[int, float]
    box: tuple[int, ...]
    ascent: int
    descent: int


def font_file(cff: bytes, name: str, tagged: str, glyph_of: Mapping[str, int], metrics: FontMetrics) -> bytes:
    """An OpenType file (clause 4.5): table directory and tables by their tags."""
    codes = sorted((ord(character), glyph) for character, glyph in glyph_of.items())
    tables = {
        b"CFF ": cff,
        b"OS/2": _os2(codes, metrics),
        b"cmap": _cmap(codes),
        b"head": _head(metrics, 0),
        b"hhea": _hhea(metrics),
        b"hmtx": _hmtx(metrics),
        b"maxp": struct.pack(">IH", 0x00005000, metrics.glyph_count),
        b"name": _names(name, tagged),
        b"post": struct.pack(">IIhhIIIII", 0x00030000, 0, -100, 50, 0, 0, 0, 0, 0),
    }
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    shape = (count, power * 16, power.bit_length() - 1, count * 16 - power * 16)
    place = _HEADER.size + _RECORD.size * count
    directory, bodies = [_HEADER.pack(b"OTTO", *shape)], {}
    total = 0
    for tag, table in tables.items():
        checksum = _checksum(table)
        directory.append(_RECORD.pack(tag, checksum, place, len(table)))
        bodies[tag] = table + b"\0" * (-len(table) % 4)
        place += len(bodies[tag])
        total += checksum
    listed = b"".join(directory)
    # The whole file's sum is taken with this field at 0, as `head`'s own was.
    adjustment = (_CHECKSUM_MAGIC - total - _checksum(listed)) & 0xFFFFFFFF
    head = _head(metrics, adjustment)
    bodies[b"head"] = head + b"\0" * (-len(head) % 4)
    return b"".join((listed, *bodies.values()))


def _checksum(table: bytes) -> int:
    """The sum of a table's 32-bit words (clause 4.5.2)."""
    words = array("I", table + b"\0" * (-len(table) % 4))
    if sys.byteorder == "little":
        words.byteswap()
    return sum(words) & 0xFFFFFFFF


def _head(metrics: FontMetrics, adjustment: int) -> bytes:
    return struct.pack(
        ">IIIIHHqqhhhhHHhhh",
        0x00010000,
        0x00010000,
        adjustment,
        _HEAD_MAGIC,
        0x0003,  # base line and left side bearing at 0
        EM_UNITS,
        _CREATED,
        _CREATED,
        *metrics.box,
        0,
        8,  # pixels: the smallest readable size
        2,
        0,
        0,
    )


def _hhea(metrics: FontMetrics) -> bytes:
    widest = max((round(width) for width in metrics.widths.values()), default=EM_UNITS)
    left, _, right, _ = metrics.box
    return struct.pack(
        ">IhhhHhhhhhhhhhhhH",
        0x00010000,
        metrics.ascent,
        metrics.descent,
        0,
        widest,
        min(left, 0),
        0,
        right,
        1,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        metrics.glyph_count,
    )


def _hmtx(metrics: FontMetrics) -> bytes:
    advances = (round(metrics.widths.get(glyph, 0)) for glyph in range(metrics.glyph_count))
    return b"".join(struct.pack(">Hh", advance, 0) for advance in advances)


def _os2(codes: Iterable[tuple[int, int]], metrics: FontMetrics) -> bytes:
    """Version 4 (clause 5.2.8): what readers look at are the metrics and that embedding is allowed."""
    points = [code for code, _ in codes] or [0]
    return struct.pack(
        ">HhHHHhhhhhhhhhhh10sIIII4sHHHhhhHHIIhhHHH",
        4,
        EM_UNITS,
        400,
        5,
        0,  # fsType: installable, as the SIL Open Font License permits
        650,
        600,
        0,
        75,
        650,
        600,
        0,
        350,
        50,
        300,
        0,
        bytes(10),
        0,
        0,
        0,
        0,
        b"NONE",
        0x0040,  # regular
        min(points[0], _BMP_LAST),
        min(points[-1], _BMP_LAST),
        metrics.ascent,
        metrics.descent,
        0,
        max(metrics.ascent, metrics.box[3], 0),
        max(-metrics.descent, -metrics.box[1], 0),
        0,
        0,
        500,
        700,
        0,
        0x20,
        1,
    )


def _cmap(codes: list[tuple[int, int]]) -> bytes:
    """Format 4 for the Basic Multilingual Plane, format 12 for everything (clause 5.2.1)."""
    plane = _segments([pair for pair in codes if pair[0] < _BMP_LAST])
    plane.append((_BMP_LAST, _BMP_LAST, 0))  # the format asks for it
    count = len(plane)
    power = 1 << (count.bit_length() - 1)
    ends = [end for _, end, _ in plane]
    starts = [start for start, _, _ in plane]
    deltas = [(glyph - start) & 0xFFFF for start, _, glyph in plane]
    body = struct.pack(
        f">HHHH{count}HH{count}H{count}H{count}H",
        count * 2,
        power * 2,
        power.bit_length() - 1,
        (count - power) * 2,
        *ends,
        0,
        *starts,
        *deltas,
        *([0] * count),
    )
    short = struct.pack(">HHH", 4, len(body) + 6, 0) + body
    groups = _segments(codes)
    long = struct.pack(">HHIII", 12, 0, 16 + 12 * len(groups), 0, len(groups)) + b"".join(
        struct.pack(">III", *group) for group in groups
    )
    return struct.pack(">HHHHIHHI", 0, 2, 3, 1, 20, 3, 10, 20 + len(short)) + short + long


def _segments(codes: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Runs of characters whose glyphs run on too: first, last, first glyph."""
    runs: list[tuple[int, int, int]] = []
    for code, glyph in codes:
        if runs and runs[-1][1] == code - 1 and runs[-1][2] + code - runs[-1][0] == glyph:
            runs[-1] = (runs[-1][0], code, runs[-1][2])
        else:
            runs.append((code, code, glyph))
    return runs


def _names(name: str, tagged: str) -> bytes:
    """Family, style, unique, full and PostScript name (clause 5.2.6), for Windows in English."""
    texts = {1: name, 2: "Regular", 3: tagged, 4: name, 5: "Version 1.0", 6: name}
    place, records, bodies = 0, [], []
    for key, text in texts.items():
        body = text.encode("utf-16-be")
        records.append(struct.pack(">HHHHHH", 3, 1, 0x0409, key, len(body), place))
        bodies.append(body)
        place += len(body)
    return struct.pack(">HHH", 0, len(texts), 6 + 12 * len(texts)) + b"".join((*records, *bodies))
