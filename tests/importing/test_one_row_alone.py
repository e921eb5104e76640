"""What is wrong with one row, or with its grant, is that row's; what is wrong with an engine is no row's."""

import pickle
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

import vault.importing.chunks
import vault.importing.committing
import vault.importing.running
from api.import_hands import open_here
from storage.new_certificates import insert_certificates
from tests.importing.conftest import NO_FILES, here, imported, order_of
from tests.importing.test_import import outcomes
from tests.papers import new_pdf
from tests.registers import Register
from vault.errors import IntegrityError, SealCapReached, Unavailable
from vault.importing import (
    ChunkDone,
    ChunkOrder,
    FilesKind,
    FilesPlace,
    Hands,
    result_lines,
    run_import,
    runs,
)
from vault.importing.reserving import GrantUsedUp, reserve_rows
from vault.model.imports import ImportMode, RowState, RunState

pytestmark = pytest.mark.engines


def newest(register: Register) -> Any:  # noqa: ANN401 - a run
    # Ids that other tests gave their runs tell nothing of time.
    return max(runs(register.house.wired.workshop, at=datetime.now(UTC)), key=lambda run: run.started_at)


def test_a_twin_is_there_only_when_its_first_is(register: Register, tmp_path: Path) -> None:
    first, twin = register.add(2, 文件="none.pdf", 来源="扫描件")
    twin["许可证编号"] = first["许可证编号"]
    place = FilesPlace(FilesKind.FOLDER, str(tmp_path))
    found = outcomes(register, imported(register, register.csv(tmp_path), place))
    assert [each.state for each in found] == [RowState.REJECTED, RowState.REJECTED]
    assert found[1].reason == "It is row 2 once more, which was rejected."
    (tmp_path / "none.pdf").write_bytes(new_pdf())
    found = outcomes(register, imported(register, register.csv(tmp_path), place))
    assert [each.state for each in found] == [RowState.IMPORTED, RowState.ALREADY_THERE]


def test_a_twin_with_another_file_says_something_else(register: Register, tmp_path: Path) -> None:
    for name in ("a.pdf", "b.pdf"):
        (tmp_path / name).write_bytes(new_pdf())
    first, twin = register.add(2, 来源="扫描件")
    first["文件"], twin["文件"] = "a.pdf", "b.pdf"
    twin["许可证编号"] = first["许可证编号"]
    place = FilesPlace(FilesKind.FOLDER, str(tmp_path))
    found = outcomes(register, imported(register, register.csv(tmp_path), place))
    assert [each.state for each in found] == [RowState.IMPORTED, RowState.REJECTED]


@pytest.mark.parametrize("step", ["take_file", "make_row"])
def test_what_does_not_stand_up_is_one_row(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    register.add(3)
    real = getattr(vault.importing.chunks, step)

    def failing(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
        row = next(each for each in given if hasattr(each, "wanted") or hasattr(each, "row"))
        if getattr(row, "wanted", row).row == 3:
            raise IntegrityError("The store answers other bytes.")
        return real(*given, **named)

    monkeypatch.setattr(vault.importing.chunks, step, failing)
    run = imported(register, register.csv(tmp_path))
    assert (run.state, run.imported, run.rejected) == (RunState.DONE, 2, 1)
    assert "an operator has to look into its log" in outcomes(register, run)[1].reason


def test_a_grant_used_up_keeps_only_its_own_rows(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pdf").write_bytes(new_pdf())
    register.add(2)
    register.add(文件="a.pdf", 来源="扫描件")
    real: Any = reserve_rows

    def used_up(workshop: Any, order: Any, rows: Any, seals: Any, at: Any) -> Any:  # noqa: ANN401 - passed on
        grant = next((seals[row.row].grant_id for row in rows if not row.file), None)
        if grant is not None:
            raise GrantUsedUp("Used up for today.", retry_after_s=60, grant_id=grant)
        return real(workshop, order, rows, seals, at)

    monkeypatch.setattr(vault.importing.chunks, "reserve_rows", used_up)
    manifest, place = register.csv(tmp_path), FilesPlace(FilesKind.FOLDER, str(tmp_path))
    with pytest.raises(SealCapReached, match="Used up"):
        imported(register, manifest, place)
    run = newest(register)
    assert (run.state, run.failure) == (RunState.FAILED, "Used up for today.")
    states = [each.state for each in outcomes(register, run)]
    assert states == [RowState.PENDING, RowState.PENDING, RowState.IMPORTED]
    monkeypatch.undo()
    assert imported(register, manifest, place).imported == 3


def test_a_process_that_died_says_so_to_whoever_hands_in(register: Register, tmp_path: Path) -> None:
    register.add()

    def submit(_order: ChunkOrder) -> "Future[ChunkDone]":
        raise BrokenProcessPool("died")

    workshop = register.house.wired.workshop
    hands = Hands(submit, partial(open_here, workshop), 1, lambda: datetime.now(UTC), lambda _s: None)
    with pytest.raises(Unavailable, match="A process of the import died"):
        run_import(workshop, order_of(register, register.csv(tmp_path)), hands)


def test_whoever_waits_leaves_the_futures_to_their_pool(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread tells each of them of a process that died, which it cannot where one was cancelled."""
    monkeypatch.setattr(vault.importing.running, "CHUNK_ROWS", 1)
    register.add(3)
    given: list[Future[ChunkDone]] = [Future() for _ in range(3)]
    left = iter(given)
    given[0].set_exception(BrokenProcessPool("died"))
    workshop = register.house.wired.workshop
    hands = Hands(
        lambda _: next(left), partial(open_here, workshop), 3, lambda: datetime.now(UTC), lambda _s: None
    )
    with pytest.raises(Unavailable, match="A process of the import died"):
        run_import(workshop, order_of(register, register.csv(tmp_path)), hands)
    for each in given[1:]:
        each.set_exception(BrokenProcessPool("died"))


def test_an_error_that_nobody_expected_ends_the_run(register: Register, tmp_path: Path) -> None:
    [row] = register.add()

    def submit(_order: ChunkOrder) -> "Future[ChunkDone]":
        raise LookupError(row["证件号码"])

    workshop = register.house.wired.workshop
    hands = Hands(submit, partial(open_here, workshop), 1, lambda: datetime.now(UTC), lambda _s: None)
    with pytest.raises(LookupError):
        run_import(workshop, order_of(register, register.csv(tmp_path)), hands)
    run = newest(register)
    assert run.state is RunState.FAILED
    assert run.failure.startswith("The import was ended by an error that nobody expected")


def test_a_lock_that_is_not_got_is_no_rows_fault(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register.add(2)
    real: Any = insert_certificates
    calls = [0]

    def refusing(db: Any, keys: Any, new: Any, *more: Any, **named: Any) -> None:  # noqa: ANN401 - passed on
        calls[0] += 1
        if calls[0] == 1:
            real(db, keys, new, *more, **named)
            real(db, keys, new, *more, **named)  # every id twice: one by one then
        elif calls[0] == 2:
            raise OperationalError("INSERT", {}, psycopg.errors.LockNotAvailable("lock timeout"))
        else:
            real(db, keys, new, *more, **named)

    monkeypatch.setattr(vault.importing.committing, "insert_certificates", refusing)
    run = imported(register, register.csv(tmp_path))
    assert (run.imported, run.rejected) == (2, 0)


def test_a_column_that_a_spreadsheet_would_reckon(register: Register, tmp_path: Path) -> None:
    register.add(证件号码="1")
    manifest = register.csv(tmp_path)
    manifest.write_text(manifest.read_text().replace("证件号码", "=证件号码"))
    value = register.mapping_json()
    value["columns"] = {("=证件号码" if k == "证件号码" else k): v for k, v in value["columns"].items()}
    workshop = register.house.wired.workshop
    order = order_of(register, manifest, NO_FILES, ImportMode.CHECK)
    changed = type(order)(order.client, order.mode, order.manifest, register.mapping_of(value), order.files)
    run = run_import(workshop, changed, here(workshop))
    lines = "".join(result_lines(workshop, run.run_id, at=datetime.now(UTC)))
    assert "rejected,,\"'=证件号码 (holders.0.code)" in lines


def test_a_used_up_grant_goes_from_process_to_process_as_a_whole() -> None:
    grant = uuid4()
    sent = ChunkDone(1, (), GrantUsedUp("Used up.", retry_after_s=9, grant_id=grant))
    got = pickle.loads(pickle.dumps(sent)).waits  # noqa: S301 - made right here; so does a pool of processes
    assert isinstance(got, GrantUsedUp)
    assert (got.detail, got.retry_after_s, got.grant_id) == ("Used up.", 9, UUID(str(grant)))
