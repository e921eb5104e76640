"""A presentation (亮证): a code that shows one certificate once to whoever sees it, and soon ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

# Long enough to hold a screen to a scanner, too short to be passed around.
CODE_LIFETIME = timedelta(minutes=5)
CODE_BYTES = 16  # 128 random bits


class PresentationAction(StrEnum):
    """What happens to a presentation; each time is an event."""

    MAKE = "make"
    REDEEM = "redeem"
    END = "end"


@dataclass(frozen=True, slots=True)
class Presentation:
    """A presentation as the vault holds it. `fields`: as in `vault.model.consent.Consent`.

    `redeemed_at`: when its code was spent, by being redeemed or by being taken back.
    `holder_id`: whose certificate it is. `delegation_id`: where a delegate presents it, under which one;
    `withdrawn`: that one was taken back meanwhile, or
    the holder erased.
    """

    presentation_id: UUID
    certificate_id: UUID
    holder_id: UUID
    delegation_id: UUID | None
    made_by: UUID
    fields: frozenset[str] | None
    made_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None
    withdrawn: bool

    def opens(self, at: datetime) -> bool:
        """Whether its code still shows something."""
        return self.redeemed_at is None and not self.withdrawn and at < self.expires_at
