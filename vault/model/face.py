"""The face (照面) of a certificate as its holder chose to show it: what was not chosen is not there."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from vault.errors import FieldProblem
from vault.model.catalogue import CertificateType
from vault.model.holders import HolderCode, mask_name

NUMBER, HOLDERS = "number", "holders"
# Far above the number of fields of any type.
FIELDS_MAX = 100


def chosen_face(certificate: Mapping[str, Any], fields: Collection[str] | None) -> dict[str, Any]:
    """A certificate's JSON with the chosen fields of its face only; None for all of it.

    Always there: type, identifier, issuing authority, days and status. Without those a field means nothing.
    A sealed file shows the whole face: without a choice of all of it, there is none.
    """
    if fields is None:
        return dict(certificate)
    shown = {
        **certificate,
        "number": certificate["number"] if NUMBER in fields else None,
        "holders": certificate["holders"] if HOLDERS in fields else [],
        "fields": {key: value for key, value in certificate["fields"].items() if key in fields},
    }
    return {**shown, "documents": []} if "documents" in shown else shown


def shown_holders(certificate: Mapping[str, Any], whose: HolderCode) -> dict[str, Any]:
    """A certificate's JSON with the other holders masked than the one who shows it."""
    return {
        **certificate,
        "holders": [
            each if _code(each).identity == whose.identity else masked_holder(each)
            for each in certificate["holders"]
        ],
    }


def masked_holder(holder: Mapping[str, str]) -> dict[str, str]:
    """Name and code as strangers may see them: enough to compare with a paper, too little to collect."""
    code = _code(holder)
    return {
        "code_type": code.code_type,
        "code": code.masked(),
        "name": mask_name(holder["name"], code.kind),
    }


def _code(holder: Mapping[str, str]) -> HolderCode:
    return HolderCode(holder["code_type"], holder["code"])


def field_problems(fields: Sequence[str], types: Collection[CertificateType]) -> list[FieldProblem]:
    """What is wrong with a choice of fields for certificates of these types, below `/fields`."""
    known = {NUMBER, HOLDERS} | {field.key for kind in types for field in kind.face}
    if not 1 <= len(fields) <= FIELDS_MAX:
        detail = f"Expected 1 to {FIELDS_MAX} fields, got {len(fields)}; null is the whole face."
        return [FieldProblem("/fields", detail)]
    return [
        FieldProblem(f"/fields/{n}", "There is no such field on the face: expected number, holders or a key.")
        for n, name in enumerate(fields)
        if name not in known
    ]
