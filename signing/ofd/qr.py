"""The QR of a page as OFD objects: a white square, and all dark modules in one path."""

import re
from collections.abc import Callable, Iterator

from signing.appearance import QUIET_ZONE_MODULES, QrStamp
from signing.ofd.geometry import PageSpace, number
from vault.errors import InputError

_DARK_RUN = re.compile(rb"\x01+")


def qr_objects(stamp: QrStamp, space: PageSpace, next_id: Callable[[], int]) -> Iterator[str]:
    """The symbol as `signing.appearance.qr_operators` draws it on the PDF.

    Raises:
        InputError: the place is not on the page, or the matrix is not square.
    """
    count = len(stamp.modules)
    if not count or any(len(row) != count for row in stamp.modules):
        raise InputError("A QR symbol's modules must form a square.")
    half = stamp.size_mm / 2
    left, top = stamp.x_mm - half, stamp.y_mm - half
    if min(left, top) < 0 or left + stamp.size_mm > space.box[2] or top + stamp.size_mm > space.box[3]:
        raise InputError("The QR does not lie on its page.")
    whole = count + 2 * QUIET_ZONE_MODULES
    dark = [
        _rectangle(QUIET_ZONE_MODULES + run.start(), QUIET_ZONE_MODULES + index, run.end() - run.start(), 1)
        for index, row in enumerate(stamp.modules)
        for run in _DARK_RUN.finditer(bytes(row))
    ]
    side = number(stamp.size_mm)
    boundary = f"{number(left)} {number(top)} {side} {side}"
    module = number(stamp.size_mm / whole, 7)
    for colour, data in (("255 255 255", _rectangle(0, 0, whole, whole)), ("0 0 0", " ".join(dark))):
        yield (
            f'<ofd:PathObject ID="{next_id()}" Boundary="{boundary}" CTM="{module} 0 0 {module} 0 0" '
            f'Stroke="false" Fill="true"><ofd:FillColor Value="{colour}"/>'
            f"<ofd:AbbreviatedData>{data}</ofd:AbbreviatedData></ofd:PathObject>"
        )


def _rectangle(left: int, top: int, width: int, height: int) -> str:
    """In modules: whole numbers are a quarter of the bytes."""
    right, bottom = left + width, top + height
    return f"M {left} {top} L {right} {top} L {right} {bottom} L {left} {bottom} C"
