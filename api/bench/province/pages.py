"""Small plain PDFs as a register has them: one page each, no two alike, ten thousand a second.

PDF 1.4 (ISO 32000-1), nothing embedded: Chinese text in STSong-Light by its predefined CMap (clause 9.7.5.2),
as registers of the 2000s wrote it. A pool of backgrounds gives them the sizes of real ones; what differs from
file to file is the text over it.
"""

import zlib
from dataclasses import dataclass
from random import Random
from typing import Final

from api.bench.province.stock import Held

POOL: Final = 12
"""Backgrounds, from `_LINES_LEAST` to `_LINES_MOST` lines: files of 3 to 19 kB, eleven on average."""
_LINES_LEAST, _LINES_MOST = 100, 1_200
_WIDTH, _HEIGHT = 595, 842
_HEAD: Final = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
_OBJECTS: Final = (
    b"<</Type/Catalog/Pages 2 0 R>>",
    b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
    b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents[7 0 R 8 0 R]"
    b"/Resources<</Font<</F 4 0 R>>>>>>" % (_WIDTH, _HEIGHT),
    (
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light-UniGB-UCS2-H/Encoding/UniGB-UCS2-H"
        b"/DescendantFonts[5 0 R]>>"
    ),
    (
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/DW 1000/FontDescriptor 6 0 R"
        b"/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>"
    ),
    (
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0"
        b"/Ascent 880/Descent -120/CapHeight 880/StemV 93>>"
    ),
)


@dataclass(frozen=True, slots=True)
class Pages:
    """The pool: of each background everything up to the text's object, and the cross references to there."""

    beginnings: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def drawn(cls, seed: int) -> "Pages":
        """The pool of a province of this seed."""
        draw = Random(f"{seed}/pages")  # noqa: S311 - lines of a background, no secret
        step = (_LINES_MOST - _LINES_LEAST) // (POOL - 1)
        return cls(tuple(_beginning(draw, _LINES_LEAST + n * step) for n in range(POOL)))

    def page(self, held: Held) -> bytes:
        """The file of a certificate: what it is called, its number, who has it, by whom and when."""
        beginning, table = self.beginnings[held.serial % POOL]
        text = zlib.compress(_text(held), 1)
        last = b"8 0 obj\n<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream\nendobj\n" % (
            len(text),
            text,
        )
        xref = len(beginning) + len(last)
        return (
            b"%b%bxref\n0 9\n0000000000 65535 f \n%b%010d 00000 n \n"
            b"trailer\n<</Size 9/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
            % (*(beginning, last, table, len(beginning), xref),)
        )


def _beginning(draw: Random, lines: int) -> tuple[bytes, bytes]:
    drawn = b"".join(
        b"%d %d m %d %d %d %d %d %d c S\n"
        % tuple(draw.randrange(_WIDTH if n % 2 == 0 else _HEIGHT) for n in range(8))
        for _ in range(lines)
    )
    strokes = zlib.compress(b"q 0.1 w 0.85 0.9 0.95 RG\n" + drawn + b"Q\n")
    stream = b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(strokes), strokes)
    body, table = bytearray(_HEAD), b""
    for number, held in enumerate((*_OBJECTS, stream), start=1):
        table += b"%010d 00000 n \n" % len(body)
        body += b"%d 0 obj\n%b\nendobj\n" % (number, held)
    return bytes(body), table


def _text(held: Held) -> bytes:
    kind, names = held.kind.name, "、".join(each.name for each in held.holders)
    lines = (
        (30, 700, kind),
        (14, 600, f"编号：{held.number}"),
        (14, 560, f"持证人：{names}"),
        (14, 520, f"有效期至：{held.valid_to or '长期'}"),
        (14, 300, held.authority.name),
        (14, 270, f"{held.issued_on}"),
    )
    return b"".join(
        # Characters outside the basic plane have no place in UCS-2.
        b"BT /F %d Tf 72 %d Td <%b> Tj ET\n"
        % (size, y, "".join(c if c <= "\uffff" else "〓" for c in line).encode("utf-16-be").hex().encode())
        for size, y, line in lines
    )
