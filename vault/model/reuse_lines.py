"""The answer to a reuse check, as types: one line for a requirement, a line within it for each party."""

from dataclasses import dataclass
from enum import StrEnum

from vault.model.held import Evidence, HeldCertificate, Party, PendingResult
from vault.model.service_item import Requirement, Way


class LineState(StrEnum):
    """How a requirement stands."""

    HELD = "held"
    HELD_NOT_USABLE = "held_not_usable"
    PENDING = "pending"
    NOT_HELD = "not_held"


class Reason(StrEnum):
    """Why something that is held does not do, in the order of how near it is to doing."""

    TRUST_TOO_LOW = "trust_too_low"
    RUNS_OUT = "runs_out"
    TOO_OLD = "too_old"
    UNDATED = "undated"
    NOT_YET_VALID = "not_yet_valid"
    FIELD_ABSENT = "field_absent"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    ABOLISHED = "abolished"
    WRONG_HOLDER = "wrong_holder"


@dataclass(frozen=True, slots=True)
class Proof:
    """What satisfies a requirement for one party, and in which way."""

    way: Way
    evidence: Evidence
    party: Party


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What is held and does not do: every reason that stands against it, the nearest first.

    `predecessor`: the certificate of the same party that it replaced; `successor`: what replaced it, where
    another party of the question holds that.
    """

    way: Way
    evidence: Evidence
    party: Party
    reasons: tuple[Reason, ...]
    predecessor: HeldCertificate | None = None
    successor: HeldCertificate | None = None


@dataclass(frozen=True, slots=True)
class PartyLine:
    """How a requirement stands for one of those who have to satisfy it. `pending`: while it is pending."""

    party: Party
    state: LineState
    proof: Proof | None
    obstacles: tuple[Obstacle, ...]
    pending: PendingResult | None


@dataclass(frozen=True, slots=True)
class Line:
    """The answer to one requirement: as good as its worst party's. No party: nobody has the role."""

    requirement: Requirement
    state: LineState
    parties: tuple[PartyLine, ...]

    @property
    def satisfied_by(self) -> tuple[Proof, ...]:
        """What satisfies it so far, each party's own."""
        return tuple(line.proof for line in self.parties if line.proof is not None)

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """What is held and does not do."""
        return tuple(obstacle for line in self.parties for obstacle in line.obstacles)
