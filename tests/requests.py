"""Deposit requests for the suite: the catalogue's own examples under fresh case numbers."""

import copy
import secrets
from typing import Any

from vault.catalogue import Catalogue
from vault.model.catalogue import CertificateType

FOOD = "食品经营许可证"


def kind_named(catalogue: Catalogue, name: str) -> CertificateType:
    """The kind with this Chinese name."""
    return next(kind for kind in catalogue.types.values() if kind.name == name)


def example_request(catalogue: Catalogue, *names: str, case_number: str | None = None) -> dict[str, Any]:
    """A case whose results are the examples of these kinds; the applicant is the first holder."""
    results = [copy.deepcopy(dict(kind_named(catalogue, name).example)) for name in (names or (FOOD,))]
    return {
        "case": {
            "number": case_number or new_case_number(),
            "service_item": "990100000131002",
            "completed_at": "2026-10-26T08:00:00Z",
            "applicant": copy.deepcopy(results[0]["holders"][0]),
        },
        "results": results,
        "materials": [],
    }


def new_case_number() -> str:
    """A case number that nobody used before."""
    return f"SL-2026-{secrets.token_hex(6).upper()}"
