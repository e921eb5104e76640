"""The picture of a round official seal (公章): star, the organisation's name on an arc, lines below the star.

Proportions follow a department's seal of 42 mm (国发〔1999〕25号): a ring, a five-pointed star of 14 mm, the
name from left to right around it in Song type. Everything is a path of one opaque red, so that it can
stand in a PDF/A file's appearance without fonts, images or transparency.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from signing.typeset.fonts import glyph, missing
from vault.errors import InputError

BOX_UNITS = 1000  # side of the square that the picture is drawn in, y upwards
RED = (0.85, 0.08, 0.09)
OPERATORS_MAX_BYTES = 40_000  # it is part of every sealed file; ten to twenty thousand are usual
NAME_LENGTH_MAX = 36
LINE_LENGTH_MAX = 12

_MM = BOX_UNITS / 42
_MIDDLE = BOX_UNITS / 2
_RING_MM = 1.2
_STAR_MM = 14.0
_NAME_RADIUS_MM = 18.6  # to the top of the letters: half a ring's width of air below the ring
_NAME_HEIGHT_MM = 6.0
_ARC_WIDEST = 270.0  # degrees that the name may take
_ARC_OVER_LINE = 206.0  # the same where a line stands below the star
_SONG_TOP = 0.86  # of a Chinese character's box above the base line, in em
_DIGIT_TOP = 0.72
_EMBOLDEN = 0.032  # a stroke in em: the face has no bold weight
_GRID_MM = 0.03  # outlines are rounded to it: 850 dpi, and whole numbers are short


@dataclass(frozen=True, slots=True)
class SealPicture:
    """`operators`: PDF drawing operators in a box of 1000 by 1000, y upwards; `svg`: the same as a file."""

    operators: bytes = field(repr=False)
    svg: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A letter's outline in `em` units to the em, and the matrix that puts it into the box."""

    outline: str
    em: int
    matrix: tuple[float, float, float, float, float, float]


def seal_picture(organisation: str, *, centre: str | None, serial: str | None) -> SealPicture:
    """Draw a seal. `centre`: a line below the star (行政审批专用章); `serial`: digits along the bottom.

    The same arguments give the same bytes.

    Raises:
        InputError: a text is empty, too long, or has a character that the font does not.
    """
    _check("organisation", organisation, NAME_LENGTH_MAX)
    letters = [*_arc_name(organisation, _ARC_OVER_LINE if centre is not None else _ARC_WIDEST)]
    if centre is not None:
        _check("centre", centre, LINE_LENGTH_MAX)
        letters += _centre_line(centre)
    if serial is not None:
        _check("serial", serial, 20)
        letters += _serial(serial)
    operators = _operators(letters)
    if len(operators) > OPERATORS_MAX_BYTES:
        raise InputError(f"A seal's picture has at most {OPERATORS_MAX_BYTES} bytes, got {len(operators)}.")
    return SealPicture(operators, _svg(letters))


def _check(what: str, text: str, length_max: int) -> None:
    if not 0 < len(text) <= length_max:
        raise InputError(f"A seal's {what} has 1 to {length_max} characters, got {len(text)}.")
    if missing([text]):
        raise InputError(f"A seal's {what} has {missing([text])} character(s) that the font does not.")


def _arc_name(name: str, arc_max: float) -> Iterator[_Placed]:
    """The name clockwise along the top; the longer, the wider the arc and the narrower the letters."""
    count = len(name)
    arc = math.radians(min(arc_max, 30 + 27 * count) if count > 1 else 0)
    step = arc / (count - 1) if count > 1 else 0
    room_mm = step * (_NAME_RADIUS_MM - _NAME_HEIGHT_MM * 0.72) if count > 1 else _NAME_HEIGHT_MM
    width_mm = min(_NAME_HEIGHT_MM * 0.86, room_mm * 0.94)
    height_mm = min(_NAME_HEIGHT_MM, width_mm * 1.7)
    for index, letter in enumerate(name):
        yield _on_circle(letter, arc / 2 - index * step, _NAME_RADIUS_MM, width_mm, height_mm)


def _on_circle(letter: str, angle: float, radius_mm: float, width_mm: float, height_mm: float) -> _Placed:
    """A letter whose top touches the circle; `angle` from the top, to the left, in radians."""
    em = _em(height_mm)
    shape = glyph(letter, em)
    across, up = width_mm * _MM / em, height_mm * _MM / em
    cos, sin = math.cos(angle), math.sin(angle)
    top = radius_mm * _MM - _SONG_TOP * em * up
    left = -shape.advance / 2 * across
    x = _MIDDLE + left * cos - top * sin
    y = _MIDDLE + left * sin + top * cos
    return _Placed(shape.outline, em, (across * cos, across * sin, -up * sin, up * cos, x, y))


def _centre_line(text: str) -> Iterator[_Placed]:
    """A straight line of letters below the star."""
    size_mm = min(3.6, 21.0 / len(text))
    step = size_mm * 1.04 * _MM
    em = _em(size_mm)
    scale = size_mm * _MM / em
    for index, letter in enumerate(text):
        shape = glyph(letter, em)
        x = _MIDDLE + (index - (len(text) - 1) / 2) * step - shape.advance / 2 * scale
        yield _Placed(shape.outline, em, (scale, 0, 0, scale, x, _MIDDLE - 11.6 * _MM))


def _serial(text: str) -> Iterator[_Placed]:
    """Digits along the bottom, their feet on the ring: read from left to right, heads to the middle."""
    height_mm, radius_mm = 2.1, 18.4
    step = math.radians(4.6)
    size_mm = height_mm / _DIGIT_TOP
    em = _em(size_mm)
    scale = size_mm * _MM / em
    for index, letter in enumerate(text):
        shape = glyph(letter, em)
        angle = (index - (len(text) - 1) / 2) * step
        cos, sin = math.cos(angle), math.sin(angle)
        left, foot = -shape.advance / 2 * scale, -radius_mm * _MM
        x, y = _MIDDLE + left * cos - foot * sin, _MIDDLE + left * sin + foot * cos
        yield _Placed(shape.outline, em, (scale * cos, scale * sin, -scale * sin, scale * cos, x, y))


def _em(size_mm: float) -> int:
    """Units to the em that make one unit `_GRID_MM` at this size."""
    return round(size_mm / _GRID_MM)


def _star() -> list[tuple[float, float]]:
    """Ten corners from the top, clockwise; the inner ones where a pentagram's lines cross."""
    outer = _STAR_MM / 2 * _MM
    inner = outer * math.sin(math.radians(18)) / math.sin(math.radians(54))
    corners = []
    for index in range(10):
        radius = inner if index % 2 else outer
        angle = math.radians(36 * index)
        corners.append((_MIDDLE + radius * math.sin(angle), _MIDDLE + radius * math.cos(angle)))
    return corners


def _ring() -> str:
    """A circle of four Bézier arcs, as PDF path operators."""
    radius = _MIDDLE - _RING_MM / 2 * _MM
    reach = radius * 4 * (math.sqrt(2) - 1) / 3
    path = [f"{_n(_MIDDLE + radius)} {_n(_MIDDLE)} m"]
    for quarter in range(4):
        cos, sin = (1, 0, -1, 0)[quarter], (0, 1, 0, -1)[quarter]

        def turned(x: float, y: float, c: int = cos, s: int = sin) -> str:
            return f"{_n(_MIDDLE + x * c - y * s)} {_n(_MIDDLE + x * s + y * c)}"

        path.append(f"{turned(radius, reach)} {turned(reach, radius)} {turned(0, radius)} c")
    return " ".join(path) + " h"


def _operators(letters: list[_Placed]) -> bytes:
    red = " ".join(_n(part) for part in RED)
    star = " ".join(f"{_n(x)} {_n(y)} {'l' if i else 'm'}" for i, (x, y) in enumerate(_star()))
    lines = [
        f"{red} rg {red} RG 1 j",
        f"{_n(_RING_MM * _MM)} w {_ring()} S",
        f"{star} h f",
    ]
    for letter in letters:
        matrix = " ".join(f"{part:.5f}".rstrip("0").rstrip(".") for part in letter.matrix)
        lines.append(f"q {matrix} cm {_n(_EMBOLDEN * letter.em)} w {letter.outline} B Q")
    return ("\n".join(lines) + "\n").encode("ascii")


def _svg(letters: list[_Placed]) -> bytes:
    red = "#" + "".join(f"{round(part * 255):02x}" for part in RED)
    star = " ".join(f"{_n(x)},{_n(y)}" for x, y in _star())
    radius = _n(_MIDDLE - _RING_MM / 2 * _MM)
    shapes = [
        f'<circle cx="500" cy="500" r="{radius}" fill="none" stroke-width="{_n(_RING_MM * _MM)}"/>',
        f'<polygon points="{star}" stroke="none"/>',
    ]
    for letter in letters:
        matrix = " ".join(f"{part:.5f}" for part in letter.matrix)
        bold = f'stroke-width="{_n(_EMBOLDEN * letter.em)}"'
        shapes.append(f'<path transform="matrix({matrix})" {bold} d="{_svg_path(letter.outline)}"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {BOX_UNITS} {BOX_UNITS}">'
    style = f'fill="{red}" stroke="{red}" stroke-linejoin="round"'
    upright = f'transform="matrix(1 0 0 -1 0 {BOX_UNITS})"'
    return f"{head}<g {style} {upright}>{''.join(shapes)}</g></svg>\n".encode()


_OPERATOR = re.compile(r"([-0-9. ]*?) ?([mlch])(?: |$)")


def _svg_path(outline: str) -> str:
    """PDF path operators, which follow their numbers, as SVG commands, which lead them."""
    letters = {"m": "M", "l": "L", "c": "C", "h": "Z"}
    return "".join(letters[command] + numbers for numbers, command in _OPERATOR.findall(outline))


def _n(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
