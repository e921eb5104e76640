"""Where each template wants the red seal: the authority's name and the date stand under its lower half.

The templates are told their place and set the authority block by it, so that a seal can never stand beside
its date. GB/T 9704-2012, 7.3.5.1 as implementers follow it: the name and the date a little below the centre.
"""

from collections.abc import Mapping
from types import MappingProxyType

from vault.model.catalogue import SealPlace

LAST_PAGE = 0
"""As `SealPlace.page`: the last page, however many there are (`TypesetPage.page_count`)."""

_DEPARTMENT_MM = 42.0  # outer diameter of a department's seal (国发〔1999〕25号)
_CARD_MM = 36.0  # what still leaves a card's fields legible

SEAL_PLACES: Mapping[str, SealPlace] = MappingProxyType(
    {
        "licence-landscape": SealPlace(1, 222.0, 156.0, _DEPARTMENT_MM),
        "registration-certificate": SealPlace(1, 222.0, 156.0, _DEPARTMENT_MM),
        "permit-portrait": SealPlace(1, 143.0, 228.0, _DEPARTMENT_MM),
        "approval-document": SealPlace(LAST_PAGE, 143.0, 229.0, _DEPARTMENT_MM),
        "proof-letter": SealPlace(LAST_PAGE, 143.0, 229.0, _DEPARTMENT_MM),
        "booklet-spread": SealPlace(1, 76.75, 146.0, _DEPARTMENT_MM),
        "marriage-certificate": SealPlace(1, 76.75, 142.0, _DEPARTMENT_MM),
        "personal-card": SealPlace(1, 152.0, 108.0, _CARD_MM),
    }
)
