"""What the vault undertakes for its seals to be checkable in thirty years (ETSI EN 319 142-1)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from vault.model.certificate import SealLevel

# A revocation comes to be known some time after its reason: the grace period of EN 319 102-1, clause 5.2.5
GRACE = timedelta(hours=1)
# A time-stamp is renewed so long before anything behind it ends: an outage, a tender and a summer fit into
# it.
MARGIN = timedelta(days=180)
OUTAGE_MAX = timedelta(hours=24)
OUTAGE_DOCUMENTS_MAX = 10_000


class TermState(StrEnum):
    """Where a sealed file stands in the calendar."""

    WAITING = "waiting"  # to be raised
    RESTING = "resting"  # until its proof of time has to be renewed
    FAILED = "failed"  # given up: an operator has to look
    ENDED = "ended"  # its holders are erased: nothing opens it


class OverBudget(StrEnum):
    """What becomes of a deposit when the time-stamp authority has been away for too long."""

    REFUSE = "refuse"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class OutageBudget:
    """How long, and for how many files, seals may wait for a time-stamp before `then` applies."""

    longest: timedelta = OUTAGE_MAX
    documents: int = OUTAGE_DOCUMENTS_MAX
    then: OverBudget = OverBudget.REFUSE


@dataclass(frozen=True, slots=True)
class LongTermPolicy:
    """`target`: to which level every seal is raised; None: there is no time-stamp authority.

    `margin`: how long before anything ends its time-stamp is renewed. `grace`: how long after a seal nobody
    asks whether it was revoked when it was made. `lifetimes`: until when algorithms are counted on, where the
    operator says otherwise than the release.
    """

    target: SealLevel | None = None
    margin: timedelta = MARGIN
    grace: timedelta = GRACE
    budget: OutageBudget = OutageBudget()
    lifetimes: Mapping[str, datetime] = field(default_factory=dict)


# Of PDFs. Each level has all that the one before it has.
_ORDER = (SealLevel.B_B, SealLevel.B_T, SealLevel.B_LT, SealLevel.B_LTA)


def reaches(level: SealLevel, target: SealLevel) -> bool:
    """Whether a level is the target or beyond."""
    return _ORDER.index(level) >= _ORDER.index(target)


def below(target: SealLevel) -> tuple[SealLevel, ...]:
    """The levels that do not reach it."""
    return _ORDER[: _ORDER.index(target)]
