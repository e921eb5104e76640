"""Pages as people see them, drawn by PDFium: to be compared, or read for what stands on them.

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

ONE_AT_A_TIME = RLock()
"""Held while a document is open."""

# 144 dots to the inch: print of 8 points is legible, and an A4 page takes 6 MB in colour until it is written.
PAGE_SCALE = 2.0
PAGE_SIDE_MAX_PIXELS = 1_800


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
    fitting = min(scale, side_max_pixels / max(page.get_width(), page.get_height(), 1.0))
    image: Image.Image = page.render(scale=fitting, may_draw_forms=forms).to_pil()
    return image.convert("L")


def first_page_png(pdf: bytes) -> bytes:
    """The first page as people see it, in colour and with its seals: a PNG.

    Raises:
        DocumentRefused: it is no PDF that could be drawn.
    """
    try:
        with opened(pdf, forms=True) as document:
            page = document[0]
            longest = max(page.get_width(), page.get_height(), 1.0)
            fitting = min(PAGE_SCALE, PAGE_SIDE_MAX_PIXELS / longest)
            image: Image.Image = page.render(scale=fitting, may_draw_forms=True).to_pil()
            drawn_page = image.convert("RGB")
    except pypdfium2.PdfiumError as error:
        raise DocumentRefused("The file is no PDF whose first page could be drawn.") from error
    written = BytesIO()
    drawn_page.save(written, "PNG")
    return written.getvalue()
