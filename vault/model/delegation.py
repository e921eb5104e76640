"""A delegation (委托): what another person may do with a holder's certificates, and until when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from vault.model.holders import HolderCode

# As for consents: nobody remembers for longer what they have granted.
DAYS_MAX = 366


class DelegatedAction(StrEnum):
    """What can be delegated. Seeing what one downloads or presents comes with either."""

    DOWNLOAD = "download"
    PRESENT = "present"


class DelegationEvent(StrEnum):
    """What happens to a delegation; each time is an event."""

    GRANT = "grant"
    ACCEPT = "accept"
    VIEW = "view"
    DOWNLOAD = "download"
    PRESENT = "present"
    REVOKE = "revoke"


class Unable(StrEnum):
    """Why a delegation does not let somebody act."""

    NOT_THEIRS = "not_theirs"
    NOT_ACCEPTED = "not_accepted"
    ACTION = "action"
    TYPE = "type"
    NOT_YET = "not_yet"
    ENDED = "ended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Delegation:
    """A delegation as the vault holds it. `valid_from` and `valid_to`: first and last day in China.

    `holder_name`: for the delegate, who must know for whom they act. `delegate`: None once they are erased.
    `accepted_at`: when the delegate first signed in after it was granted.
    """

    delegation_id: UUID
    holder_id: UUID
    holder_name: str = field(repr=False)
    delegate: HolderCode | None = field(repr=False)
    types: frozenset[str]
    actions: frozenset[DelegatedAction]
    valid_from: date
    valid_to: date
    made_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a delegate did under a delegation; `details` hold no personal data."""

    action: DelegationEvent
    certificate_id: UUID | None
    at: datetime
    details: Mapping[str, Any]


def unable(
    delegation: Delegation,
    code: HolderCode,
    action: DelegatedAction | None = None,
    type_code: str | None = None,
    *,
    on: date,
) -> Unable | None:
    """Why a person with this code may not act under a delegation on a day; None where they may.

    `action` None: look; `type_code` None: at whatever is delegated.
    """
    failed = {
        Unable.NOT_THEIRS: delegation.delegate is None or delegation.delegate.identity != code.identity,
        Unable.REVOKED: delegation.revoked_at is not None,
        Unable.NOT_ACCEPTED: delegation.accepted_at is None,
        Unable.ACTION: action is not None and action not in delegation.actions,
        Unable.TYPE: type_code is not None and type_code not in delegation.types,
        Unable.NOT_YET: on < delegation.valid_from,
        Unable.ENDED: on > delegation.valid_to,
    }
    return next((why for why, fails in failed.items() if fails), None)
