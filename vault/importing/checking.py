"""Step 2 of a chunk: which of its rows may be imported, and what becomes of the others."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from vault.errors import InputError, IntegrityError, NotFound, NotPermitted, VaultError
from vault.importing.files import ReadFile
from vault.importing.known import Known, known_rows
from vault.importing.mapped_row import explained
from vault.importing.orders import ChunkOrder
from vault.importing.reserving import seal_for, usable_for
from vault.importing.rows import Wanted, wanted_row
from vault.model.imports import RowOutcome, RowState
from vault.model.scope import VAULT
from vault.workshop import Workshop

HELD = frozenset({RowState.IMPORTED, RowState.ALREADY_THERE})
_DAMAGED = (
    "The vault's own work for this row, or its upload, does not hold: an operator has to look into its log."
)

_log = logging.getLogger("certvault.import")


@dataclass(frozen=True, slots=True)
class Twin:
    """A row with the number of another one of its chunk: what becomes of it follows the first."""

    first: int
    again: int
    same: bool


@dataclass(slots=True)
class Checked:
    """What became of a chunk's rows so far, by row; `twins` wait for what becomes of their first."""

    outcomes: dict[int, RowOutcome]
    twins: list[Twin] = field(default_factory=list)


def rows_to_do(
    workshop: Workshop, order: ChunkOrder, checked: Checked, files: Callable[[], ReadFile], at: datetime
) -> list[Wanted]:
    """Rows that may be imported and that the vault has not; what became of all others is noted."""
    outcomes = checked.outcomes
    rows = _read(workshop, order, checked, at)
    if not rows:
        return []
    with workshop.database.reading(VAULT) as db:
        known = known_rows(db, workshop.keys, rows)
    usable = usable_for(workshop, order, rows, at)
    to_do = []
    for wanted in rows:
        try:
            if wanted.row in known:
                outcomes[wanted.row] = _with_its_file(wanted, known[wanted.row], files)
                continue
            seal_for(usable, order.client.client_id, wanted)
        except (InputError, NotFound, IntegrityError) as error:
            outcomes[wanted.row] = rejected(order, wanted.row, error)
            continue
        to_do.append(wanted)
    return to_do


def settle_twins(checked: Checked) -> Sequence[RowOutcome]:
    """What became of every row, when all that are no twins are done: a twin is there where its first is."""
    for twin in checked.twins:
        first = checked.outcomes[twin.first]
        if not twin.same:
            reason = f"Row {twin.first} has the same number and says something else."
            found = RowOutcome(twin.again, RowState.REJECTED, None, reason)
        elif first.state in HELD:
            reason = f"It is row {twin.first} once more."
            found = RowOutcome(twin.again, RowState.ALREADY_THERE, None, reason)
        elif first.state is RowState.PENDING:
            found = RowOutcome(twin.again, RowState.PENDING)
        else:
            reason = f"It is row {twin.first} once more, which was rejected."
            found = RowOutcome(twin.again, RowState.REJECTED, None, reason)
        checked.outcomes[twin.again] = found
    return tuple(checked.outcomes.values())


def rejected(order: ChunkOrder, row: int, error: VaultError) -> RowOutcome:
    """A row that is not imported, and why; what is the vault's own fault goes to the log, too."""
    if isinstance(error, IntegrityError):
        _log.warning("import %s: row %d is rejected: %s", order.run_id, row, error.detail)
        return RowOutcome(row, RowState.REJECTED, None, _DAMAGED)
    problems = error.problems if isinstance(error, InputError | NotPermitted) else ()
    if isinstance(error, NotFound):
        column = order.mapping.column_of("file")
        return RowOutcome(row, RowState.REJECTED, None, f"{column or 'file'} (file): {error.detail}")
    return RowOutcome(row, RowState.REJECTED, None, explained(order.mapping, error.detail, problems))


def _read(workshop: Workshop, order: ChunkOrder, checked: Checked, at: datetime) -> list[Wanted]:
    catalogue = workshop.shelf.in_force(at)
    rows: list[Wanted] = []
    numbers: dict[int, Wanted] = {}
    for row in order.rows:
        if checked.outcomes[row.number].state is not RowState.PENDING:
            continue
        try:
            wanted = wanted_row(order.mapping, row, catalogue, order.client, at=at)
        except (InputError, NotPermitted) as error:
            checked.outcomes[row.number] = rejected(order, row.number, error)
            continue
        first = numbers.setdefault(wanted.lock, wanted)
        if first is wanted:
            rows.append(wanted)
        else:
            checked.twins.append(Twin(first.row, wanted.row, _is_same(first, wanted)))
    return rows


def _is_same(first: Wanted, again: Wanted) -> bool:
    return (first.result, first.origin, first.file) == (again.result, again.origin, again.file)


def _with_its_file(wanted: Wanted, known: Known, files: Callable[[], ReadFile]) -> RowOutcome:
    """Whether it is the file, too: what keeps its own seal is that file, and no other."""
    if known.digests is None:
        return known.outcome
    return known.with_file(hashlib.sha256(files()(wanted.file)).hexdigest())
