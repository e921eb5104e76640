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
    """The newest run of a kind, and the newest that ended well; None where there is none."""

    kind: RunKind
    newest: Run | None
    newest_well: Run | None


_rows = operation_runs.c
# Two looks into the index for each kind, however many runs there were.
_NEWEST = text(
    "SELECT k.well_only, r.* FROM (SELECT kind, well_only FROM unnest(CAST(:kinds AS text[])) AS kind,"
    " (VALUES (false), (true)) AS w (well_only)) AS k,"
    " LATERAL (SELECT * FROM operation_runs WHERE kind = k.kind AND (NOT k.well_only OR outcome = 'well')"
    " ORDER BY started_at DESC, id DESC LIMIT 1) AS r"
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
    done: int | None,
    problems: int,
    notes: int,
    at: datetime,
) -> None:
    """Ends a run; one that has ended keeps its end. `done` None: as far as it last said."""
    values = {
        "outcome": outcome.value,
        "problems": problems,
        "notes": notes,
        "seen_at": at,
        "finished_at": at,
    }
    statement = update(operation_runs).where(_rows.id == run_id, _rows.outcome.is_(None))
    db.execute(statement.values(values if done is None else {**values, "done": done}))


def newest_runs(db: ReadConnection) -> tuple[RunsOfKind, ...]:
    """For every kind how it stands: one statement."""
    found = {}
    for row in db.execute(_NEWEST, {"kinds": [kind.value for kind in RunKind]}):
        found[row.kind, row.well_only] = Run(
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
        RunsOfKind(kind, found.get((kind.value, False)), found.get((kind.value, True))) for kind in RunKind
    )
