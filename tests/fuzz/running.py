"""Runs one target under atheris: its seeds as corpus, our own packages covered, libFuzzer's options."""

import sys
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

OURS = ["signing", "vault", "storage"]


def targets() -> tuple[str, ...]:
    """The names of the targets that there are."""
    helpers = {"__init__", "__main__", "running"}
    found = (file.stem for file in Path(__file__).parent.glob("*.py"))
    return tuple(sorted(name for name in found if name not in helpers and not name.startswith("test_")))


def run(name: str, options: list[str]) -> None:
    """Fuzzes until libFuzzer's options say so, or something is found; ends the process."""
    import atheris  # noqa: PLC0415 - a tool of the developers, needed to fuzz only

    with atheris.instrument_imports(include=OURS):
        target = import_module(f"tests.fuzz.{name}")
    with TemporaryDirectory(prefix=f"fuzz-{name}-") as corpus:
        for number, seed in enumerate(target.SEEDS):
            (Path(corpus) / f"seed-{number}").write_bytes(seed)
        atheris.Setup([sys.argv[0], *options, corpus], target.one)
        atheris.Fuzz()
