"""Imports: runs, and what became of their rows, a chunk of rows to a row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import import_chunks, import_runs
from vault.model.ids import uuid7
from vault.model.imports import ImportMode, RowOutcome, RowState

# The rate is that of so long a time before now.
RATE_OVER = timedelta(minutes=1)
# Chunks of one read of a run's results: some thousand rows.
CHUNKS_READ = 100


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with what its rows came to so far; `lately`: rows with an outcome in the last `RATE_OVER`."""

    run_id: UUID
    client_id: str
    mode: ImportMode
    name: str
    source: Mapping[str, Any] | None
    total: int | None
    started_at: datetime
    seen_at: datetime
    finished_at: datetime | None
    failure: str | None
    imported: int
    already_there: int
    rejected: int
    lately: int


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """What became of consecutive rows, in their order."""

    number: int
    outcomes: tuple[RowOutcome, ...]


def begin_run(
    db: WriteConnection,
    *,
    client_id: str,
    mode: ImportMode,
    digest: bytes,
    name: str,
    source: Mapping[str, Any] | None,
    at: datetime,
) -> UUID:
    """A new run, or the one of this client with this digest, which goes on."""
    going_on: dict[str, object] = {"seen_at": at, "finished_at": None, "failure": None, "name": name}
    if source is not None:
        going_on["source"] = dict(source)
    statement = (
        insert(import_runs)
        .values(
            id=uuid7(at),
            client_id=client_id,
            mode=mode.value,
            digest=digest,
            name=name,
            source=None if source is None else dict(source),
            started_at=at,
            seen_at=at,
        )
        .on_conflict_do_update(index_elements=["client_id", "mode", "digest"], set_=going_on)
        .returning(import_runs.c.id)
    )
    run_id: UUID = db.execute(statement).scalar_one()
    return run_id


def note_run(db: WriteConnection, run_id: UUID, at: datetime, *, total: int | None = None) -> None:
    """Somebody works on the run; `total`: its rows, where they are counted."""
    values: dict[str, object] = {"seen_at": at, **({} if total is None else {"total": total})}
    db.execute(update(import_runs).where(import_runs.c.id == run_id).values(values))


def counted_rows(db: ReadConnection, run_id: UUID) -> int | None:
    """How many rows the run has; None where nobody has counted them yet."""
    total: int | None = db.execute(select(import_runs.c.total).where(import_runs.c.id == run_id)).scalar_one()
    return total


def is_under_way(db: ReadConnection, since: datetime) -> bool:
    """Whether somebody has worked on a run since then that is not over."""
    going_on = select(import_runs.c.id).where(
        import_runs.c.finished_at.is_(None), import_runs.c.seen_at > since
    )
    return db.execute(going_on.limit(1)).first() is not None


def end_run(db: WriteConnection, run_id: UUID, at: datetime, *, failure: str | None = None) -> None:
    """Every row has its outcome; or `failure` says why the run could not go on."""
    ended = {"seen_at": at, "finished_at": at, "failure": failure}
    db.execute(update(import_runs).where(import_runs.c.id == run_id).values(ended))


def find_run(db: ReadConnection, run_id: UUID, at: datetime) -> RunRow | None:
    """One run."""
    row = db.execute(_runs(at).where(import_runs.c.id == run_id)).one_or_none()
    return None if row is None else _run(row)


def newest_runs(db: ReadConnection, at: datetime, limit: int) -> tuple[RunRow, ...]:
    """The runs that the transaction may see, newest first."""
    query = _runs(at).order_by(import_runs.c.id.desc()).limit(limit)
    return tuple(_run(row) for row in db.execute(query))


def settled_chunks(db: ReadConnection, run_id: UUID) -> frozenset[int]:
    """Chunks of which every row is held: nothing of them is tried again."""
    query = select(import_chunks.c.number).where(
        import_chunks.c.run_id == run_id,
        import_chunks.c.imported + import_chunks.c.already_there == func.cardinality(import_chunks.c.rows),
    )
    return frozenset(db.execute(query).scalars())


def looked_at_chunks(db: ReadConnection, run_id: UUID, since: datetime) -> frozenset[int]:
    """Chunks of which every row has an outcome, and the last of them since this time."""
    outcomes = import_chunks.c.imported + import_chunks.c.already_there + import_chunks.c.rejected
    query = select(import_chunks.c.number).where(
        import_chunks.c.run_id == run_id,
        import_chunks.c.done_at >= since,
        outcomes == func.cardinality(import_chunks.c.rows),
    )
    return frozenset(db.execute(query).scalars())


def find_chunk(db: ReadConnection, run_id: UUID, number: int) -> ChunkRow | None:
    """What became of a chunk's rows so far."""
    query = select(import_chunks).where(import_chunks.c.run_id == run_id, import_chunks.c.number == number)
    row = db.execute(query).one_or_none()
    return None if row is None else _chunk(row)


def put_chunk(
    db: WriteConnection, run_id: UUID, number: int, outcomes: Sequence[RowOutcome], at: datetime
) -> None:
    """Writes down what became of a chunk's rows, in place of what stood there. Answers nothing."""
    counts = {state: sum(each.state is state for each in outcomes) for state in RowState}
    values = {
        "rows": [each.row for each in outcomes],
        "states": bytes(each.state for each in outcomes),
        "certificates": [each.certificate_id for each in outcomes],
        "reasons": {str(each.row): each.reason for each in outcomes if each.reason},
        "imported": counts[RowState.IMPORTED],
        "already_there": counts[RowState.ALREADY_THERE],
        "rejected": counts[RowState.REJECTED],
        "done_at": at,
    }
    statement = insert(import_chunks).values(run_id=run_id, number=number, **values)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=["run_id", "number"], set_={name: statement.excluded[name] for name in values}
        )
    )


def outcomes_of(db: ReadConnection, run_id: UUID) -> Iterator[RowOutcome]:
    """Every row's outcome, in the manifest's order, in bounded memory."""
    after = -1
    while True:
        query = select(import_chunks).where(import_chunks.c.run_id == run_id, import_chunks.c.number > after)
        page = db.execute(query.order_by(import_chunks.c.number).limit(CHUNKS_READ)).all()
        if not page:
            return
        for row in page:
            yield from _chunk(row).outcomes
        after = page[-1].number


def _runs(at: datetime) -> Select[Any]:
    chunks = import_chunks.c
    lately = chunks.imported + chunks.already_there + chunks.rejected
    sums = (
        select(
            func.coalesce(func.sum(chunks.imported), 0).label("imported"),
            func.coalesce(func.sum(chunks.already_there), 0).label("already_there"),
            func.coalesce(func.sum(chunks.rejected), 0).label("rejected"),
            func.coalesce(func.sum(lately).filter(chunks.done_at > at - RATE_OVER), 0).label("lately"),
        )
        .where(chunks.run_id == import_runs.c.id)
        .lateral("sums")
    )
    return select(import_runs, sums)


def _run(row: Row[Any]) -> RunRow:
    return RunRow(
        run_id=row.id,
        client_id=row.client_id,
        mode=ImportMode(row.mode),
        name=row.name,
        source=row.source,
        total=row.total,
        started_at=row.started_at,
        seen_at=row.seen_at,
        finished_at=row.finished_at,
        failure=row.failure,
        imported=int(row.imported),
        already_there=int(row.already_there),
        rejected=int(row.rejected),
        lately=int(row.lately),
    )


def _chunk(row: Row[Any]) -> ChunkRow:
    outcomes = tuple(
        RowOutcome(number, RowState(state), certificate_id, row.reasons.get(str(number), ""))
        for number, state, certificate_id in zip(row.rows, row.states, row.certificates, strict=True)
    )
    return ChunkRow(row.number, outcomes)
