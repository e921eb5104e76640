"""Uses as the contract writes them."""

from typing import Any

from vault.log import moment
from vault.model.footing import footing_json
from vault.model.use import SubjectKind, UseRecord
from vault.uses.making import MadeUse

COPIES_AT = "/v1/uses"


def use_json(use: UseRecord) -> dict[str, Any]:
    """A use as systems get it."""
    is_certificate = use.subject.kind is SubjectKind.CERTIFICATE
    copy = use.copy
    return {
        "use_id": str(use.use_id),
        "certificate_id": str(use.subject.id) if is_certificate else None,
        "material_id": None if is_certificate else str(use.subject.id),
        "service_item": use.service_item,
        "case_number": use.case_number,
        "purpose": use.purpose,
        "organisation": use.organisation,
        "clerk": use.clerk,
        "made_at": moment(use.made_at),
        "expires_at": moment(use.expires_at),
        "revoked_at": None if use.revoked_at is None else moment(use.revoked_at),
        **footing_json(use.footing),
        "copy": None
        if copy is None
        else {
            "sha256": copy.sha256,
            "size_bytes": copy.size_bytes,
            "pages": copy.pages,
            "seal_level": copy.level.value,
            "original_sha256": copy.original_sha256,
            "expires_at": moment(use.expires_at),
            "href": f"{COPIES_AT}/{use.use_id}/copy",
        },
    }


def made_json(made: MadeUse) -> dict[str, Any]:
    """A use with its fresh code."""
    return {**use_json(made.use), "code": made.code, "code_expires_at": moment(made.code_expires_at)}
