"""Every target for a moment: its seeds, and some thousands of inputs that the fuzzer makes of them."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.fuzz.running import targets

RUNS = 3_000
# One input of these is a whole file.
RUNS_OF_FILES = 200


@pytest.mark.skipif(find_spec("atheris") is None, reason="NO ATHERIS: nothing is fuzzed")
@pytest.mark.parametrize("target", targets())
def test_a_target_finds_nothing_in_a_moment(target: str, tmp_path: Path) -> None:
    runs = RUNS_OF_FILES if target.startswith(("pdf_", "ofd_")) else RUNS
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz", target),
            *(f"-runs={runs}", f"-artifact_prefix={tmp_path}/"),
            # A process begins with the peak of the one that started it, and this one may have been large.
            "-rss_limit_mb=0",
        ],
        capture_output=True,
        env={name: value for name, value in os.environ.items() if name != "CERTVAULT_CORPUS"},
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    # The seeds are run whole, however many they are: they may be more than the runs asked for.
    made = re.search(r"^Done (\d+) runs", done.stderr, re.MULTILINE)
    assert made is not None
    assert int(made[1]) >= runs
