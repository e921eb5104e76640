"""Every target for a moment: its seeds, and some thousands of inputs that the fuzzer makes of them."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.fuzz.running import targets

RUNS = 3_000
# How long one input may take, in seconds: libFuzzer ends with an error then.
ONE_INPUT_S = 20


@pytest.mark.skipif(find_spec("atheris") is None, reason="NO ATHERIS: nothing is fuzzed")
@pytest.mark.parametrize("target", targets())
def test_a_target_finds_nothing_in_a_moment(target: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", target, f"-runs={RUNS}", f"-timeout={ONE_INPUT_S}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert f"Done {RUNS} runs" in done.stderr
