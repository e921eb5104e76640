"""Consents as the contract writes them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from storage.consents import ConsentFile
from vault.consents.listing import Consents
from vault.log import moment
from vault.model.catalogue import CertificateType
from vault.model.consent import Consent
from vault.model.service_item import ServiceItem


def consents_json(
    found: Consents, types: Mapping[str, CertificateType], items: Mapping[str, ServiceItem], *, on: date
) -> dict[str, Any]:
    """A page of a holder's consents; `next` goes into `before` for the page after it."""
    return {
        "consents": [consent_json(file, types, items, on=on) for file in found.files],
        "next": None if found.next_before is None else str(found.next_before),
    }


def consent_json(
    file: ConsentFile,
    types: Mapping[str, CertificateType],
    items: Mapping[str, ServiceItem],
    *,
    on: date,
) -> dict[str, Any]:
    """A consent as its holder sees it."""
    consent = file.consent
    item = None if consent.service_item is None else items.get(consent.service_item)
    return {
        "consent_id": str(consent.consent_id),
        "state": _state(consent, on),
        "organisation": consent.organisation,
        "organisation_name": file.organisation_name,
        "types": [
            {"type": code, "type_name": types[code].name if code in types else ""}
            for code in sorted(consent.types)
        ],
        "fields": None if consent.fields is None else sorted(consent.fields),
        "service_item": consent.service_item,
        "service_item_name": None if item is None else item.name,
        "purpose": consent.purpose,
        "valid_from": consent.valid_from.isoformat(),
        "valid_to": consent.valid_to.isoformat(),
        "uses": consent.uses_max,
        "uses_left": consent.uses_left,
        "made_at": moment(consent.made_at),
        "revoked_at": None if consent.revoked_at is None else moment(consent.revoked_at),
        "used": [
            {
                "at": moment(use.at),
                "client": use.client_name,
                "what": use.look.value,
                "certificate_id": None if use.certificate_id is None else str(use.certificate_id),
            }
            for use in file.uses
        ],
    }


def _state(consent: Consent, on: date) -> str:
    if consent.revoked_at is not None:
        return "revoked"
    if on > consent.valid_to:
        return "ended"
    if consent.uses_left < 1:
        return "used_up"
    return "not_yet" if on < consent.valid_from else "standing"
