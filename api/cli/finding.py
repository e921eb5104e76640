"""What the doctor says of one thing."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a check came to."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what was looked at, and a sentence; where it is not ok, also what to do."""

    check: str
    level: Level
    detail: str
