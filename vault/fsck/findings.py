"""What fsck finds, and how heavy it weighs."""

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """A problem means that the vault is wrong; a note that something is unfinished and explained."""

    PROBLEM = "problem"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: what it is about (an identifier, a digest, a case), and a sentence."""

    weight: Weight
    about: str
    detail: str


@dataclass(frozen=True, slots=True)
class FsckReport:
    """What was looked at, and what was found."""

    certificates: int
    objects: int
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that mean that the vault is wrong."""
        return tuple(f for f in self.findings if f.weight is Weight.PROBLEM)
