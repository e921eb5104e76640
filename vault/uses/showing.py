"""Uses as the contract writes them."""

from collections.abc import Mapping
from typing import Any

from storage.uses import AccessRow
from vault.log import moment
from vault.model.catalogue import CertificateType
from vault.model.footing import footing_json
from vault.model.service_item import ServiceItem
from vault.model.use import SubjectKind, UseRecord
from vault.uses.history import Accesses
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


def accesses_json(
    found: Accesses, types: Mapping[str, CertificateType], items: Mapping[str, ServiceItem]
) -> dict[str, Any]:
    """A page of a holder's history; `next` goes into `before` for the page after it."""
    return {
        "accesses": [_access_json(row, types, items) for row in found.rows],
        "next": None if found.next_before is None else str(found.next_before),
    }


def _access_json(
    row: AccessRow, types: Mapping[str, CertificateType], items: Mapping[str, ServiceItem]
) -> dict[str, Any]:
    use = row.use
    kind = types.get(row.type_code)
    item = None if use.service_item is None else items.get(use.service_item)
    return {
        "use_id": str(use.use_id),
        "at": moment(use.made_at),
        "client": row.client_name,
        "organisation": use.organisation,
        "clerk": use.clerk,
        "kind": use.subject.kind.value,
        "subject_id": str(use.subject.id),
        "type": row.type_code,
        "type_name": "" if kind is None else kind.name,
        "identifier": row.identifier,
        "service_item": use.service_item,
        "service_item_name": "" if item is None else item.name,
        "case_number": use.case_number,
        "purpose": use.purpose,
        "copy": use.copy is not None,
        "redeemed": row.redeemed,
        "expires_at": moment(use.expires_at),
        "revoked_at": None if use.revoked_at is None else moment(use.revoked_at),
        **footing_json(use.footing),
    }
