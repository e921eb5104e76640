"""An import comes to its end, or says why not: engines that are away, others at its rows, rows of before."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

import vault.importing.chunks
import vault.importing.known
import vault.importing.running
from api.import_hands import open_here
from storage.blobs import pack_of
from storage.tables import documents, seal_uses
from tests.importing.conftest import here, imported, order_of
from tests.importing.test_import import outcomes, record_of
from tests.importing.test_one_row_alone import newest
from tests.papers import new_pdf
from tests.registers import Register
from tests.trials import checked
from vault.errors import IntegrityError, Unavailable
from vault.importing import ChunkDone, ChunkOrder, FilesKind, FilesPlace, Hands, import_chunk, run_import
from vault.importing.making import make_row, take_file
from vault.importing.running import TRIES_MAX
from vault.lifecycle import StatusChange, change_status
from vault.model.imports import ImportRun, RowState, RunState
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines


class Submitting:
    """Hands of this process, in whose way a test may be. `rests`: how long they were told to, each time."""

    def __init__(self, register: Register, chunk: Callable[[ChunkOrder, int], ChunkDone]) -> None:
        self.register, self.chunk = register, chunk
        self.submitted: list[int] = []
        self.rests: list[float] = []

    def submit(self, order: ChunkOrder) -> "Future[ChunkDone]":
        """The chunk, done at once; told which time it is."""
        self.submitted.append(order.number)
        future: Future[ChunkDone] = Future()
        try:
            future.set_result(self.chunk(order, self.submitted.count(order.number)))
        except Unavailable as error:
            future.set_exception(error)
        return future

    def run(self, folder: Path) -> ImportRun:
        """The import of the register."""
        workshop = self.register.house.wired.workshop
        hands = Hands(
            self.submit, partial(open_here, workshop), 1, lambda: datetime.now(UTC), self.rests.append
        )
        return run_import(workshop, order_of(self.register, self.register.csv(folder)), hands)

    def done(self, order: ChunkOrder) -> ChunkDone:
        """What really becomes of a chunk."""
        return import_chunk(self.register.house.wired.workshop, order, at=datetime.now(UTC))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault.importing.running, "CHUNK_ROWS", 2)


@pytest.mark.parametrize(
    ("rows", "chunks"), [(4, [(0, [2, 3]), (1, [4, 5])]), (5, [(0, [2, 3]), (1, [4, 5]), (2, [6])])]
)
def test_every_row_is_in_one_chunk(
    register: Register, tmp_path: Path, rows: int, chunks: list[tuple[int, list[int]]]
) -> None:
    register.add(rows)
    seen: list[tuple[int, list[int]]] = []

    def look(order: ChunkOrder, _time: int) -> ChunkDone:
        seen.append((order.number, [row.number for row in order.rows]))
        return submitting.done(order)

    submitting = Submitting(register, look)
    assert submitting.run(tmp_path).imported == rows
    assert seen == chunks


def test_an_engine_that_is_away_for_a_moment(register: Register, tmp_path: Path) -> None:
    register.add(3)

    def away(order: ChunkOrder, time: int) -> ChunkDone:
        if order.number == 0 and time < TRIES_MAX:
            raise Unavailable("The object store does not answer.", retry_after_s=8)
        return submitting.done(order)

    submitting = Submitting(register, away)
    assert submitting.run(tmp_path).imported == 3
    assert submitting.submitted.count(0) == TRIES_MAX
    assert submitting.rests == [2, 4, 8, 8]


def test_an_engine_that_stays_away_ends_the_run(register: Register, tmp_path: Path) -> None:
    register.add(3)

    def away(order: ChunkOrder, time: int) -> ChunkDone:
        assert time <= TRIES_MAX
        if order.number == 1:
            raise Unavailable("The object store does not answer.", retry_after_s=1)
        return submitting.done(order)

    submitting = Submitting(register, away)
    with pytest.raises(Unavailable, match="object store"):
        submitting.run(tmp_path)
    run = newest(register)
    assert (run.state, run.failure) == (RunState.FAILED, "The object store does not answer.")
    assert (run.imported, run.total) == (2, 3)
    again = Submitting(register, lambda order, _: again.done(order))
    run = again.run(tmp_path)
    assert (run.state, run.imported) == (RunState.DONE, 3)
    assert again.submitted == [1]


def test_what_another_import_is_at_is_looked_at_until_it_is_done(register: Register, tmp_path: Path) -> None:
    """By the other one, or by this one, where the other one died."""
    register.add(5)

    def others(order: ChunkOrder, time: int) -> ChunkDone:
        if order.number == 0:  # which the other one does in the end
            if time == 2:
                submitting.done(order)
            return ChunkDone(order.number, None)
        if order.number == 1 and time < 3:  # at which the other one dies
            return ChunkDone(order.number, None)
        return submitting.done(order)

    submitting = Submitting(register, others)
    run = submitting.run(tmp_path)
    assert (run.state, run.imported, run.done) == (RunState.DONE, 5, 5)
    assert Counter(submitting.submitted) == {0: 2, 1: 3, 2: 1}
    assert submitting.rests == [vault.importing.running.TURN_S] * 2


def test_a_chunk_is_not_done_twice_at_once(register: Register, tmp_path: Path) -> None:
    register.add(2)
    found: list[ChunkDone] = []

    def twice(order: ChunkOrder, _time: int) -> ChunkDone:
        real: Any = take_file

        def meanwhile(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
            if not found:
                found.append(submitting.done(order))
            return real(*given, **named)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vault.importing.chunks, "take_file", meanwhile)
            return submitting.done(order)

    submitting = Submitting(register, twice)
    assert submitting.run(tmp_path).imported == 2
    assert found == [ChunkDone(0, None)]


@pytest.mark.parametrize(("files", "packs"), [(1, [1, 1, 1]), (2, [2, 1]), (3, [3])])
def test_a_part_holds_so_many_bytes(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int, packs: list[int]
) -> None:
    monkeypatch.setattr(vault.importing.running, "CHUNK_ROWS", 3)
    content = new_pdf()
    monkeypatch.setattr(vault.importing.chunks, "PART_MAX_BYTES", files * len(content))
    for n in range(3):
        (tmp_path / f"{n}.pdf").write_bytes(content)
        register.add(文件=f"{n}.pdf", 来源="扫描件")
    run = imported(register, register.csv(tmp_path), FilesPlace(FilesKind.FOLDER, str(tmp_path)))
    assert run.imported == 3
    ids = [each.certificate_id for each in outcomes(register, run)]
    with register.house.wired.workshop.database.reading(VAULT) as db:
        query = select(documents.c.object_name).where(documents.c.certificate_id.in_(ids))
        names = list(db.execute(query).scalars())
    assert sorted(Counter(pack_of(name) for name in names).values(), reverse=True) == packs


@pytest.mark.parametrize("action", [Action.REVOKE, Action.SUSPEND])
def test_what_is_not_in_force_in_the_vault_is_not_there_already(
    register: Register, tmp_path: Path, action: Action
) -> None:
    register.add(2)
    [one, _] = outcomes(register, imported(register, register.csv(tmp_path)))
    at, workshop = datetime.now(UTC), register.house.wired.workshop
    assert one.certificate_id is not None
    change = StatusChange(action, "样例", legal_day(at))
    change_status(workshop, register.house.client, one.certificate_id, change, at=at)
    register.rows[0]["备注0"] = "another manifest"
    again = imported(register, register.csv(tmp_path))
    found = outcomes(register, again)
    assert [each.state for each in found] == [RowState.REJECTED, RowState.ALREADY_THERE]
    assert "it is not in force there" in found[0].reason
    assert (again.imported, again.already_there, again.rejected) == (0, 1, 1)


def test_whose_holders_were_erased_is_not_made_anew(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.add()
    imported(register, register.csv(tmp_path))
    register.rows[0]["备注0"] = "another manifest"
    monkeypatch.setattr(vault.importing.known, "records_named", lambda *_: {})
    [found] = outcomes(register, imported(register, register.csv(tmp_path)))
    assert found.state is RowState.REJECTED
    assert found.reason == "The vault had this certificate; its holders were erased since."


def test_a_register_says_what_is_in_force(register: Register, tmp_path: Path) -> None:
    for state in ("有效", "注销", ""):
        register.add(备注0=state)
    value = register.mapping_json()
    value["columns"]["备注0"] = "status"
    order = replace(order_of(register, register.csv(tmp_path)), mapping=register.mapping_of(value))
    workshop = register.house.wired.workshop
    run = run_import(workshop, order, here(workshop))
    found = outcomes(register, run)
    assert [each.state for each in found] == [RowState.IMPORTED, RowState.REJECTED, RowState.IMPORTED]
    assert found[1].reason.startswith("备注0 (status): The register says that it is no longer in force")


def test_what_is_sealed_is_counted_and_looked_at_again(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a row that is given up once it was reserved: fsck misses nothing of it."""
    monkeypatch.setattr(vault.importing.running, "CHUNK_ROWS", 3)
    register.add(3)
    real: Any = make_row

    def failing(workshop: Any, taken: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
        if taken.wanted.row == 3:
            raise IntegrityError("It does not stand up.")
        return real(workshop, taken, *given, **named)

    monkeypatch.setattr(vault.importing.chunks, "make_row", failing)
    before = _used(register)
    run = imported(register, register.csv(tmp_path))
    assert (run.imported, run.rejected) == (2, 1)
    assert _used(register) - before == 3
    record = record_of(register, outcomes(register, run)[0])
    query = text(
        "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'second_look' AND args->>'case_id' = :id"
    )
    with register.house.owner.reading(VAULT) as db:
        case_id = db.execute(
            text("SELECT case_id FROM certificates WHERE id = :id"), {"id": record.certificate_id}
        ).scalar_one()
        assert db.execute(query, {"id": str(case_id)}).scalar_one() == 1
    assert checked(register.house).problems == ()


def _used(register: Register) -> int:
    """Uses of today, of whichever grants."""
    query = select(func.coalesce(func.sum(seal_uses.c.used), 0)).where(
        seal_uses.c.day == legal_day(datetime.now(UTC))
    )
    with register.house.wired.workshop.database.reading(VAULT) as db:
        return int(db.execute(query).scalar_one())


def test_rows_are_counted_once_for_all_tries(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 460,000 rows the counting takes seconds, and the register of a run is always the same."""
    register.add(3)

    def away(_order: ChunkOrder, _time: int) -> ChunkDone:
        raise Unavailable("away", retry_after_s=0)

    with pytest.raises(Unavailable):
        Submitting(register, away).run(tmp_path)
    counted = newest(register)
    assert (counted.state, counted.total) == (RunState.FAILED, 3)

    def again(*_: object) -> int:
        raise AssertionError("counted again")

    monkeypatch.setattr(vault.importing.running, "count_rows", again)
    real = Submitting(register, lambda order, _time: real.done(order))
    run = real.run(tmp_path)
    assert (run.state, run.total, run.imported) == (RunState.DONE, 3, 3)


def test_a_process_that_dies_over_the_files_ends_the_run(register: Register, tmp_path: Path) -> None:
    register.add()
    workshop = register.house.wired.workshop
    dying: Future[None] = Future()
    dying.set_exception(BrokenProcessPool("died"))
    real = Submitting(register, lambda order, _time: real.done(order))
    hands = Hands(real.submit, lambda _place: [dying], 1, lambda: datetime.now(UTC), real.rests.append)
    with pytest.raises(Unavailable, match="A process of the import died"):
        run_import(workshop, order_of(register, register.csv(tmp_path)), hands)
    assert (newest(register).state, real.submitted) == (RunState.FAILED, [])
