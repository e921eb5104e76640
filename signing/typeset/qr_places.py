"""Where each template has its QR: told to the template, which frames it, and to the seal, which draws it.

The symbol is not of the page's own making: it states the digest of the page, so it comes after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from signing.typeset.seal_places import LAST_PAGE


@dataclass(frozen=True, slots=True)
class QrPlace:
    """The symbol's top left corner, quiet zone included, in millimetres; `page` as in `SealPlace`."""

    page: int
    left_mm: float
    top_mm: float


QR_PLACES: Mapping[str, QrPlace] = MappingProxyType(
    {
        "licence-landscape": QrPlace(1, 238.0, 25.0),
        "registration-certificate": QrPlace(1, 42.0, 145.0),
        "permit-portrait": QrPlace(1, 31.0, 210.5),
        "approval-document": QrPlace(LAST_PAGE, 30.0, 220.0),
        "proof-letter": QrPlace(LAST_PAGE, 30.0, 220.0),
        "booklet-spread": QrPlace(1, 170.0, 164.0),
        "marriage-certificate": QrPlace(1, 166.0, 157.0),
        "personal-card": QrPlace(1, 21.0, 92.0),
    }
)
# Beside the photo there is room that a page without one does not have.
_BESIDE_PHOTO: Mapping[str, QrPlace] = MappingProxyType({"booklet-spread": QrPlace(1, 170.0, 36.0)})


def qr_place(template: str, *, photo: bool) -> QrPlace:
    """Where this template has its QR; `photo`: whether there is one on the page.

    Raises:
        KeyError: there is no such template.
    """
    return _BESIDE_PHOTO.get(template, QR_PLACES[template]) if photo else QR_PLACES[template]
