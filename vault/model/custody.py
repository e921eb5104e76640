"""Seals under control: who may use which seal for what, and how often a day."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

# A certificate type that issues more a day in one city is a typing error; PostgreSQL's integer holds more.
DAILY_CAP_MAX = 1_000_000
# A grant is looked at again at least every three years: as long as a seal certificate lives.
GRANT_DAYS_MAX = 1096


class GrantState(StrEnum):
    """Where a grant stands. Only an approved one lets a deposit through, and only within its window."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    ENDED = "ended"


class SealAct(StrEnum):
    """What people do to a seal itself."""

    IMPORT = "import"
    STOP = "stop"
    PROPOSE_RESUMPTION = "propose_resumption"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class GrantTerms:
    """A seal-use grant's terms: this seal, for this version of this type, at this client's request.

    `daily_cap`: results a legal day (Asia/Shanghai). The window: from `valid_from`, before `valid_to`.
    """

    seal_id: str
    type_code: str
    type_version: int
    client_id: str
    daily_cap: int
    valid_from: datetime
    valid_to: datetime


@dataclass(frozen=True, slots=True)
class Deed:
    """Who did something and when. `actor`: `person:…` or `os:…`; `via`: `http`, or the terminal's OS user."""

    actor: str
    via: str
    at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant with its two signatures, and its end."""

    grant_id: UUID
    terms: GrantTerms
    made: Deed
    approved: Deed | None
    ended: Deed | None

    @property
    def state(self) -> GrantState:
        """Where it stands; whether its window is open is a question of the time."""
        if self.ended is not None:
            return GrantState.ENDED
        return GrantState.PROPOSED if self.approved is None else GrantState.APPROVED

    def in_force(self, at: datetime) -> bool:
        """Whether a deposit may be counted on it at this time."""
        return self.state is GrantState.APPROVED and self.terms.valid_from <= at < self.terms.valid_to
