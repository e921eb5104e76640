"""Step 8: the answer, the same on every try; only the place in the log comes to it later."""

import json
from typing import Any

from vault.log import place_json
from vault.model.certificate import CertificateRecord
from vault.stating import verify_url


def receipt_json(record: CertificateRecord, public_url: str) -> dict[str, Any]:
    """A receipt as the public contract writes it."""
    return {
        "certificate_id": str(record.certificate_id),
        "identifier": record.identifier,
        "version": record.version,
        "number": record.number,
        "type": record.type_code,
        "status": record.status.value,
        "verification_code": record.verification_code,
        "verify_url": verify_url(public_url, record.token),
        "documents": [
            {
                "format": document.format.value,
                "sha256": document.sha256,
                "sm3": document.sm3,
                "size_bytes": document.size_bytes,
                "seal_level": document.level.value,
                # What this receipt speaks of, whatever it will have been raised to by then
                "href": f"/v1/certificates/{record.certificate_id}/document"
                f"?format={document.format.value}&sha256={document.sha256}",
            }
            for document in record.documents
        ],
        "log": {
            "promise": json.loads(record.promise),
            **place_json(record.certificate_id, None, record.log_index, record.log_origin),
        },
    }
