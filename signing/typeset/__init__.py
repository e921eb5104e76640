"""Certificates as pages: Typst templates, the QR, the picture of the red seal.

`Typesetter` sets a page from a template and the data of `vault.catalogue.page_data`; `SEAL_PLACES` says where
each template wants its seal, `QR_PLACES` its QR: both are drawn when the page is sealed. How a template reads
the `layout` hints of a kind stands at its head.
"""

from signing.typeset.page import (
    PDF_STANDARD,
    TEMPLATES,
    TypesetPage,
    Typesetter,
    UsageWords,
    page_inputs,
    template_source,
)
from signing.typeset.qr import qr_modules
from signing.typeset.qr_places import QR_PLACES, QrPlace
from signing.typeset.scan_mark import scan_mark
from signing.typeset.seal_forms import SEAL_MM, seal_ofd, seal_png
from signing.typeset.seal_picture import SealPicture, seal_picture
from signing.typeset.seal_places import LAST_PAGE, SEAL_PLACES

__all__ = [
    "LAST_PAGE",
    "PDF_STANDARD",
    "QR_PLACES",
    "SEAL_MM",
    "SEAL_PLACES",
    "TEMPLATES",
    "QrPlace",
    "SealPicture",
    "TypesetPage",
    "Typesetter",
    "UsageWords",
    "page_inputs",
    "qr_modules",
    "scan_mark",
    "seal_ofd",
    "seal_picture",
    "seal_png",
    "template_source",
]
