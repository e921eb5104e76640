"""Pages as people see them, drawn by PDFium: to be compared, read for what stands on them, or looked at.

PDFium serves one thread at a time, whatever documents it has open, and breaks the process down otherwise. So
every document is opened here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import RLock

import pypdfium2
from PIL import Image

from vault.errors import DocumentRefused

# Print and the red of a seal stay clear; guilloches, which cost most, lose a little.
_WEBP_QUALITY = 55

ONE_AT_A_TIME = RLock()
"""Held while a document is open."""


@contextmanager
def opened(pdf: bytes, *, forms: bool) -> Iterator[pypdfium2.PdfDocument]:
    """A document, until the block ends; other threads wait for it. Within it further ones may be opened.

    `forms`: with the fields of its form, which PDFium draws only if it was told before the first page.

    Raises:
        pypdfium2.PdfiumError: it cannot be read.
    """
    with ONE_AT_A_TIME:
        document = pypdfium2.PdfDocument(pdf)
        try:
            if forms:
                document.init_forms()
            yield document
        finally:
            document.close()


def drawn(page: pypdfium2.PdfPage, *, scale: float, side_max_pixels: int, forms: bool) -> Image.Image:
    """A page in grey. `scale`: pixels a point; a page with a longer side than the most is drawn smaller.

    `forms`: with the fields of its form, signatures among them.
    """
    return _rendered(page, scale=scale, side_max_pixels=side_max_pixels, forms=forms).convert("L")


def page_webp(pdf: bytes, *, side_max_pixels: int) -> bytes:
    """The first page in colour, with its seals, as a WebP whose longer side has so many pixels.

    Raises:
        DocumentRefused: it has no page that can be drawn.
    """
    try:
        with opened(pdf, forms=True) as document:
            page = document[0]
            fitting = side_max_pixels / max(page.get_width(), page.get_height(), 1.0)
            image = _rendered(page, scale=fitting, side_max_pixels=side_max_pixels, forms=True)
    except (pypdfium2.PdfiumError, IndexError) as error:
        raise DocumentRefused("The file has no page that can be drawn.") from error
    out = BytesIO()
    image.convert("RGB").save(out, "WEBP", quality=_WEBP_QUALITY)
    return out.getvalue()


def _rendered(page: pypdfium2.PdfPage, *, scale: float, side_max_pixels: int, forms: bool) -> Image.Image:
    fitting = min(scale, side_max_pixels / max(page.get_width(), page.get_height(), 1.0))
    image: Image.Image = page.render(scale=fitting, may_draw_forms=forms).to_pil()
    return image
