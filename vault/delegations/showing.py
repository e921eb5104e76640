"""Delegations as the contract writes them."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from vault.delegations.listing import Delegations
from vault.delegations.revoking import Ended
from vault.log import moment
from vault.model.catalogue import CertificateType
from vault.model.delegation import Act, Delegation


def delegations_json(found: Delegations, types: Mapping[str, CertificateType], *, on: date) -> dict[str, Any]:
    """What somebody gave and what they received."""
    return {
        "given": [
            given_json(each, types, found.acts.get(each.delegation_id, ()), on=on) for each in found.given
        ],
        "received": [_received_json(each, types, on=on) for each in found.received],
    }


def given_json(
    delegation: Delegation, types: Mapping[str, CertificateType], acts: Sequence[Act] = (), *, on: date
) -> dict[str, Any]:
    """A delegation as the holder sees it: the delegate's code is masked, as it may be on a screen."""
    return {
        **_common(delegation, types, on),
        "delegate": None
        if delegation.delegate is None
        else {"code_type": delegation.delegate.code_type, "code": delegation.delegate.masked()},
        "acts": [
            {
                "at": moment(act.at),
                "action": act.action.value,
                "certificate_id": None if act.certificate_id is None else str(act.certificate_id),
            }
            for act in acts
        ],
    }


def ended_json(ended: Ended, types: Mapping[str, CertificateType], *, on: date) -> dict[str, Any]:
    """A delegation that was just ended, as the one who ended it sees it."""
    if ended.given:
        return given_json(ended.delegation, types, on=on)
    return _received_json(ended.delegation, types, on=on)


def _received_json(
    delegation: Delegation, types: Mapping[str, CertificateType], *, on: date
) -> dict[str, Any]:
    return {**_common(delegation, types, on), "holder_name": delegation.holder_name}


def _common(delegation: Delegation, types: Mapping[str, CertificateType], on: date) -> dict[str, Any]:
    accepted, revoked = delegation.accepted_at, delegation.revoked_at
    return {
        "delegation_id": str(delegation.delegation_id),
        "state": _state(delegation, on),
        "types": [
            {"type": code, "type_name": types[code].name if code in types else ""}
            for code in sorted(delegation.types)
        ],
        "actions": sorted(action.value for action in delegation.actions),
        "valid_from": delegation.valid_from.isoformat(),
        "valid_to": delegation.valid_to.isoformat(),
        "made_at": moment(delegation.made_at),
        "accepted_at": None if accepted is None else moment(accepted),
        "revoked_at": None if revoked is None else moment(revoked),
    }


def _state(delegation: Delegation, on: date) -> str:
    if delegation.revoked_at is not None:
        return "revoked"
    if on > delegation.valid_to:
        return "ended"
    if delegation.accepted_at is None:
        return "waiting"
    return "not_yet" if on < delegation.valid_from else "standing"
