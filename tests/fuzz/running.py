"""What every target shares: seeds in a folder of their own, and libFuzzer's limits.

`python -m tests.fuzz.fuzz_NAME [libFuzzer's options] [FOLDERS]`; findings are written to the present folder.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

# As the judging child: beyond these, an answer is no answer.
LIMITS = ("-timeout=30", "-rss_limit_mb=1024", "-max_len=262144", "-print_final_stats=1")


def corpus(*endings: str) -> Iterable[bytes]:
    """Small files of the corpus beside the project, where it is there (CERTVAULT_CORPUS)."""
    folder = os.environ.get("CERTVAULT_CORPUS")
    if folder is None:
        return
    for file in sorted(Path(folder).rglob("*")):
        if file.suffix in endings and file.is_file():
            yield file.read_bytes()


def fuzz(target: Callable[[bytes], None], seeds: Iterable[bytes]) -> None:
    """Runs a target until libFuzzer ends: at `-max_total_time`, or at what it has found."""
    with tempfile.TemporaryDirectory(prefix="certvault-fuzz-") as folder:
        for number, seed in enumerate(seeds):
            (Path(folder) / f"seed-{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], *LIMITS, *sys.argv[1:], folder], target)
        atheris.Fuzz()
