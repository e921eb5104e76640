"""A case as it is kept and compared: normalised, so that two requests that say the same are the same."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from storage.holders import holder_json
from vault.model.certificate import ApprovalResult, CompletedCase


def case_json(case: CompletedCase) -> dict[str, Any]:
    """The case as the contract writes it, normalised: what two requests must share to be the same."""
    return {
        "case": {
            "number": case.number,
            "service_item": case.service_item,
            "completed_at": case.completed_at.isoformat(),
            "applicant": holder_json([case.applicant])[0],
        },
        "results": [_result_json(result) for result in case.results],
        "materials": [
            {
                "type": material.type_code,
                "name": material.name,
                "sha256": material.sha256,
                "trust": material.trust.value,
                "holders": holder_json(material.holders),
                "valid_to": None if material.valid_to is None else material.valid_to.isoformat(),
                # Only where given: cases deposited before there was such a date keep their digest.
                **({} if material.issued_on is None else {"issued_on": material.issued_on.isoformat()}),
            }
            for material in case.materials
        ],
    }


def _result_json(result: ApprovalResult) -> dict[str, Any]:
    return {
        "type": result.type_code,
        "issuing_authority": result.issuing_authority,
        "number": result.number,
        "holders": holder_json(result.holders),
        "issued_on": result.issued_on.isoformat(),
        "valid_from": result.valid_from.isoformat(),
        "valid_to": None if result.valid_to is None else result.valid_to.isoformat(),
        "fields": dict(result.fields),
        "document": None if result.document is None else {"sha256": result.document.sha256},
        "formats": [f.value for f in result.formats],
        "supersedes": None if result.supersedes is None else str(result.supersedes),
    }


def request_digest(request: Mapping[str, Any]) -> bytes:
    """SHA-256 of the request as canonical JSON."""
    text = json.dumps(request, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()
