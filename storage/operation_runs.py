"""Runs of the vault's upkeep that somebody has to know of: how far they are, and how they ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import operation_runs


class RunKind(StrEnum):
    """What ran. A backup has three parts, which other tools make: none is of use without the others."""

    FSCK = "fsck"
    BACKUP_DATABASE = "backup-database"
    BACKUP_OBJECTS = "backup-objects"
    BACKUP_KEYS = "backup-keys"


class RunOutcome(StrEnum):
    """How a run ended. `problems`: it came to its end and found the vault wrong; `failed`: it did not."""

    WELL = "well"
    PROBLEMS = "problems"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Run:
    """One run. `seen_at`: when it last said how far it is; `done`: things looked at; no `outcome`: no end."""

    run_id: UUID
    kind: RunKind
    started_at: datetime
    seen_at: datetime
    finished_at: datetime | None = None
    outcome: RunOutcome | None = None
    done: int = 0
    problems: int = 0
    notes: int = 0
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class RunsOfKind:
    """The newest run of a kind, the newest that ended well, and the newest that came to its end: or None.

    To its end: whatever it found; a run that failed or goes on says nothing of the vault.
    """

    kind: RunKind
    newest: Run | None
    newest_well: Run | None
    newest_ended: Run | None


_rows = operation_runs.c
# Three looks into the index for each kind, however many runs there were.
_ANY, _WELL, _ENDED = "any", "well", "ended"
_NEWEST = text(
    "SELECT k.which, r.* FROM (SELECT kind, which FROM unnest(CAST(:kinds AS text[])) AS kind,"
    " (VALUES ('any'), ('well'), ('ended')) AS w (which)) AS k,"
    " LATERAL (SELECT * FROM operation_runs WHERE kind = k.kind AND (k.which = 'any' OR outcome = 'well'"
    " OR (k.which = 'ended' AND outcome = 'problems')) ORDER BY started_at DESC, id DESC LIMIT 1) AS r"
)


def insert_run(db: WriteConnection, new: Run) -> None:
    """Keeps a run; the same once more changes nothing."""
    db.execute(
        insert(operation_runs)
        .values(
            id=new.run_id,
            kind=new.kind.value,
            started_at=new.started_at,
            seen_at=new.seen_at,
            finished_at=new.finished_at,
            outcome=None if new.outcome is None else new.outcome.value,
            done=new.done,
            problems=new.problems,
            notes=new.notes,
            size_bytes=new.size_bytes,
        )
        .on_conflict_do_nothing(index_elements=["id"])
    )


def note_progress(db: WriteConnection, run_id: UUID, done: int, at: datetime) -> None:
    """Says how far a run is that has not ended."""
    statement = update(operation_runs).where(_rows.id == run_id, _rows.outcome.is_(None))
    db.execute(statement.values(done=done, seen_at=at))


def end_run(
    db: WriteConnection,
    run_id: UUID,
    outcome: RunOutcome,
    *,
    done: int,
    problems: int,
    notes: int,
    at: datetime,
) -> None:
    """Ends a run; one that has ended keeps its end."""
    values = {
        "outcome": outcome.value,
        "done": done,
        "problems": problems,
        "notes": notes,
        "seen_at": at,
        "finished_at": at,
    }
    statement = update(operation_runs).where(_rows.id == run_id, _rows.outcome.is_(None))
    db.execute(statement.values(values))


def newest_runs(db: ReadConnection) -> tuple[RunsOfKind, ...]:
    """For every kind how it stands: one statement."""
    found = {}
    for row in db.execute(_NEWEST, {"kinds": [kind.value for kind in RunKind]}):
        found[row.kind, row.which] = Run(
            row.id,
            RunKind(row.kind),
            row.started_at,
            row.seen_at,
            row.finished_at,
            None if row.outcome is None else RunOutcome(row.outcome),
            row.done,
            row.problems,
            row.notes,
            row.size_bytes,
        )
    return tuple(
        RunsOfKind(kind, *(found.get((kind.value, which)) for which in (_ANY, _WELL, _ENDED)))
        for kind in RunKind
    )
