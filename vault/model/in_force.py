"""Whether a certificate is in force on a day, and if not, why: the same answer for whoever asks."""

from dataclasses import dataclass
from datetime import date

from vault.model.certificate import Status
from vault.model.lifecycle import OutOfForce


@dataclass(frozen=True, slots=True)
class NotInForceNow:
    """`reason`: a stable token, a status or `expired` or `not_yet_valid`; `sentence`: the same for people."""

    reason: str
    sentence: str


def why_not_in_force(
    status: Status, ended: OutOfForce | None, valid_from: date, valid_to: date | None, *, on: date
) -> NotInForceNow | None:
    """Why a certificate is not in force on a day; None where it is. `ended`: what is told of its status."""
    if status is not Status.VALID:
        return NotInForceNow(status.value, _ended_sentence(status, ended))
    if on < valid_from:
        return NotInForceNow("not_yet_valid", f"The certificate is valid from {valid_from} only.")
    if valid_to is not None and on > valid_to:
        return NotInForceNow("expired", f"The certificate ran out on {valid_to}.")
    return None


def _ended_sentence(status: Status, ended: OutOfForce | None) -> str:
    if ended is None:
        return f"The certificate is {status.value}."
    successor = "" if ended.successor is None else f" by {ended.successor}"
    reason = "" if ended.reason is None else f" Reason given: {ended.reason}"
    return f"The certificate was {status.value} on {ended.since}{successor}.{reason}"
