"""Puts a seal's picture over a page where its template wants it, as sealing does, but without a signature."""

from io import BytesIO

import pikepdf

from signing.typeset import LAST_PAGE, SEAL_PLACES, TypesetPage, seal_picture

_POINTS_PER_MM = 72 / 25.4


def with_seal(page: TypesetPage, template: str, authority: str) -> bytes:
    """The file with the picture drawn as page content."""
    place = SEAL_PLACES[template]
    picture = seal_picture(authority, centre=None, serial="990100000123")
    with pikepdf.open(BytesIO(page.content)) as pdf:
        target = pdf.pages[(page.page_count if place.page == LAST_PAGE else place.page) - 1]
        height = float(target.mediabox[3])
        scale = place.diameter_mm * _POINTS_PER_MM / 1000
        x = place.x_mm * _POINTS_PER_MM - 500 * scale
        y = height - place.y_mm * _POINTS_PER_MM - 500 * scale
        matrix = f"{scale:.5f} 0 0 {scale:.5f} {x:.3f} {y:.3f}"
        target.contents_coalesce()
        target.contents_add(b"q\n", prepend=True)
        target.contents_add(f"\nQ q {matrix} cm\n".encode() + picture.operators + b"Q\n")
        out = BytesIO()
        pdf.save(out)
    return out.getvalue()
