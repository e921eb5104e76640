"""V11: where something was permitted behind a signature, its pages must still show what was signed (PDFium).

A third reader, which shares no code with qpdf or pyHanko: what those two overlook has to show up on paper
to deceive anybody.
"""

from collections.abc import Sequence

import pypdfium2
from PIL import Image, ImageChops, ImageDraw

from signing.drawing import drawn, opened
from signing.judge.findings import SubIndication, failure

# 72 dots to the inch: a stroke of print leaves its mark, and an A4 page takes 0.5 MB
SCALE = 1.0
# Pixels a side; a larger page is drawn smaller, so that no page takes more than 4 MB
SIDE_MAX_PIXELS = 2_000
# Certificates have one or two pages; the difference analysis covers the rest
PAGES_COMPARED_MAX = 10
# Of 255: lighter is bare paper; smaller differences are the rounding of colours
_PAPER = 250
_DIFFERENCE_MIN = 16

Box = tuple[float, float, float, float]


def check_rendering(signed: bytes, whole: bytes, fields: Sequence[tuple[int, Box]]) -> int:
    """Compare the pages of the signed revision with those of the whole file; how many were compared.

    1. there are as many, of the same size; 2. what stood on paper stands there still; 3. what is new stands
    in `fields`: page from 0, and box in points, of signature fields that later signers used.

    Raises:
        SignatureError: the pages show something else (SIG_CONSTRAINTS_FAILURE).
    """
    with opened(signed, forms=True) as older, opened(whole, forms=True) as newer:
        if len(older) != len(newer):
            raise _differs("has another number of pages")  # 1
        count = min(len(older), PAGES_COMPARED_MAX)
        for number in range(count):
            before, after = _drawn(older, number), _drawn(newer, number)
            if before.size != after.size:
                raise _differs("has pages of another size")
            changed = _mask(ImageChops.difference(before, after), _DIFFERENCE_MIN)
            ink = ImageChops.invert(_mask(before, _PAPER))
            if ImageChops.multiply(changed, ink).getbbox() is not None:  # 2
                raise _differs(f"no longer shows on page {number + 1} what was signed")
            _clear(changed, newer[number], [box for page, box in fields if page == number])
            if changed.getbbox() is not None:  # 3
                raise _differs(f"shows something on page {number + 1} that was not signed")
    return count


def _drawn(document: pypdfium2.PdfDocument, number: int) -> Image.Image:
    return drawn(document[number], scale=SCALE, side_max_pixels=SIDE_MAX_PIXELS, forms=True)


def _mask(image: Image.Image, above: int) -> Image.Image:
    """White where the image is at least so light."""
    return image.point([255 if value >= above else 0 for value in range(256)])


def _clear(changed: Image.Image, page: pypdfium2.PdfPage, boxes: Sequence[Box]) -> None:
    """Forget the differences inside boxes, one pixel around them as well: edges are smoothed."""
    draw = ImageDraw.Draw(changed)
    width, height = changed.size
    across, up = page.get_width(), page.get_height()
    left_edge, bottom_edge, *_ = page.get_cropbox(fallback_ok=True)
    for left, bottom, right, top in boxes:
        if page.get_rotation():
            raise _differs("has a signature on a page that is turned")
        x = [(side - left_edge) / across * width for side in (left, right)]
        y = [height - (side - bottom_edge) / up * height for side in (bottom, top)]
        draw.rectangle((min(x) - 1, min(y) - 1, max(x) + 1, max(y) + 1), fill=0)


def _differs(how: str) -> Exception:
    return failure(SubIndication.SIG_CONSTRAINTS_FAILURE, f"The file {how}.")
