"""Presentations (亮证): a holder shows a certificate by a code that opens once and soon ends."""

from vault.presentations.following import (
    Shown,
    Standing,
    code_address,
    code_picture,
    end_presentation,
    shown_now,
    standing_of,
)
from vault.presentations.making import MadePresentation, make_presentation
from vault.presentations.reading import PresentationRequest, read_presentation
from vault.presentations.redeeming import Presented, redeem_presentation
from vault.presentations.showing import made_json, presented_face, presented_json

__all__ = [
    "MadePresentation",
    "PresentationRequest",
    "Presented",
    "Shown",
    "Standing",
    "code_address",
    "code_picture",
    "end_presentation",
    "made_json",
    "make_presentation",
    "presented_face",
    "presented_json",
    "read_presentation",
    "redeem_presentation",
    "shown_now",
    "standing_of",
]
