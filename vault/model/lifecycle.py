"""What may become of a certificate: every action in every status, as one table.

No national list of statuses was found. These cover the three that interfaces in use have (住建's 01 to 07,
certShare's codes, gtmap's 现势 and 注销). Expiry is no action: it follows from `valid_to`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from vault.model.certificate import Status
from vault.model.legal_time import legal_day


class Action(StrEnum):
    """What an event does to a certificate."""

    ISSUE = "issue"  # 签发, by a deposit
    SUSPEND = "suspend"  # 暂扣
    RESUME = "resume"  # 暂扣发还
    CANCEL = "cancel"  # 注销
    WITHDRAW = "withdraw"  # 撤销
    REVOKE = "revoke"  # 吊销
    ABOLISH = "abolish"  # 签发错误，作废
    SUPERSEDE = "supersede"  # 变更、延续、补发, by the deposit of the next version
    INSPECT = "inspect"  # 年检、年审: a dated result, no change of status


# What an authority asks for by itself; the others come with a deposit or an inspection.
DECISIONS = (
    Action.SUSPEND,
    Action.RESUME,
    Action.CANCEL,
    Action.WITHDRAW,
    Action.REVOKE,
    Action.ABOLISH,
)


class InspectionResult(StrEnum):
    """What an annual inspection (年检) came to."""

    PASSED = "passed"  # 合格
    FAILED = "failed"  # 不合格


@dataclass(frozen=True, slots=True)
class Forbidden:
    """An action that this status does not permit, and why, in words for the caller."""

    why: str


@dataclass(frozen=True, slots=True)
class StatusEvent:
    """One event of a certificate's history, never changed.

    `reason`: public text of the authority, None where none was given. `effective_on`: the day in China from
    which it holds, or of the inspection; None in rows from before revision 0002. `result`: of inspections
    only. `actor`: the client that sent it. `at`: when the vault recorded it.
    """

    action: Action
    status: Status
    actor: str
    reason: str | None
    effective_on: date | None
    result: InspectionResult | None
    at: datetime

    @property
    def day(self) -> date:
        """The day from which it holds: that of the record where no other was given."""
        return self.effective_on or legal_day(self.at)


@dataclass(frozen=True, slots=True)
class OutOfForce:
    """What the public is told of a certificate that is not `valid`. `successor`: its identifier."""

    since: date
    reason: str | None
    successor: str | None


_ISSUED = Forbidden("It is issued already.")
_ENDS = {
    Action.CANCEL: Status.CANCELLED,
    Action.WITHDRAW: Status.WITHDRAWN,
    Action.REVOKE: Status.REVOKED,
    Action.ABOLISH: Status.ABOLISHED,
    Action.SUPERSEDE: Status.SUPERSEDED,
}
# Nothing leads out of these: whoever is right again gets a new certificate.
_FINAL = {
    Status.SUPERSEDED: "A newer version has taken its place: act on that one.",
    Status.CANCELLED: "It was cancelled (注销), and that is final.",
    Status.WITHDRAWN: "It was withdrawn (撤销), and that is final.",
    Status.REVOKED: "It was revoked (吊销), and that is final.",
    Status.ABOLISHED: "It was issued in error and is void (签发错误), and that is final.",
}

# What a version that begins later must be on its first day for the one before it to end: another one may have
# replaced it by then, but an authority that took it back has left the one before it in force.
TAKES_OVER = (Status.VALID, Status.SUSPENDED, Status.SUPERSEDED)

TRANSITIONS: Mapping[Status, Mapping[Action, Status | Forbidden]] = MappingProxyType(
    {
        Status.VALID: {
            **_ENDS,
            Action.ISSUE: _ISSUED,
            Action.SUSPEND: Status.SUSPENDED,
            Action.RESUME: Forbidden("It is not suspended: only a suspended certificate can be resumed."),
            Action.INSPECT: Status.VALID,
        },
        Status.SUSPENDED: {
            **_ENDS,
            Action.ISSUE: _ISSUED,
            Action.SUSPEND: Forbidden("It is suspended already: resume it first, or end it."),
            Action.RESUME: Status.VALID,
            Action.INSPECT: Status.SUSPENDED,
        },
        **{status: dict.fromkeys(Action, Forbidden(why)) for status, why in _FINAL.items()},
    }
)


def outcome(status: Status, action: Action) -> Status | Forbidden:
    """What a certificate in this status is after this action, or why it may not happen."""
    return TRANSITIONS[status][action]


def statuses_permitting(action: Action) -> tuple[Status, ...]:
    """Every status in which this action may happen."""
    return tuple(status for status in Status if isinstance(outcome(status, action), Status))
