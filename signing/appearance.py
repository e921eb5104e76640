"""What a seal shows on the page: the red picture, the QR, and where they stand.

Places are given as a reader sees them: millimetres from the top left corner of the page as displayed, which
is the CropBox turned by /Rotate (ISO 32000-1, clauses 8.3.2.3 and 14.11.2).
"""

import zlib
from dataclasses import dataclass, field
from functools import lru_cache

from vault.errors import InputError

POINTS_PER_MM = 72 / 25.4  # ISO 32000-1, clause 8.3.2.3: a default user space unit is 1/72 inch
QUIET_ZONE_MODULES = 4  # ISO/IEC 18004, clause 6.3.8: the light border that readers need
PICTURE_UNITS = 1000  # the box that a seal's picture is drawn in
_DEFLATE_LEVEL = 6
_BITS = b"01" + bytes(254)


@dataclass(frozen=True, slots=True)
class QrStamp:
    """A QR symbol stamped on a page when it is sealed.

    `modules`: rows from the top, 1 for dark, without the quiet zone, which is added. `x_mm`, `y_mm`: its
    centre; `size_mm`: its side, quiet zone included. `page` counts from 1. `on_own_page`: we set that page,
    so its content closes what it opens and is not read for that, which takes ten times as long as the seal.
    """

    modules: tuple[bytes, ...] = field(repr=False)
    page: int
    x_mm: float
    y_mm: float
    size_mm: float
    on_own_page: bool = False


@dataclass(frozen=True, slots=True)
class SealAppearance:
    """The seal's picture, the QR, and their places.

    `picture`: PDF drawing operators in a box of 1000 by 1000, y upwards: fills and strokes in RGB, no fonts,
    no transparency. `x_mm`, `y_mm`: the seal's centre; `page` counts from 1.
    """

    picture: bytes = field(repr=False)
    page: int
    x_mm: float
    y_mm: float
    diameter_mm: float
    qr: QrStamp | None = None


@dataclass(frozen=True, slots=True)
class PageFrame:
    """How a page is shown: its visible box in user space (left, bottom, right, top), turn and unit.

    `rotation`: 0, 90, 180 or 270 degrees clockwise. `user_unit`: how many 1/72 inch one unit stands for.
    """

    box: tuple[float, float, float, float]
    rotation: int
    user_unit: float

    @property
    def width_mm(self) -> float:
        """Width as displayed."""
        left, bottom, right, top = self.box
        return (top - bottom if self.rotation % 180 else right - left) * self.user_unit / POINTS_PER_MM

    @property
    def height_mm(self) -> float:
        """Height as displayed."""
        left, bottom, right, top = self.box
        return (right - left if self.rotation % 180 else top - bottom) * self.user_unit / POINTS_PER_MM

    def point(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """User-space coordinates of a place given from the displayed page's top left corner."""
        left, bottom, right, top = self.box
        x, y = self.length(x_mm), self.length(y_mm)
        return {
            0: (left + x, top - y),
            90: (left + y, bottom + x),
            180: (right - x, bottom + y),
            270: (right - y, top - x),
        }[self.rotation]

    def length(self, mm: float) -> float:
        """Millimetres in user-space units."""
        return mm * POINTS_PER_MM / self.user_unit

    def upright(self) -> tuple[int, int, int, int]:
        """The matrix (a b c d) that keeps a drawing upright on the page as displayed."""
        return {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[self.rotation]

    def square(self, x_mm: float, y_mm: float, side_mm: float) -> tuple[float, float, float, float]:
        """User-space rectangle (left, bottom, right, top) of a square around a centre.

        Raises:
            InputError: it does not lie on the visible page.
        """
        half = side_mm / 2
        if (
            side_mm <= 0
            or min(x_mm, y_mm) < half
            or x_mm + half > self.width_mm
            or y_mm + half > self.height_mm
        ):
            raise InputError(
                f"A mark of {side_mm:g} mm at ({x_mm:g}, {y_mm:g}) mm does not lie on a page of "
                f"{self.width_mm:.1f} by {self.height_mm:.1f} mm."
            )
        x, y = self.point(x_mm, y_mm)
        reach = self.length(half)
        return x - reach, y - reach, x + reach, y + reach


def number(value: float) -> str:
    """A PDF number, never with an exponent: six decimals keep a QR's edges straight over a whole page."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def qr_operators(stamp: QrStamp, frame: PageFrame) -> bytes:
    """Page content that draws the symbol: no resource named, marked as an artifact for tagged files.

    An inline stencil of one bit a module (ISO 32000-1, 8.9.6.2 and 8.9.7): no renderer shows seams between
    them, and it takes a quarter of the bytes and an eighth of the time of a path of their runs. In
    hexadecimal, because readers look for the image's end in its octets.

    Raises:
        InputError: the place is not on the page, or the matrix is not square.
    """
    count = len(stamp.modules)
    if not count or any(len(row) != count for row in stamp.modules):
        raise InputError("A QR symbol's modules must form a square.")
    frame.square(stamp.x_mm, stamp.y_mm, stamp.size_mm)
    whole = count + 2 * QUIET_ZONE_MODULES
    scale = frame.length(stamp.size_mm) / whole
    a, b, c, d = (scale * factor for factor in frame.upright())
    x, y = frame.point(stamp.x_mm, stamp.y_mm)
    e, f = x - (a + c) * whole / 2, y - (b + d) * whole / 2
    matrix = " ".join(number(value) for value in (a, b, c, d, e, f))
    side = (count + 7) // 8  # octets of a row
    bits = (int(row.translate(_BITS).ljust(8 * side, b"0"), 2) for row in stamp.modules)
    rows = "\n".join(f"{row:0{2 * side}x}" for row in bits)
    return (
        f"/Artifact BMC q {matrix} cm 1 g 0 0 {whole} {whole} re f 0 g"
        f" {count} 0 0 {count} {QUIET_ZONE_MODULES} {QUIET_ZONE_MODULES} cm"
        f" BI/W {count}/H {count}/BPC 1/IM true/D[1 0]/F/AHx ID {rows}>\nEI Q EMC"
    ).encode("ascii")


def deflated(content: bytes) -> bytes:
    """The content under /FlateDecode."""
    return zlib.compress(content, _DEFLATE_LEVEL)


@lru_cache(maxsize=256)
def deflated_picture(picture: bytes) -> bytes:
    """A seal's picture under /FlateDecode; kept, because an authority's seal is alike on every file."""
    return deflated(picture)
