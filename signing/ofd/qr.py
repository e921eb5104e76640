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
    x, y = stamp.x_mm - half, stamp.y_mm - half
    if min(x, y) < 0 or x + stamp.size_mm > space.box[2] or y + stamp.size_mm > space.box[3]:
        raise InputError("The QR does not lie on its page.")
    whole = count + 2 * QUIET_ZONE_MODULES
    dark = []
    for top, row in enumerate(stamp.modules, QUIET_ZONE_MODULES):
        bottom = top + 1
        for run in _DARK_RUN.finditer(row):
            start, end = run.start() + QUIET_ZONE_MODULES, run.end() + QUIET_ZONE_MODULES
            dark.append(f"M {start} {top} L {end} {top} L {end} {bottom} L {start} {bottom} C")
    quiet = f"M 0 0 L {whole} 0 L {whole} {whole} L 0 {whole} C"
    side = number(stamp.size_mm)
    boundary = f"{number(x)} {number(y)} {side} {side}"
    module = number(stamp.size_mm / whole, 7)
    for colour, data in (("255 255 255", quiet), ("0 0 0", " ".join(dark))):
        yield (
            f'<ofd:PathObject ID="{next_id()}" Boundary="{boundary}" CTM="{module} 0 0 {module} 0 0" '
            f'Stroke="false" Fill="true"><ofd:FillColor Value="{colour}"/>'
            f"<ofd:AbbreviatedData>{data}</ofd:AbbreviatedData></ofd:PathObject>"
        )
