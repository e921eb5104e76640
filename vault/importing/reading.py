"""How imports stand, for pages, terminals and whoever asked for them."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from storage.imports import RATE_OVER, RunRow, is_under_way, newest_runs, outcomes_of
from storage.imports import find_run as run_row
from vault.errors import NotFound
from vault.log import moment
from vault.model.imports import ImportRun, RunState
from vault.model.scope import VAULT, Scope
from vault.workshop import Workshop

# Of a run that is under way somebody says so every two seconds.
SILENT_AFTER = timedelta(seconds=30)
RUNS_SHOWN = 50
# What a spreadsheet takes for the beginning of a formula; a reason begins with a register's own column.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
RESULT_COLUMNS = ("row", "state", "certificate_id", "reason")


def runs(workshop: Workshop, *, at: datetime, scope: Scope = VAULT) -> tuple[ImportRun, ...]:
    """The newest runs, each with its state, counts, rate and time left; of everybody, or of a client's scope.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(scope) as db:
        return tuple(_run(row, at) for row in newest_runs(db, at, RUNS_SHOWN))


def under_way(workshop: Workshop, *, at: datetime) -> bool:
    """Whether an import runs now, anywhere.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(VAULT) as db:
        return is_under_way(db, at - SILENT_AFTER)


def find_run(workshop: Workshop, run_id: UUID, *, at: datetime, scope: Scope = VAULT) -> ImportRun:
    """One run.

    Raises:
        NotFound: there is none that whoever asks may see.
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(scope) as db:
        row = run_row(db, run_id, at)
    if row is None:
        raise NotFound("There is no such import.")
    return _run(row, at)


def result_lines(workshop: Workshop, run_id: UUID, *, at: datetime, scope: Scope = VAULT) -> Iterator[str]:
    """The result file, CSV, a line at a time: each row's number, state, certificate and why.

    Raises:
        NotFound: there is no such run that whoever asks may see; before the first line.
        Unavailable: the database does not answer.
    """
    find_run(workshop, run_id, at=at, scope=scope)
    return _lines(workshop, run_id, scope)


def run_json(run: ImportRun) -> dict[str, Any]:
    """A run as the public contract writes it."""
    return {
        "import_id": str(run.run_id),
        "mode": run.mode.value,
        "name": run.name,
        "state": run.state.value,
        "started_at": moment(run.started_at),
        "finished_at": None if run.finished_at is None else moment(run.finished_at),
        "total": run.total,
        "done": run.done,
        "imported": run.imported,
        "already_there": run.already_there,
        "rejected": run.rejected,
        "rate": round(run.rate, 1),
        "eta_s": None if run.eta_s is None else round(run.eta_s),
        "failure": run.failure,
    }


def _lines(workshop: Workshop, run_id: UUID, scope: Scope) -> Iterator[str]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(RESULT_COLUMNS)
    with workshop.database.reading(scope) as db:
        for each in outcomes_of(db, run_id):
            writer.writerow([each.row, each.state.word, each.certificate_id or "", _as_text(each.reason)])
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _as_text(cell: str) -> str:
    """A cell that a spreadsheet takes for a text, and never for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _run(row: RunRow, at: datetime) -> ImportRun:
    if row.failure is not None:
        state = RunState.FAILED
    elif row.finished_at is not None:
        state = RunState.DONE
    else:
        state = RunState.RUNNING if at - row.seen_at < SILENT_AFTER else RunState.STOPPED
    since = max((at - row.started_at).total_seconds(), 1.0)
    return ImportRun(
        run_id=row.run_id,
        client_id=row.client_id,
        mode=row.mode,
        name=row.name,
        state=state,
        started_at=row.started_at,
        seen_at=row.seen_at,
        finished_at=row.finished_at,
        total=row.total,
        imported=row.imported,
        already_there=row.already_there,
        rejected=row.rejected,
        rate=row.lately / min(since, RATE_OVER.total_seconds()),
        failure=row.failure,
    )
