"""A run of the bench: a stage, the measurements asked for, the machine."""

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from api.bench import log, reuse, sm2
from api.bench.ceiling import measure_generator
from api.bench.deposits import measure_deposit_pdf, measure_deposit_typeset, measure_duplicates
from api.bench.figures import Result
from api.bench.judging import measure_judge_pdf, measure_verify_large
from api.bench.machine import machine
from api.bench.ofd import measure_seal_ofd, measure_typeset_ofd
from api.bench.province import measuring
from api.bench.questions import measure_holdings, measure_verify_code, measure_verify_file
from api.bench.sealing import measure_raise_seal, measure_seal_pdf
from api.bench.stage import Stage, stage
from api.bench.timing import measure_verify_timing
from storage.embedded import discard
from vault.errors import InputError, VaultError

MEASUREMENTS: Final[Mapping[str, Callable[[Stage, float], Result]]] = MappingProxyType(
    {
        "deposit_typeset": measure_deposit_typeset,
        "deposit_pdf": measure_deposit_pdf,
        "seal_pdf": measure_seal_pdf,
        "raise_seal": measure_raise_seal,
        "seal_ofd": measure_seal_ofd,
        "typeset_ofd": measure_typeset_ofd,
        "verify_code": measure_verify_code,
        "verify_timing": measure_verify_timing,
        "verify_file": measure_verify_file,
        "verify_large": measure_verify_large,
        "judge_pdf": measure_judge_pdf,
        "holdings": measure_holdings,
        "duplicates": measure_duplicates,
        "generator": measure_generator,
        **measuring.MEASUREMENTS,
        **reuse.MEASUREMENTS,
        **log.MEASUREMENTS,
        **sm2.MEASUREMENTS,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A measurement that came to nothing, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a run found, in the order of `MEASUREMENTS`.

    `failures`: what could not be measured. A run that was stopped has neither for what was still to come.
    """

    machine: Mapping[str, object] = field(repr=False)
    seconds: float
    results: tuple[Result, ...]
    failures: tuple[Failure, ...] = ()

    @property
    def missed(self) -> tuple[str, ...]:
        """The measurements whose budget is missed."""
        return tuple(result.name for result in self.results if result.met is False)


def run_bench(
    data: Path | None,
    *,
    seconds: float,
    only: Collection[str],
    tell: Callable[[str], None],
    publish: Callable[[Report], None],
) -> None:
    """Founds a vault and measures it. `data` None: in a temporary folder that is deleted afterwards.

    `seconds` for every measurement, its references not counted; `only` empty: all but those that take
    minutes to prepare. `publish` hears once what was found, while the vault is still up: also where a
    measurement failed, or the run is stopped, or taking the vault down will fail. Nothing measured is lost.

    Raises:
        InputError: no measurement has that name.
        Conflict: a vault is running on `data`.
        NotFound: the embedded engines are not installed.
        Unavailable: an engine or the server does not start or answer.
    """
    unknown = sorted(set(only) - MEASUREMENTS.keys())
    if unknown:
        raise InputError(f"There is no measurement {unknown[0]!r}: expected {', '.join(MEASUREMENTS)}.")
    by_name = reuse.ONLY_BY_NAME | log.ONLY_BY_NAME | measuring.ONLY_BY_NAME
    wanted = set(only) or MEASUREMENTS.keys() - by_name
    chosen = {name: measure for name, measure in MEASUREMENTS.items() if name in wanted}
    with _folder(data) as folder, stage(folder, tell) as on:
        found = machine(on.vault.settings.database_url.get_secret_value(), folder)
        results: list[Result] = []
        failures: list[Failure] = []
        try:
            for n, (name, measure) in enumerate(chosen.items(), start=1):
                tell(f"Measuring {name} ({n} of {len(chosen)}).")
                try:
                    results.append(measure(on, seconds))
                except (VaultError, BrokenExecutor) as error:
                    failures.append(Failure(name, str(error)))
                    tell(f"{name} could not be measured: {error}")
        finally:
            publish(Report(found, seconds, tuple(reuse.with_growth(results)), tuple(failures)))


@contextmanager
def _folder(data: Path | None) -> Iterator[Path]:
    if data is not None:
        yield data
        return
    parent = Path(tempfile.mkdtemp(prefix="certvault-bench-"))
    parent.rmdir()  # made anew by the engines, which know what another user has to enter
    try:
        yield parent
    finally:
        if parent.exists():
            discard(parent)
