"""Pages as people see them, drawn by PDFium: to be compared, or read for what stands on them."""

import pypdfium2
from PIL import Image


def drawn(page: pypdfium2.PdfPage, *, scale: float, side_max_pixels: int, forms: bool) -> Image.Image:
    """A page in grey. `scale`: pixels a point; a page with a longer side than the most is drawn smaller.

    `forms`: with the fields of its form, signatures among them.
    """
    fitting = min(scale, side_max_pixels / max(page.get_width(), page.get_height(), 1.0))
    image: Image.Image = page.render(scale=fitting, may_draw_forms=forms).to_pil()
    return image.convert("L")
