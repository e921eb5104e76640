"""A subset font as Typst embeds it in a PDF, made a font file of its own: OpenType tables around the bare CFF.

The outlines stay the bytes that Typst made (Adobe technical note 5176); what is added are the tables that
ISO/IEC 14496-22 asks for, among them the table of characters. Subsetting anew would take 276 ms a font.
"""

import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import pikepdf

from vault.errors import IntegrityError

EM_UNITS = 1000
_BMP_LAST = 0xFFFF
_CHARSTRINGS = b"\x11"  # operator 17 of a Top DICT (note 5176, table 9)
_BF_CHARS = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]*)>\s*\n")
_BF_RANGE = re.compile(rb"beginbfrange")
_SUBSET_TAG = re.compile(r"^[A-Z]{6}\+")
_HEAD_MAGIC = 0x5F0F3CF5
_CHECKSUM_MAGIC = 0xB1B0AFBA  # clause 5.2.2, `checksumAdjustment`
# Seconds from 1904 to 1970: `head` counts from there. A fixed day keeps the same input the same bytes.
_CREATED = 2_082_844_800


@dataclass(frozen=True, slots=True)
class EmbeddedFont:
    """A font of a typeset file. `texts`: what each glyph stands for; `widths`: advances in 1/1000 em.

    `glyph_of`: the glyph that the file's own table of characters gives for a character.
    """

    name: str
    file: bytes = field(repr=False)
    texts: Mapping[int, str] = field(repr=False)
    widths: Mapping[int, float] = field(repr=False)
    glyph_of: Mapping[str, int] = field(repr=False)
    ascent: float
    descent: float


def embedded_font(font: pikepdf.Object) -> EmbeddedFont:
    """A Type 0 font as Typst writes it.

    Raises:
        IntegrityError: it is written in another way, so that Typst must have changed.
    """
    try:
        (descendant,) = list(font.DescendantFonts)
        descriptor = descendant.FontDescriptor
        cff = descriptor.FontFile3.read_bytes()
        kinds = (font.Subtype, font.Encoding, descendant.Subtype, descriptor.FontFile3.Subtype)
        to_unicode = font.ToUnicode.read_bytes()
        widths = _widths(descendant.W)
        box = tuple(round(float(edge)) for edge in descriptor.FontBBox)
        ascent, descent = round(float(descriptor.Ascent)), round(float(descriptor.Descent))
        tagged = str(descriptor.FontName)[1:]
    except (AttributeError, KeyError, ValueError, pikepdf.PdfError) as error:
        raise IntegrityError("A typeset file's font is not written as Typst writes it.") from error
    if kinds != ("/Type0", "/Identity-H", "/CIDFontType0", "/CIDFontType0C"):
        raise IntegrityError("A typeset file's font is of another kind than Typst embeds.")
    texts = _texts(to_unicode)
    glyph_of: dict[str, int] = {}
    for glyph, text in texts.items():
        if len(text) == 1:
            glyph_of.setdefault(text, glyph)
    name = _SUBSET_TAG.sub("", tagged)
    metrics = _Metrics(_glyph_count(cff), widths, box, ascent, descent)
    file = _font_file(cff, name, tagged, glyph_of, metrics)
    return EmbeddedFont(name, file, texts, widths, glyph_of, ascent, descent)


@dataclass(frozen=True, slots=True)
class _Metrics:
    glyph_count: int
    widths: Mapping[int, float]
    box: tuple[int, ...]
    ascent: int
    descent: int


def _widths(array: pikepdf.Object) -> dict[int, float]:
    """The array /W (ISO 32000-1, clause 9.7.4.3), in Typst's form: first, last, width."""
    flat = [float(entry) for entry in array]
    widths: dict[int, float] = {}
    for first, last, width in zip(flat[::3], flat[1::3], flat[2::3], strict=True):
        widths.update(dict.fromkeys(range(int(first), int(last) + 1), width))
    return widths


def _texts(to_unicode: bytes) -> dict[int, str]:
    """The mappings of a ToUnicode CMap (clause 9.10.3), in Typst's form: single ones."""
    if _BF_RANGE.search(to_unicode):
        raise IntegrityError("A typeset file's font maps characters in ranges, which Typst did not do.")
    found = _BF_CHARS.findall(to_unicode)
    read = {int(glyph, 16): bytes.fromhex(text.decode("ascii")).decode("utf-16-be") for glyph, text in found}
    return {glyph: text for glyph, text in read.items() if glyph}  # 0 is .notdef, which stands for nothing


def _glyph_count(cff: bytes) -> int:
    """How many CharStrings a CFF has: header, Name INDEX, Top DICT INDEX, and the offset in there."""
    try:
        after_names = _index(cff, cff[2])[1]
        (top,), _ = _index(cff, after_names)
        return struct.unpack_from(">H", cff, _charstrings_offset(top))[0]  # type: ignore[no-any-return]  # H is an int
    except (IndexError, ValueError, struct.error) as error:
        raise IntegrityError("A typeset file's font is no CFF font with one name.") from error


def _index(cff: bytes, at: int) -> tuple[list[bytes], int]:
    """An INDEX (note 5176, clause 5): its entries, and where it ends."""
    (count,) = struct.unpack_from(">H", cff, at)
    if not count:
        return [], at + 2
    size = cff[at + 2]
    places = [
        int.from_bytes(cff[at + 3 + i * size : at + 3 + (i + 1) * size], "big") for i in range(count + 1)
    ]
    base = at + 2 + (count + 1) * size
    return [cff[base + a : base + b] for a, b in pairwise(places)], base + places[-1]


def _charstrings_offset(top: bytes) -> int:
    """The operand of CharStrings in a Top DICT (clause 4, table 3: how operands are written)."""
    place, operand = 0, 0
    while place < len(top):
        byte = top[place]
        if byte <= 21:  # noqa: PLR2004 - an operator
            if top[place : place + 1] == _CHARSTRINGS:
                return operand
            place += 2 if byte == 12 else 1  # noqa: PLR2004 - an escaped operator
        elif byte == 28:  # noqa: PLR2004 - two bytes
            operand = int.from_bytes(top[place + 1 : place + 3], "big", signed=True)
            place += 3
        elif byte == 29:  # noqa: PLR2004 - four bytes
            operand = int.from_bytes(top[place + 1 : place + 5], "big", signed=True)
            place += 5
        elif byte == 30:  # noqa: PLR2004 - a real, up to a nibble of ones
            place += 1
            while top[place] & 0x0F != 0x0F and top[place] >> 4 != 0x0F:
                place += 1
            place += 1
        elif byte <= 246:  # noqa: PLR2004 - one byte
            operand, place = byte - 139, place + 1
        else:
            sign = 1 if byte <= 250 else -1  # noqa: PLR2004 - one byte and a part of this one
            operand = sign * ((byte - (247 if sign > 0 else 251)) * 256 + top[place + 1] + 108)
            place += 2
    raise ValueError


def _font_file(cff: bytes, name: str, tagged: str, glyph_of: Mapping[str, int], metrics: _Metrics) -> bytes:
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
    whole = _assembled(tables)
    adjustment = (_CHECKSUM_MAGIC - _checksum(whole)) & 0xFFFFFFFF
    return _assembled({**tables, b"head": _head(metrics, adjustment)}, {b"head": _checksum(tables[b"head"])})


def _assembled(tables: Mapping[bytes, bytes], checksums: Mapping[bytes, int] | None = None) -> bytes:
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    header = struct.pack(
        ">4sHHHH", b"OTTO", count, power * 16, power.bit_length() - 1, count * 16 - power * 16
    )
    place = len(header) + 16 * count
    records, bodies = [], []
    for tag, table in tables.items():
        checksum = (checksums or {}).get(tag)
        records.append(
            struct.pack(">4sIII", tag, _checksum(table) if checksum is None else checksum, place, len(table))
        )
        padded = table + b"\0" * (-len(table) % 4)
        bodies.append(padded)
        place += len(padded)
    return b"".join((header, *records, *bodies))


def _checksum(table: bytes) -> int:
    """The sum of a table's 32-bit words (clause 4.5.2)."""
    padded = table + b"\0" * (-len(table) % 4)
    return sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF


def _head(metrics: _Metrics, adjustment: int) -> bytes:
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


def _hhea(metrics: _Metrics) -> bytes:
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


def _hmtx(metrics: _Metrics) -> bytes:
    advances = (round(metrics.widths.get(glyph, 0)) for glyph in range(metrics.glyph_count))
    return b"".join(struct.pack(">Hh", advance, 0) for advance in advances)


def _os2(codes: Iterable[tuple[int, int]], metrics: _Metrics) -> bytes:
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
