"""What fsck finds, and how heavy it weighs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# Of each weight. More than anybody reads: what is wrong everywhere is told by its count.
LISTED_MAX = 10_000


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
    """What was looked at, and what was found. `findings`: the first of each weight; `counts`: of them all."""

    certificates: int
    objects: int
    findings: tuple[Finding, ...]
    counts: Mapping[Weight, int]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The listed findings that mean that the vault is wrong."""
        return tuple(f for f in self.findings if f.weight is Weight.PROBLEM)


@dataclass(slots=True)
class Found:
    """What was found so far: all of it counted, and `LISTED_MAX` of each weight kept."""

    findings: list[Finding] = field(default_factory=list)
    counts: Counter[Weight] = field(default_factory=lambda: Counter(dict.fromkeys(Weight, 0)))

    def add(self, findings: Iterable[Finding]) -> None:
        """Takes these, too."""
        for each in findings:
            self.counts[each.weight] += 1
            if self.counts[each.weight] <= LISTED_MAX:
                self.findings.append(each)
