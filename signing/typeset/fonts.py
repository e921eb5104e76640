"""The two faces that every page is set in: Noto Serif SC and Noto Sans SC (SIL OFL), from a package's data.

No system font is ever looked at, so that a page is the same bytes on every machine.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import Any

import typst
from fontTools.pens.basePen import BasePen
from fontTools.ttLib import TTFont
from pylopdf_fonts_zh_cn import sans_path, serif_path

_FACE_EM = 1000


@dataclass(frozen=True, slots=True)
class Glyph:
    """An outline as PDF path operators (m, l, c, h), y upwards, and its advance, in parts of an em."""

    outline: str
    advance: float


def typesetting_fonts() -> typst.Fonts:
    """Both faces as Typst wants them; shared by every compiler."""
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(serif_path().parent)]
    )


def glyph(letter: str, em: int) -> Glyph:
    """The outline of one character in Noto Serif SC, in whole numbers of `em` to the em.

    `missing` has said before that there is one.
    """
    font = _serif()
    name = font.getBestCmap()[ord(letter)]
    glyphs = font.getGlyphSet()
    pen = _OperatorPen(glyphs, em / _FACE_EM)
    glyphs[name].draw(pen)
    return Glyph(" ".join(pen.operators), glyphs[name].width * em / _FACE_EM)


def missing(texts: Iterable[str]) -> int:
    """How many different characters of `texts` neither face can draw; line ends count as drawn."""
    return len({letter for text in texts for letter in text if letter != "\n"} - _characters())


@cache
def _serif() -> Any:  # noqa: ANN401 - fontTools publishes no types
    """Noto Serif SC opened for its outlines and its table of characters; 11 MB, read when asked for."""
    return TTFont(BytesIO(serif_path().read_bytes()), lazy=True)


@cache
def _characters() -> frozenset[str]:
    with TTFont(sans_path(), lazy=True) as sans:
        return frozenset(chr(code) for font in (_serif(), sans) for code in font.getBestCmap())


class _OperatorPen(BasePen):  # type: ignore[misc]  # fontTools publishes no types
    """Writes an outline down as PDF path construction operators (ISO 32000-1, table 59)."""

    def __init__(self, glyphs: object, scale: float) -> None:
        super().__init__(glyphs)
        self._scale = scale
        self.operators: list[str] = []

    def _add(self, operator: str, *points: tuple[float, float]) -> None:
        self.operators += [f"{round(x * self._scale)} {round(y * self._scale)}" for x, y in points]
        self.operators.append(operator)

    def _moveTo(self, pt: tuple[float, float]) -> None:  # noqa: N802 - fontTools' name
        self._add("m", pt)

    def _lineTo(self, pt: tuple[float, float]) -> None:  # noqa: N802 - fontTools' name
        self._add("l", pt)

    def _curveToOne(  # noqa: N802 - fontTools' name
        self, pt1: tuple[float, float], pt2: tuple[float, float], pt3: tuple[float, float]
    ) -> None:
        self._add("c", pt1, pt2, pt3)

    def _closePath(self) -> None:  # noqa: N802 - fontTools' name
        self.operators.append("h")
