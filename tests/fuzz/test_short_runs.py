"""Every target for a moment, so that none rots: the long runs are `make fuzz`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TARGETS = sorted(file.stem for file in HERE.glob("fuzz_*.py"))
RUNS = 200  # of inputs, not of seconds: a busy machine takes longer and does the same


@pytest.mark.parametrize("target", TARGETS)
def test_a_short_run_finds_nothing(target: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="NO FUZZING: atheris is not installed")
    environment = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    environment.pop("CERTVAULT_CORPUS", None)  # the targets' own seeds are enough here
    done = subprocess.run(
        [sys.executable, "-m", f"tests.fuzz.{target}", f"-runs={RUNS}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {RUNS} runs" in done.stderr
    assert list(tmp_path.iterdir()) == []
