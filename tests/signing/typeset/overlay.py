"""Puts QR and seal over a page where its template wants them, as sealing does, but without a signature."""

from io import BytesIO

import pikepdf

from signing.appearance import QrStamp, qr_operators
from signing.pades.page import page_frame
from signing.typeset import LAST_PAGE, SEAL_PLACES, TypesetPage, qr_modules, seal_picture
from vault.model.statement import QR_SIZE_MM

_POINTS_PER_MM = 72 / 25.4


def with_seal(page: TypesetPage, template: str, authority: str, *, qr_text: str) -> bytes:
    """The file with symbol and picture drawn as page content."""
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
        symbol = qr_operators(stamp_of(page, qr_text), page_frame(target.obj))
        target.contents_add(b"\nQ " + symbol + f"\nq {matrix} cm\n".encode() + picture.operators + b"Q\n")
        out = BytesIO()
        pdf.save(out)
    return out.getvalue()


def stamp_of(page: TypesetPage, qr_text: str) -> QrStamp:
    """The symbol at the page's own place for it."""
    place, half = page.qr_place, QR_SIZE_MM / 2
    return QrStamp(
        qr_modules(qr_text),
        place.page,
        place.left_mm + half,
        place.top_mm + half,
        QR_SIZE_MM,
        on_own_page=True,
    )
