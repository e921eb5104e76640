"""Fine lines as SVG, which `ornaments` is drawn with. Lengths are millimetres on the page."""

import math
from collections.abc import Callable, Iterator

INK = "#0a0a01"
TINT = "#0a0a02"
BAND = "#0a0a03"
GROUND = "#0a0a04"

UNITS_PER_MM = 50  # whole numbers are short, and 0.02 mm is finer than a hairline
HAIR_MM = 0.13  # a guilloche line: fine as engraving, still drawn by a 600 dpi printer

_Curve = Callable[[float], tuple[float, float]]


def number(length_mm: float) -> str:
    """A length in the files' units."""
    return str(round(length_mm * UNITS_PER_MM))


def path(curve: _Curve, end: float, pieces: int) -> str:
    """`curve` from 0 to `end` as cubic Bézier pieces, which touch it in place and direction (Hermite)."""
    step = end / pieces
    tiny = step * 1e-4

    def slope(at: float) -> tuple[float, float]:
        (x0, y0), (x1, y1) = curve(at - tiny), curve(at + tiny)
        return (x1 - x0) / (2 * tiny) * step / 3, (y1 - y0) / (2 * tiny) * step / 3

    x, y = curve(0)
    parts = [f"M{number(x)} {number(y)}"]
    for piece in range(pieces):
        here, there = piece * step, (piece + 1) * step
        (x0, y0), (x1, y1) = curve(here), curve(there)
        (dx0, dy0), (dx1, dy1) = slope(here), slope(there)
        points = (x0 + dx0, y0 + dy0, x1 - dx1, y1 - dy1, x1, y1)
        parts.append("C" + " ".join(number(p) for p in points))
    return "".join(parts)


def stroke(colour: str, width: float = HAIR_MM) -> str:
    """The attributes of an unfilled line."""
    return f'fill="none" stroke="{colour}" stroke-width="{width * UNITS_PER_MM:g}"'


def rect(x: float, y: float, width: float, height: float, style: str) -> str:
    """A rectangle; `style` are its attributes."""
    box = f'x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"'
    return f"<rect {box} {style}/>"


def frame_rule(inset: float, size: tuple[float, float], width: float) -> str:
    """A line around the whole page, `inset` from its edge."""
    return rect(inset, inset, size[0] - 2 * inset, size[1] - 2 * inset, stroke(INK, width))


def ribbons(period: float, height: float) -> str:
    """One period of two mirrored ribbons of fine lines that plait through each other."""
    lines = 6

    def line(share: float, sign: int) -> _Curve:
        def at(turn: float) -> tuple[float, float]:
            outer = math.sin(turn) * 0.98
            inner = 0.42 * math.sin(turn + 1.15) + 0.2 * math.sin(2 * turn)
            return turn / math.tau * period, sign * height / 2 * (outer * (1 - share) + inner * share)

        return at

    return "".join(
        path(line(index / (lines - 1), sign), math.tau, 4) for sign in (1, -1) for index in range(lines)
    )


def rosette(petals: int, radii: Iterator[tuple[float, float, float]]) -> str:
    """One petal of nested rosette lines; each line is (mean radius, swing, phase in petals)."""

    def line(mean: float, swing: float, phase: float) -> _Curve:
        def at(turn: float) -> tuple[float, float]:
            radius = mean + swing * math.cos(petals * turn + phase * math.tau)
            return radius * math.cos(turn), radius * math.sin(turn)

        return at

    return "".join(path(line(*radius), math.tau / petals, 3) for radius in radii)


def turned(name: str, copies: int, x: float, y: float) -> str:
    """A petal that was defined as `name`, repeated around a point until the rosette closes."""
    at = f"translate({number(x)} {number(y)})"
    return "".join(
        f'<use href="#{name}" transform="{at} rotate({360 / copies * turn:.4f})"/>' for turn in range(copies)
    )


def medallion(radius: float) -> Iterator[tuple[float, float, float]]:
    """A rosette's rings from the rim inwards: a wide open lace, a tight braid, a small heart."""
    for step in range(5):
        yield radius * (0.86 - 0.03 * step), radius * (0.14 - 0.04 * step), 0
        yield radius * (0.86 - 0.03 * step), radius * (0.14 - 0.04 * step), 0.5
    for step in range(4):
        yield radius * 0.58, radius * (0.10 - 0.025 * step), step / 4
        yield radius * 0.58, radius * (0.10 - 0.025 * step), step / 4 + 0.5
    for step in range(3):
        yield radius * (0.34 - 0.07 * step), radius * 0.08, 0.33 * step


def small_medallion(radius: float) -> Iterator[tuple[float, float, float]]:
    """The same for a corner of a few millimetres, where more lines would run together."""
    for phase in (0, 0.5):
        yield radius * 0.82, radius * 0.18, phase
        yield radius * 0.78, radius * 0.08, phase
        yield radius * 0.45, radius * 0.14, phase
    yield radius * 0.22, radius * 0.07, 0.25
