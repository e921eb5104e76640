"""The two faces that every page is set in: Noto Serif SC and Noto Sans SC (SIL OFL), from a package's data.

No system font is ever looked at, so that a page is the same bytes on every machine.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import typst
from fontTools.ttLib import TTFont
from pylopdf_fonts_zh_cn import sans_path, serif_path


def typesetting_fonts() -> typst.Fonts:
    """Both faces as Typst wants them; about 20 ms, shared by every compiler."""
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(serif_path().parent)]
    )


@cache
def serif() -> Any:  # noqa: ANN401 - fontTools publishes no types
    """Noto Serif SC opened for its outlines and its table of characters; 11 MB, read when asked for."""
    return TTFont(serif_path(), lazy=True)


@cache
def _characters() -> frozenset[str]:
    sans = TTFont(sans_path(), lazy=True)
    return frozenset(chr(code) for font in (serif(), sans) for code in font.getBestCmap())


def missing(texts: Iterable[str]) -> int:
    """How many different characters of `texts` neither face can draw; line ends and tabs count as drawn."""
    return len({c for text in texts for c in text if c not in "\n\t"} - _characters())
