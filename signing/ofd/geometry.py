"""Matrices, boxes and colours: from a page's points, y upwards, to OFD's millimetres from the top left."""

import math
from dataclasses import dataclass, field
from typing import Final

from signing.appearance import POINTS_PER_MM
from vault.errors import IntegrityError

Matrix = tuple[float, float, float, float, float, float]
Box = tuple[float, float, float, float]  # left, bottom, right, top in points; left, top, right, bottom in mm
Rgb = tuple[int, int, int]

IDENTITY: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
MM_PER_POINT = 1 / POINTS_PER_MM
SAME = 1e-4  # parts of a matrix that differ by less are the same: a page is 10^3 points wide


@dataclass(frozen=True, slots=True)
class PageSpace:
    """From a page's points, y upwards, to millimetres from its top left corner."""

    matrix: Matrix
    box: Box = field(repr=False)

    @classmethod
    def of(cls, width: float, height: float) -> "PageSpace":
        """A page of this many points."""
        s = MM_PER_POINT
        return cls((s, 0.0, 0.0, -s, 0.0, height * s), (0.0, 0.0, width * s, height * s))


def product(first: Matrix, then: Matrix) -> Matrix:
    """The matrix that does `first`, then `then` (clause 8.3.4)."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (
        a * p + b * r,
        a * q + b * s,
        c * p + d * r,
        c * q + d * s,
        e * p + f * r + t,
        e * q + f * s + u,
    )


def moved(x: float, y: float, by: Matrix) -> tuple[float, float]:
    """A point through a matrix."""
    a, b, c, d, e, f = by
    return a * x + c * y + e, b * x + d * y + f


def even_scale(matrix: Matrix) -> float:
    """The factor by which a matrix scales, the same in every direction.

    Raises:
        IntegrityError: it is not the same, so that a line has no one width.
    """
    a, b, c, d, _, _ = matrix
    across, up = math.hypot(a, b), math.hypot(c, d)
    if abs(across - up) > SAME * max(across, up) or abs(a * c + b * d) > SAME * across * up:
        raise IntegrityError("A typeset page draws a line or a text that is stretched in one direction.")
    return math.sqrt(across * up)


def clipped(boundary: Box, clip: Box | None, space: PageSpace) -> Box | None:
    """A boundary (left, top, right, bottom) in millimetres met with a clip; None where nothing is left.

    A clip that cuts nothing off but the air around what is drawn leaves the boundary alone only if it holds
    all of it: what lies outside must not be drawn.
    """
    if clip is None:
        return boundary
    left, top = moved(clip[0], clip[3], space.matrix)
    right, bottom = moved(clip[2], clip[1], space.matrix)
    kept = (
        max(boundary[0], left),
        max(boundary[1], top),
        min(boundary[2], right),
        min(boundary[3], bottom),
    )
    return kept if kept[0] < kept[2] and kept[1] < kept[3] else None


def written_box(box: Box) -> str:
    """ST_Box: left, top, width, height."""
    left, top, right, bottom = box
    return f"{number(left)} {number(top)} {number(right - left)} {number(bottom - top)}"


def colour_element(element: str, colour: Rgb) -> str:
    """CT_Color: three numbers up to 255, in sRGB, which is the default colour space."""
    return f'<ofd:{element} Value="{colour[0]} {colour[1]} {colour[2]}"/>'


def number(value: float, digits: int = 4) -> str:
    """A number as OFD has it: no exponent, no needless zeros."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
