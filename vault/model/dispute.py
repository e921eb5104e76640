"""Disputes (异议): what a holder says is wrong, what the body responsible decides, and by when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from vault.model.canonical import canonical_json
from vault.model.history_entry import access_id
from vault.model.legal_time import legal_day

# 政府信息公开条例 (2019), articles 33 and 41: who asks an authority to correct what it holds wrongly about
# them is answered within 20 working days.
ANSWER_WORKING_DAYS = 20
_SATURDAY = 5

UNDER_DISPUTE = {"zh": "存在异议", "en": "under dispute"}
"""What verifiers are shown beside the verdict while the authority has accepted a dispute."""


class DisputeKind(StrEnum):
    """What is said to be wrong."""

    WRONG_DATA = "wrong_data"  # 登记内容有误
    NOT_MINE = "not_mine"  # 不是本人的证照
    WRONG_STATUS = "wrong_status"  # 状态有误
    UNLAWFUL_ACCESS = "unlawful_access"  # 查询、使用没有依据
    OTHER = "other"


OF_CERTIFICATES = frozenset(DisputeKind) - {DisputeKind.UNLAWFUL_ACCESS}
OF_ACCESSES = frozenset({DisputeKind.UNLAWFUL_ACCESS, DisputeKind.OTHER})


class DisputeState(StrEnum):
    """Where a dispute stands."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    RESOLVED = "resolved"


OPEN = frozenset({DisputeState.SUBMITTED, DisputeState.ACCEPTED})


class Decision(StrEnum):
    """What the body responsible does with a dispute."""

    ACCEPT = "accept"  # 受理
    REJECT = "reject"  # 不予受理
    RESOLVE = "resolve"  # 办结


class Outcome(StrEnum):
    """What a resolved dispute came to."""

    UPHELD = "upheld"  # 异议成立
    NOT_UPHELD = "not_upheld"  # 异议不成立


TRANSITIONS: Mapping[tuple[DisputeState, Decision], DisputeState] = MappingProxyType(
    {
        (DisputeState.SUBMITTED, Decision.ACCEPT): DisputeState.ACCEPTED,
        (DisputeState.SUBMITTED, Decision.REJECT): DisputeState.REJECTED,
        (DisputeState.ACCEPTED, Decision.RESOLVE): DisputeState.RESOLVED,
    }
)


@dataclass(frozen=True, slots=True)
class DisputeEvent:
    """One step of a dispute. `outcome`: of a resolution."""

    state: DisputeState
    outcome: Outcome | None
    reason: str | None = field(repr=False)
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DisputedAccess:
    """The access that a dispute is about: its audit event, what it was, and when.

    `action`, `at`: None while the event lies outside the database, in an archived part.
    """

    event_id: int
    action: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Dispute:
    """A dispute with its steps, oldest first. One of `certificate_id` and `access`.

    `audience`: who decides, a USCC or `client:` and a client's id. `due_on`: the last day in time.
    `statement`: None once the holder is erased, as then are the reasons of the steps.
    """

    dispute_id: UUID
    holder_id: UUID
    certificate_id: UUID | None
    identifier: str | None
    type_code: str | None
    access: DisputedAccess | None
    audience: str
    kind: DisputeKind
    state: DisputeState
    statement: str | None = field(repr=False)
    opened_at: datetime
    due_on: date
    events: tuple[DisputeEvent, ...]

    def is_overdue(self, today: date) -> bool:
        """Whether it is open after its last day."""
        return self.state in OPEN and today > self.due_on


def request_text(certificate_id: UUID | None, event_id: int | None, kind: DisputeKind, statement: str) -> str:
    """What two requests of one holder must share to be the same one. `event_id`: of the disputed access."""
    return canonical_json(
        {
            "certificate": None if certificate_id is None else str(certificate_id),
            "access": None if event_id is None else access_id(event_id),
            "kind": kind.value,
            "statement": statement,
        }
    ).decode()


def dispute_note(since: datetime | None) -> dict[str, Any] | None:
    """What whoever sees the certificate is told of an accepted dispute: that there is one, and since when."""
    if since is None:
        return None
    return {"status": "under_dispute", "label": dict(UNDER_DISPUTE), "since": legal_day(since).isoformat()}


def due_on(opened_on: date) -> date:
    """The last of the working days that the body has, counted from the next day.

    Monday to Friday: which of them are holidays the State Council says a year at a time, and a holiday too
    many in the count would keep a holder waiting.
    """
    day, left = opened_on, ANSWER_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < _SATURDAY
    return day
