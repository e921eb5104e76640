"""Killed anywhere and begun again: every row exactly once, nothing unexplained, and totals that add up."""

import json
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import vault.importing.chunks
from api.wiring import wire
from storage.certificates import records_by_number
from storage.imports import outcomes_of
from storage.new_certificates import insert_certificates
from tests.conftest import House, behind_a_cutting_wire
from tests.crash.conftest import store_that_lies  # noqa: F401 - a fixture
from tests.faults import LyingStore
from tests.importing.conftest import here, imported, order_of
from tests.papers import new_pdf
from tests.programs import dying
from tests.registers import Register
from tests.trials import checked, cutting_after, together
from vault.importing import FilesKind, FilesPlace, run_import, runs
from vault.model.imports import ImportRun, RowState, RunState
from vault.model.scope import VAULT
from vault.workshop import Workshop

pytestmark = [pytest.mark.engines, pytest.mark.crash]

# Small here: what breaks does so between chunks, within one, and at its end.
CHUNK_ROWS = 6
ROWS = CHUNK_ROWS + 4
# Each in the second chunk, so that there is something behind it and something before it.
STEPS = [
    ("vault.importing.chunks:take_file", CHUNK_ROWS + 2),
    ("vault.importing.chunks:reserve_rows", 2),
    ("vault.importing.chunks:make_row", CHUNK_ROWS + 2),
    ("vault.importing.chunks:put_pack", 2),
    ("vault.importing.chunks:prove_objects", 2),
    ("vault.importing.committing:insert_certificates", 2),
    ("vault.importing.committing:put_chunk", 2),
    ("vault.importing.chunks:commit_rows", 2),
    ("vault.importing.running:_walk", 1),
]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of this process's imports are small, too: an import that goes on counts them as it began."""
    monkeypatch.setattr(vault.importing.running, "CHUNK_ROWS", CHUNK_ROWS)


@pytest.fixture(scope="module", autouse=True)
def nothing_unexplained(archive: House) -> Iterator[None]:
    """After all of these, fsck has nothing to say."""
    yield
    assert checked(archive).problems == ()


def stock(register: Register, folder: Path, rows: int = ROWS) -> FilesPlace:
    """A register of scans in a folder, with its mapping."""
    scans = folder / "scans"
    scans.mkdir()
    for n in range(rows):
        (scans / f"{n}.pdf").write_bytes(new_pdf())
        register.add(文件=f"{n}.pdf", 来源="扫描件")
    register.csv(folder)
    (folder / "map.json").write_text(json.dumps(register.mapping_json()))
    return FilesPlace(FilesKind.FOLDER, str(scans))


def assert_whole(register: Register, run: ImportRun) -> None:
    """Exactly one certificate for each row, of which its outcome tells."""
    workshop = register.house.wired.workshop
    assert (run.state, run.done, run.total) == (RunState.DONE, len(register.rows), len(register.rows))
    assert run.imported + run.already_there + run.rejected == run.total
    with workshop.database.reading(VAULT) as db:
        outcomes = list(outcomes_of(db, run.run_id))
        for row, outcome in zip(register.rows, outcomes, strict=True):
            held = records_by_number(db, workshop.keys, row["许可证编号"])
            assert [each.certificate_id for each in held] == [outcome.certificate_id]
    assert [each.row for each in outcomes] == list(range(2, len(register.rows) + 2))


@pytest.mark.parametrize(("step", "calls"), STEPS)
def test_killed_after_a_step_and_begun_again(
    register: Register, tmp_path: Path, step: str, calls: int
) -> None:
    files = stock(register, tmp_path)
    given = (step, str(calls), str(CHUNK_ROWS), str(tmp_path))
    died = dying("tests.importing.dying_import", *given, settings=register.house.settings)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert_whole(register, imported(register, tmp_path / "register.csv", files))


def test_a_second_time_nothing_is_done(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = stock(register, tmp_path, 5)
    first = imported(register, tmp_path / "register.csv", files)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("what is held was read again")

    monkeypatch.setattr(vault.importing.chunks, "take_file", never)
    again = imported(register, tmp_path / "register.csv", files)
    assert (again.run_id, again.imported, again.already_there) == (first.run_id, 5, 0)
    assert_whole(register, again)


def test_under_another_mapping_it_is_all_there_already(register: Register, tmp_path: Path) -> None:
    files = stock(register, tmp_path, 5)
    imported(register, tmp_path / "register.csv", files)
    order = order_of(register, tmp_path / "register.csv", files)
    mapping = register.mapping_json() | {"separators": {"fields.x": "|"}}
    other = type(order)(order.client, order.mode, order.manifest, register.mapping_of(mapping), order.files)
    workshop = register.house.wired.workshop
    run = run_import(workshop, other, here(workshop))
    assert (run.imported, run.already_there, run.rejected) == (0, 5, 0)
    assert_whole(register, run)


def test_two_at_once_are_harmless(register: Register, tmp_path: Path) -> None:
    files = stock(register, tmp_path)
    order = order_of(register, tmp_path / "register.csv", files)
    workshops = [wire(register.house.settings, compilers=1).workshop for _ in range(2)]

    def one(workshop: Workshop) -> Callable[[], ImportRun]:
        return lambda: run_import(workshop, order, here(workshop))

    runs = together(*(one(workshop) for workshop in workshops))
    for workshop in workshops:
        workshop.database.close()
    assert runs[0].run_id == runs[1].run_id
    for run in runs:
        assert_whole(register, run)


def test_two_registers_with_the_same_certificates_at_once(register: Register, tmp_path: Path) -> None:
    register.add(6)
    manifests = [register.csv(tmp_path, "first.csv"), register.csv(tmp_path, "second.csv")]
    manifests[1].write_text(manifests[1].read_text() + "\n\n")  # another digest
    workshops = [wire(register.house.settings, compilers=1).workshop for _ in range(2)]
    orders = [order_of(register, manifest) for manifest in manifests]

    def one(n: int) -> Callable[[], ImportRun]:
        return lambda: run_import(workshops[n], orders[n], here(workshops[n]))

    runs = together(one(0), one(1))
    for workshop in workshops:
        workshop.database.close()
    assert runs[0].run_id != runs[1].run_id
    assert sum(run.imported for run in runs) == len(register.rows)
    assert sum(run.already_there for run in runs) == len(register.rows)
    for run in runs:
        assert_whole(register, run)


def test_a_store_that_lost_what_it_acknowledged(
    register: Register,
    tmp_path: Path,
    store_that_lies: tuple[Workshop, LyingStore],  # noqa: F811 - the fixture
) -> None:
    workshop, store = store_that_lies
    files = stock(register, tmp_path, 3)
    order = order_of(register, tmp_path / "register.csv", files)
    store.lose_puts = 1
    run = run_import(workshop, order, here(workshop))
    assert len(store.lost) == 1
    assert_whole(register, run)


@pytest.mark.parametrize("how", ["before", "after"])
def test_the_wire_is_cut_at_the_commit(register: Register, tmp_path: Path, how: str) -> None:
    files = stock(register, tmp_path, 3)
    order = order_of(register, tmp_path / "register.csv", files)
    with (
        behind_a_cutting_wire(register.house) as (workshop, wire_),
        cutting_after(vault.importing.committing, "put_chunk", wire_, how),
    ):
        run = run_import(workshop, order, here(workshop))
        assert wire_.cuts == 1
    assert_whole(register, run)


def test_a_row_that_the_database_does_not_take_takes_no_other_down(
    register: Register, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = stock(register, tmp_path, 4)
    bad = register.rows[2]["许可证编号"]
    real: Any = insert_certificates

    def refusing(db: Any, keys: Any, new: Any, *more: object, **named: Any) -> None:  # noqa: ANN401 - passed on
        real(db, keys, new, *more, **named)
        if any(item.number == bad for item in new):
            real(db, keys, new, *more, **named)  # every id twice: the database refuses

    monkeypatch.setattr(vault.importing.committing, "insert_certificates", refusing)
    run = imported(register, tmp_path / "register.csv", files)
    assert (run.imported, run.rejected) == (3, 1)
    with register.house.wired.workshop.database.reading(VAULT) as db:
        states = [each.state for each in outcomes_of(db, run.run_id)]
    assert states == [RowState.IMPORTED, RowState.IMPORTED, RowState.REJECTED, RowState.IMPORTED]
    monkeypatch.undo()
    again = imported(register, tmp_path / "register.csv", files)
    assert (again.imported, again.rejected) == (4, 0)
    assert_whole(register, again)


def test_who_watches_sees_the_run_and_its_end(register: Register, tmp_path: Path) -> None:
    register.add(2)
    run = imported(register, register.csv(tmp_path))
    shown = next(
        each
        for each in runs(register.house.wired.workshop, at=datetime.now(UTC))
        if each.run_id == run.run_id
    )
    assert (shown.state, shown.done, shown.total, shown.eta_s) == (RunState.DONE, 2, 2, None)
