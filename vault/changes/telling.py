"""Entries of the feed as JSON, the same in pages and in webhooks."""

from typing import Any

from vault.changes.cursors import cursor_of
from vault.changes.feed import ChangePage
from vault.log import moment
from vault.model.changes import CertificateChange, Change


def change_json(change: Change) -> dict[str, Any]:
    """One entry; nothing in it is about a person."""
    head = {
        "cursor": cursor_of(change),
        "position": change.position,
        "action": change.action.value,
        "at": moment(change.at),
        "type": change.type_code,
    }
    if isinstance(change, CertificateChange):
        return head | {
            "subject": "certificate",
            "certificate_id": str(change.certificate_id),
            "identifier": change.identifier,
            "version": change.version,
            "authority": change.authority,
            "status": change.status.value,
            "effective_on": change.effective_on.isoformat(),
            "result": None if change.result is None else change.result.value,
            "href": f"/v1/certificates/{change.certificate_id}",
        }
    return head | {
        "subject": "material",
        "material_id": str(change.material_id),
        "trust": change.trust.value,
        "href": None,
    }


def page_json(page: ChangePage) -> dict[str, Any]:
    """A page of the feed."""
    return {
        "changes": [change_json(change) for change in page.changes],
        "cursor": page.cursor,
        "more": page.more,
    }
