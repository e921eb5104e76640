"""Presentations as the contract writes them."""

from collections.abc import Mapping
from typing import Any

from vault.log import moment
from vault.model.face import chosen_face, shown_holders
from vault.presentations.making import MadePresentation
from vault.presentations.redeeming import Presented

# What is disputed stands beside the verdict.
_NOT_SHOWN = frozenset({"certificate_id", "documents", "dispute"})


def made_json(made: MadePresentation) -> dict[str, Any]:
    """A presentation with its code."""
    presentation = made.presentation
    under = presentation.delegation_id
    return {
        "presentation_id": str(presentation.presentation_id),
        "certificate_id": str(presentation.certificate_id),
        "fields": None if presentation.fields is None else sorted(presentation.fields),
        "on_behalf_of": None if under is None else str(under),
        "code": made.code,
        "url": made.url,
        "made_at": moment(presentation.made_at),
        "expires_at": moment(presentation.expires_at),
    }


def presented_face(presented: Presented, whole: Mapping[str, Any]) -> dict[str, Any]:
    """What the holder chose to show of a certificate, whose whole JSON is given.

    Its other holders are masked, and its files are not shown.
    """
    shown = shown_holders(chosen_face(whole, presented.presentation.fields), presented.holder)
    return {key: value for key, value in shown.items() if key not in _NOT_SHOWN}


def presented_json(presented: Presented) -> dict[str, Any]:
    """Who presented, and when."""
    presentation = presented.presentation
    return {
        "by": "holder" if presentation.delegation_id is None else "delegate",
        "made_at": moment(presentation.made_at),
        "fields": None if presentation.fields is None else sorted(presentation.fields),
    }
