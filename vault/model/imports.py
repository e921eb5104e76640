"""An import of a register's stock: what becomes of each row, and how far a run is."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum
from uuid import UUID


class ImportMode(StrEnum):
    """Whether rows are only looked at, or imported."""

    CHECK = "check"
    IMPORT = "import"


class RunState(StrEnum):
    """How a run stands. Nobody writes it down: a run whose process died says nothing more."""

    RUNNING = "running"
    STOPPED = "stopped"  # broken off: the same import again goes on
    DONE = "done"
    FAILED = "failed"


class RowState(IntEnum):
    """What became of a row; the values are those of a chunk's bytes."""

    PENDING = 0
    IMPORTED = 1
    ALREADY_THERE = 2
    REJECTED = 3

    @property
    def word(self) -> str:
        """As results and answers write it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What became of one row. `row`: its number in the manifest. `reason`: in words, without a value."""

    row: int
    state: RowState
    certificate_id: UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ImportRun:
    """A run as pages and terminals show it. `total` None: not counted yet.

    `name`: tells it from other runs, and what kind of manifest it has. `rate`: rows a second during the last
    minute; `eta_s`: seconds left at that rate, None where nobody knows.
    """

    run_id: UUID
    client_id: str
    mode: ImportMode
    name: str
    state: RunState
    started_at: datetime
    seen_at: datetime
    finished_at: datetime | None
    total: int | None
    imported: int
    already_there: int
    rejected: int
    rate: float
    failure: str | None

    @property
    def done(self) -> int:
        """Rows with an outcome."""
        return self.imported + self.already_there + self.rejected

    @property
    def eta_s(self) -> float | None:
        """Seconds left."""
        if self.total is None or self.state is not RunState.RUNNING or self.rate <= 0:
            return None
        return (self.total - self.done) / self.rate
