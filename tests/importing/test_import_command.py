"""`certvault import` with processes of its own: to the end, and killed with SIGKILL in the middle."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from api.settings import child_environment
from storage.imports import newest_runs
from tests.importing.conftest import imported
from tests.importing.test_import_survives import assert_whole, stock
from tests.programs import eventually
from tests.registers import Register
from tests.trials import now
from vault.importing.orders import CHUNK_ROWS
from vault.importing.reading import RUNS_SHOWN
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines


def command(register: Register, folder: Path, *more: str) -> list[str]:
    """The command line for what `stock` left."""
    given = [str(folder / "register.csv"), str(folder / "scans"), "--map", str(folder / "map.json")]
    client = register.house.client.client_id
    return [sys.executable, "-m", "api.cli", "import", *given, "--client", client, "--processes", "2", *more]


def test_to_its_end_with_a_result_file(register: Register, tmp_path: Path) -> None:
    stock(register, tmp_path, 3)
    register.rows[1]["证件号码"] = "1"
    register.csv(tmp_path)
    result = tmp_path / "result.csv"
    done = subprocess.run(
        command(register, tmp_path, "--json", "--result", str(result)),
        env=child_environment(register.house.settings),
        capture_output=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 1, done.stderr.decode()
    told = json.loads(done.stdout)
    assert (told["state"], told["imported"], told["rejected"]) == ("done", 2, 1)
    lines = result.read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[1] for line in lines] == ["state", "imported", "rejected", "imported"]


def test_files_that_cannot_be_opened_end_it_before_any_row(register: Register, tmp_path: Path) -> None:
    """It is the processes that open them: rejected row by row, a whole register would be called wrong."""
    stock(register, tmp_path, 3)
    (tmp_path / "scans.zip").write_bytes(b"no zip")
    given = [each.replace("/scans", "/scans.zip") for each in command(register, tmp_path, "--json")]
    done = subprocess.run(
        given, env=child_environment(register.house.settings), capture_output=True, check=False, timeout=200
    )
    assert done.returncode not in {0, 1}
    assert b"The files are in no zip that can be read." in done.stderr
    with register.house.wired.workshop.database.reading(VAULT) as db:
        run = newest_runs(db, now(), 1)[0]
    assert (run.failure, run.total, run.imported, run.rejected) == (
        "The files are in no zip that can be read.",
        3,
        0,
        0,
    )


def test_killed_in_the_middle_and_begun_again(register: Register, tmp_path: Path) -> None:
    files = stock(register, tmp_path, 2 * CHUNK_ROWS)
    started = now()
    with (tmp_path / "said").open("wb") as said:
        running = subprocess.Popen(
            command(register, tmp_path),
            env=child_environment(register.house.settings),
            stdout=said,
            stderr=said,
        )

    def some_rows() -> bool:
        assert running.poll() is None, (tmp_path / "said").read_text()
        with register.house.wired.workshop.database.reading(VAULT) as db:
            return any(
                run.imported for run in newest_runs(db, now(), RUNS_SHOWN) if run.started_at >= started
            )

    try:
        eventually(some_rows, "the first rows")
    finally:
        running.kill()
        running.wait()
    assert_whole(register, imported(register, tmp_path / "register.csv", files))
