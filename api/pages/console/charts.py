"""Charts as shapes, drawn on the server: without script, too; a table beside them has the numbers.

A chart has no words inside: type in a picture that is scaled to a phone could not be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

# The drawing's own units; the page stretches it to its width.
WIDTH, HEIGHT = 1000.0, 160.0
# A count of one must be seen beside one of thousands.
SEEN = 3.0
_GAP = 0.25  # of a column's room


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle. `kind`: `well` or `refused`."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Columns:
    """What went well upwards from a line, what did not downwards. `most`: what the highest stands for."""

    bars: tuple[Bar, ...]
    line: float
    most: int


def columns(counts: Sequence[tuple[int, int]]) -> Columns:
    """One column for each (well, refused), in one scale for both."""
    up, down = (max((each[n] for each in counts), default=0) for n in (0, 1))
    whole = max(up + down, 1)
    line = HEIGHT if not down else HEIGHT * max(up, 0.15 * whole) / max(whole, up + 0.15 * whole)
    scale_up = (line - SEEN) / max(up, 1)
    scale_down = min(scale_up, (HEIGHT - line - SEEN) / max(down, 1))
    room = WIDTH / max(len(counts), 1)
    bars = []
    for place, (well, refused) in enumerate(counts):
        x, width = round(place * room + room * _GAP / 2, 2), round(room * (1 - _GAP), 2)
        if well:
            height = round(SEEN + well * scale_up, 2) if well * scale_up < SEEN else round(well * scale_up, 2)
            bars.append(Bar(x, round(line - height, 2), width, height, "well"))
        if refused:
            height = round(max(SEEN, refused * scale_down), 2)
            bars.append(Bar(x, round(line, 2), width, height, "refused"))
    return Columns(tuple(bars), round(line, 2), max(up, down))


def shares(counts: Sequence[tuple[str, int]]) -> tuple[tuple[str, int, float], ...]:
    """Each with the length of its bar, of `WIDTH` for the longest."""
    most = max((count for _, count in counts), default=0) or 1
    return tuple((name, count, round(max(SEEN, WIDTH * count / most), 1)) for name, count in counts)
