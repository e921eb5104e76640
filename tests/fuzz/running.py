"""Runs one target under atheris: its seeds as corpus, our own packages covered, libFuzzer's options."""

import os
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

OURS = ["signing", "vault", "storage"]
# As the confined judge: beyond these, an answer is no answer.
LIMITS = ("-timeout=30", "-rss_limit_mb=1024", "-max_len=262144")


def targets() -> tuple[str, ...]:
    """The names of the targets that there are."""
    helpers = {"__init__", "__main__", "running"}
    found = (file.stem for file in Path(__file__).parent.glob("*.py"))
    return tuple(sorted(name for name in found if name not in helpers and not name.startswith("test_")))


def corpus(*endings: str) -> Iterable[bytes]:
    """Files of the corpus beside the project, where it is there (CERTVAULT_CORPUS)."""
    folder = os.environ.get("CERTVAULT_CORPUS")
    if folder is None:
        return
    for file in sorted(Path(folder).rglob("*")):
        if file.suffix in endings and file.is_file():
            yield file.read_bytes()


def run(name: str, options: list[str]) -> None:
    """Fuzzes until libFuzzer's options say so, or something is found; ends the process."""
    import atheris  # noqa: PLC0415 - a tool of the developers, needed to fuzz only

    with atheris.instrument_imports(include=OURS):
        target = import_module(f"tests.fuzz.{name}")
    with TemporaryDirectory(prefix=f"fuzz-{name}-") as seeds:
        for number, seed in enumerate(target.SEEDS):
            (Path(seeds) / f"seed-{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], *LIMITS, *options, seeds], target.one)
        atheris.Fuzz()
