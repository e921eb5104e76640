"""A consent (授权): which organisation may see what of a holder, what for, until when and how often."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from vault.model.holders import HolderCode
from vault.model.written import number_form

# Nobody remembers for longer what they have granted; whoever wants to goes on granting.
DAYS_MAX = 366
# A grant, not a subscription; and taking a consent back ends each use under it in one transaction.
USES_MAX = 1000
# An answer may have been lost: the same question again within this time is the same use of a consent.
REPEAT_WITHIN = timedelta(minutes=10)


class Uncovered(StrEnum):
    """Why a consent does not cover a request."""

    ORGANISATION = "organisation"
    TYPE = "type"
    SERVICE_ITEM = "service_item"
    PURPOSE = "purpose"
    NOT_YET = "not_yet"
    ENDED = "ended"
    REVOKED = "revoked"
    USED_UP = "used_up"


class ConsentAction(StrEnum):
    """What happens to a consent; each time is an event."""

    GRANT = "grant"
    USE = "use"
    REVOKE = "revoke"


class Look(StrEnum):
    """What a consent is used for."""

    HOLDINGS = "holdings"
    REUSE_CHECK = "reuse-check"
    USE = "use"
    REDEMPTION = "use-redeem"


@dataclass(frozen=True, slots=True)
class Consent:
    """A consent as the vault holds it. `holder`: whose it is.

    `organisation`: USCC. `fields`: keys of the face (照面) that may be seen, `number` and `holders` among
    them; None for all of it. `service_item` and `purpose`: what for; at least one is given. `valid_from` and
    `valid_to`: first and last day in China.
    """

    consent_id: UUID
    holder_id: UUID
    holder: HolderCode = field(repr=False)
    organisation: str
    types: frozenset[str]
    fields: frozenset[str] | None
    service_item: str | None
    purpose: str | None = field(repr=False)
    valid_from: date
    valid_to: date
    uses_max: int
    uses_left: int
    made_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request of an organisation names. `purpose` None: it names an item only (a reuse check)."""

    organisation: str
    service_item: str | None
    purpose: str | None = field(repr=False)


def uncovered(
    consent: Consent, asked: Asked, type_code: str, *, on: date, again: bool = False
) -> Uncovered | None:
    """Why a consent does not cover a request for this certificate type on a day; None where it does.

    `again`: this very request was counted a moment ago, so that it needs no use that is left.
    """
    item = consent.service_item
    failed = {
        Uncovered.REVOKED: consent.revoked_at is not None,
        Uncovered.ORGANISATION: asked.organisation != consent.organisation,
        Uncovered.TYPE: type_code not in consent.types,
        Uncovered.SERVICE_ITEM: item is not None and asked.service_item != item,
        Uncovered.PURPOSE: not _same_purpose(consent, asked),
        Uncovered.NOT_YET: on < consent.valid_from,
        Uncovered.ENDED: on > consent.valid_to,
        Uncovered.USED_UP: consent.uses_left < 1 and not again,
    }
    return next((why for why, fails in failed.items() if fails), None)


def best(
    consents: Iterable[Consent],
    asked: Asked,
    type_code: str,
    *,
    on: date,
    again: Collection[UUID] = (),
) -> Consent | None:
    """Of the consents that cover a request for this type the one to use; None where none does.

    One that was counted for this very request, then one for the whole face, then the one that ends first.
    """
    found = [
        each
        for each in consents
        if uncovered(each, asked, type_code, on=on, again=each.consent_id in again) is None
    ]
    return min(
        found,
        key=lambda c: (c.consent_id not in again, c.fields is not None, c.valid_to, c.consent_id),
        default=None,
    )


def _same_purpose(consent: Consent, asked: Asked) -> bool:
    """The words must be the same but for blanks and width. A request without words goes by its item."""
    if consent.purpose is None:
        return True
    if asked.purpose is None:
        return consent.service_item is not None
    return number_form(asked.purpose) == number_form(consent.purpose)
