"""The mark on a digital copy (数字化副本): the round seal of who made it, and lines that say what it is.

Paths in one opaque red, as a seal's picture: nothing in it needs a font. Sealed with the page, so that nobody
takes the copy for the original.
"""

from collections.abc import Sequence
from functools import lru_cache

from signing.typeset.fonts import glyph, missing
from signing.typeset.seal_picture import BOX_UNITS, RED
from vault.errors import InputError

LINES_MAX = 3
LINE_CHARS_MAX = 40
# Of the box: the round seal above, the lines below it.
_SEAL_SHARE = 0.7
_LINE_UNITS = 92
_LETTER_UNITS = 78
_EM = 160
_EMBOLDEN = 5
_MARKS_KEPT = 512  # one for each officer and day of the imports that a process works on; 20 kB each


@lru_cache(maxsize=_MARKS_KEPT)
def scan_mark(seal: bytes, lines: tuple[str, ...]) -> bytes:
    """PDF drawing operators in a box of 1000 by 1000, y upwards. `seal`: the same, of a round seal.

    Raises:
        InputError: a line is empty or too long, or has a character that the font does not.
    """
    if not 0 < len(lines) <= LINES_MAX or not all(0 < len(line) <= LINE_CHARS_MAX for line in lines):
        raise InputError(f"A copy's mark has 1 to {LINES_MAX} lines of at most {LINE_CHARS_MAX} characters.")
    if missing(lines):
        raise InputError(f"A copy's mark has {missing(lines)} character(s) that the font does not.")
    left, bottom = (1 - _SEAL_SHARE) / 2 * BOX_UNITS, (1 - _SEAL_SHARE) * BOX_UNITS
    red = " ".join(f"{part:g}" for part in RED)
    drawn = [
        f"q {_SEAL_SHARE:g} 0 0 {_SEAL_SHARE:g} {left:g} {bottom:g} cm".encode(),
        seal,
        f"Q\n{red} rg {red} RG 1 j".encode(),
    ]
    drawn += _lines(lines, bottom)
    return b"\n".join(drawn) + b"\n"


def _lines(lines: Sequence[str], top: float) -> list[bytes]:
    drawn = []
    for n, line in enumerate(lines):
        shapes = [glyph(letter, _EM) for letter in line]
        width = sum(shape.advance for shape in shapes) / _EM
        size = min(_LETTER_UNITS, BOX_UNITS / width)
        scale, x = size / _EM, (BOX_UNITS - width * size) / 2
        y = top - (n + 1) * _LINE_UNITS + (_LINE_UNITS - size) / 2
        for shape in shapes:
            if shape.outline:
                matrix = f"{scale:.5f} 0 0 {scale:.5f} {x:.2f} {y:.2f}"
                drawn.append(f"q {matrix} cm {_EMBOLDEN} w {shape.outline} B Q".encode())
            x += shape.advance * scale
    return drawn
