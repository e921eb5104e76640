"""Paths as PathObjects.

They carry no CTM: their coordinates are turned into millimetres here, since readers disagree on what a CTM
does to a line's width.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

from signing.ofd.drawn import DrawnPath, State
from signing.ofd.geometry import (
    MM_PER_POINT,
    PageSpace,
    clipped,
    colour_element,
    even_scale,
    number,
    product,
    written_box,
)
from signing.ofd.scanner import PATH, coordinates
from vault.errors import IntegrityError

# Ornaments are the same on every certificate of a template; a template has up to 400 different ones.
_PATHS_KEPT = 8192
_CAPS = ("Butt", "Round", "Square")
_JOINS = ("Miter", "Round", "Bevel")
_LETTERS = bytes.maketrans(b"mlch", b"MLBC")


@dataclass(frozen=True, slots=True)
class _Shape:
    """A path in millimetres from the corner of its boundary; `left`, `top`: that corner from the origin."""

    data: str = field(repr=False)
    left: float
    top: float
    width: float
    height: float


@lru_cache(maxsize=_PATHS_KEPT)
def _shape(operators: bytes, turn: tuple[float, float, float, float], reach: float) -> _Shape:
    """A path turned and scaled, its boundary `reach` wider on each side than its points.

    Kept, since ornaments return on every certificate of a template.
    """
    if PATH.fullmatch(operators) is None:
        raise IntegrityError("A typeset page has a path that is not written as Typst writes it.")
    points = _points(operators, turn)
    left, top = min(x for x, _ in points) - reach, min(y for _, y in points) - reach
    width, height = max(x for x, _ in points) + reach - left, max(y for _, y in points) + reach - top
    return _Shape(_abbreviated(operators, points, left, top), left, top, width, height)


def _points(operators: bytes, turn: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    flat = coordinates(operators)
    a, b, c, d = turn
    return [(a * x + c * y, b * x + d * y) for x, y in zip(flat[::2], flat[1::2], strict=True)]


def _abbreviated(operators: bytes, points: list[tuple[float, float]], left: float, top: float) -> str:
    """AbbreviatedData: M and L with a point, B with three, C alone."""
    written = iter([f"{_short(x - left)} {_short(y - top)}" for x, y in points])
    parts = []
    for letter in operators.translate(_LETTERS, b" \n\r\t.-0123456789").decode("ascii"):
        if letter == "B":
            parts.append(f"B {next(written)} {next(written)} {next(written)}")
        else:
            parts.append(letter if letter == "C" else f"{letter} {next(written)}")
    return " ".join(parts)


def _short(value: float) -> str:
    """A thousandth of a millimetre: 25,400 dots to the inch."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def path_object(path: DrawnPath, space: PageSpace, next_id: Callable[[], int]) -> str | None:
    """A PathObject; None where its clip leaves nothing of it."""
    a, b, c, d, e, f = product(path.state.transform, space.matrix)
    turn = (round(a, 7), round(b, 7), round(c, 7), round(d, 7))
    reach, attributes, colours = 0.0, "", ""
    if path.strokes:
        scale = even_scale(path.state.transform) * MM_PER_POINT
        pen = path.state.pen
        reach = pen.width * scale / 2 * max(pen.miter_limit if pen.join == 0 else 1, math.sqrt(2))
        attributes = _pen_attributes(path.state, scale)
        colours = colour_element("StrokeColor", path.state.stroke)
    else:
        attributes = ' Stroke="false"'
    shape = _shape(path.operators, turn, reach)
    left, top = shape.left + e, shape.top + f
    whole = (left, top, left + shape.width, top + shape.height)
    kept = clipped(whole, path.state.clip, space)
    if kept is None:
        return None
    data = shape.data
    if kept[:2] != whole[:2]:  # cut at the left or the top, so that the boundary's corner is another
        data = _abbreviated(path.operators, _points(path.operators, turn), kept[0] - e, kept[1] - f)
    if path.fills:
        attributes += ' Fill="true"'
        colours += colour_element("FillColor", path.state.fill)
    if path.even_odd:
        attributes += ' Rule="Even-Odd"'
    return (
        f'<ofd:PathObject ID="{next_id()}" Boundary="{written_box(kept)}"{attributes}>{colours}'
        f"<ofd:AbbreviatedData>{data}</ofd:AbbreviatedData></ofd:PathObject>"
    )


def _pen_attributes(state: State, scale: float) -> str:
    pen = state.pen
    written = f' LineWidth="{number(pen.width * scale)}"'
    if pen.cap:
        written += f' Cap="{_CAPS[pen.cap]}"'
    if pen.join:
        written += f' Join="{_JOINS[pen.join]}"'
    else:
        written += f' MiterLimit="{number(pen.miter_limit)}"'
    if pen.dash:
        pattern = " ".join(number(length * scale) for length in pen.dash)
        written += f' DashPattern="{pattern}" DashOffset="{number(pen.dash_phase * scale)}"'
    return written
