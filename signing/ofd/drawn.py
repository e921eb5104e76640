"""What a page draws: paths, texts and images with the graphics state that they are painted in."""

from dataclasses import dataclass, field
from typing import Final

from signing.ofd.geometry import IDENTITY, Box, Matrix, Rgb

_BLACK: Final[Rgb] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Pen:
    """How lines are drawn, in units of the space that `transform` leads from."""

    width: float = 1.0
    cap: int = 0
    join: int = 0
    miter_limit: float = 10.0
    dash: tuple[float, ...] = ()
    dash_phase: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """A graphics state (clause 8.4). `clip`: in page space; None where nothing is clipped."""

    transform: Matrix = IDENTITY
    fill: Rgb = _BLACK
    stroke: Rgb = _BLACK
    fill_space: str = ""
    stroke_space: str = ""
    pen: Pen = Pen()
    clip: Box | None = None


@dataclass(frozen=True, slots=True)
class DrawnPath:
    """Path operators as they stand in the content, and how they are painted."""

    operators: bytes = field(repr=False)
    state: State
    fills: bool
    strokes: bool
    even_odd: bool = False


@dataclass(frozen=True, slots=True)
class DrawnText:
    """Shown strings and adjustments (clause 9.4.3), with font, size in text space and text matrix."""

    font: str
    size: float
    matrix: Matrix
    parts: tuple[bytes | float, ...] = field(repr=False)
    state: State
    fills: bool
    strokes: bool


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """An image XObject's name and the state whose transform leads from the unit square to the page."""

    name: str
    state: State


Drawn = DrawnPath | DrawnText | DrawnImage
