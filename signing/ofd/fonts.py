"""A subset font as Typst embeds it in a PDF, made a font file of its own: OpenType around the bare CFF.

The outlines stay the bytes that Typst made (Adobe technical note 5176); what is added are the tables that
ISO/IEC 14496-22 asks for, among them the table of characters. Subsetting anew would take 276 ms a font.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import pikepdf

from signing.ofd.opentype import FontMetrics, font_file
from vault.errors import IntegrityError

_REAL_END = 0x0F  # a nibble that ends a real number (table 5)
_CHARSTRINGS = b"\x11"  # operator 17 of a Top DICT (note 5176, table 9)
_BF_CHARS = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]*)>\s*\n")
_BF_RANGE = re.compile(rb"beginbfrange")
_SUBSET_TAG = re.compile(r"^[A-Z]{6}\+")


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
        named = (font.Subtype, font.Encoding, descendant.Subtype, descriptor.FontFile3.Subtype)
        kinds = tuple(map(str, named))
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
    metrics = FontMetrics(_glyph_count(cff), widths, box, ascent, descent)
    file = font_file(cff, name, tagged, glyph_of, metrics)
    return EmbeddedFont(name, file, texts, widths, glyph_of, ascent, descent)


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
            while _REAL_END not in {top[place] & _REAL_END, top[place] >> 4}:
                place += 1
            place += 1
        elif byte <= 246:  # noqa: PLR2004 - one byte
            operand, place = byte - 139, place + 1
        else:
            sign = 1 if byte <= 250 else -1  # noqa: PLR2004 - one byte and a part of this one
            operand = sign * ((byte - (247 if sign > 0 else 251)) * 256 + top[place + 1] + 108)
            place += 2
    raise ValueError
