"""Figures: what a stretch of work came to, and a measurement beside its reference."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from time import perf_counter

# The reference is measured before, between and after the rounds, so that a noisy neighbour hits both sides.
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Run:
    """`count` pieces of work in `elapsed_s`; `durations_s` of each, where they were taken."""

    count: int
    elapsed_s: float
    durations_s: tuple[float, ...] = field(default=(), repr=False)

    @property
    def rate_per_s(self) -> float:
        """Pieces a second."""
        return self.count / self.elapsed_s

    def percentile_ms(self, share: float) -> float:
        """The duration that this share of the pieces did not exceed (nearest rank)."""
        ordered = sorted(self.durations_s)
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1000


def one_after_another(runs: Iterable[Run]) -> Run:
    """Several stretches as one."""
    all_runs = list(runs)
    return Run(
        sum(run.count for run in all_runs),
        sum(run.elapsed_s for run in all_runs),
        tuple(duration for run in all_runs for duration in run.durations_s),
    )


def side_by_side(runs: Iterable[Run]) -> Run:
    """Stretches that ran at the same time, each on its own core, as one."""
    all_runs = list(runs)
    return Run(
        sum(run.count for run in all_runs),
        max(run.elapsed_s for run in all_runs),
        tuple(duration for run in all_runs for duration in run.durations_s),
    )


class Counted(StrEnum):
    """Which figure a budget is about."""

    RATE = "rate_per_s"
    RATIO = "ratio"
    P99 = "p99_ms"


@dataclass(frozen=True, slots=True)
class Budget:
    """What a figure has to reach, or may not exceed."""

    counted: Counted
    at_least: float = 0.0
    at_most: float = math.inf


@dataclass(frozen=True, slots=True)
class Quantity:
    """A figure that is no rate: bytes, megabytes, times. `what`: a phrase for readers."""

    name: str
    what: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether it is not exceeded; None without a budget."""
        return None if self.at_most is None else self.value <= self.at_most


@dataclass(frozen=True, slots=True)
class Series:
    """Figures over time: seconds since the beginning, and the value then. `marks`: what happened when."""

    name: str
    unit: str
    points: tuple[tuple[float, float], ...]
    marks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """A measurement beside its reference. `what`: a phrase for readers.

    `quantities`: what else was found, each with its own budget; `series`: how it went over time.
    """

    name: str
    what: str
    run: Run = field(repr=False)
    reference: str
    reference_run: Run = field(repr=False)
    budget: Budget | None = None
    note: str = ""
    quantities: tuple[Quantity, ...] = ()
    series: tuple[Series, ...] = ()
    more_budgets: tuple[Budget, ...] = ()

    @property
    def ratio(self) -> float:
        """How many times the reference's rate."""
        return self.run.rate_per_s / self.reference_run.rate_per_s

    @property
    def met(self) -> bool | None:
        """Whether every budget is met, those of its quantities too; None without one."""
        verdicts = [self.meets(budget) for budget in self.budgets]
        verdicts += [quantity.met for quantity in self.quantities if quantity.met is not None]
        return all(verdicts) if verdicts else None

    @property
    def budgets(self) -> tuple[Budget, ...]:
        """The budget and any further ones."""
        return self.more_budgets if self.budget is None else (self.budget, *self.more_budgets)

    def meets(self, budget: Budget) -> bool:
        """Whether the figure that a budget is about keeps to it."""
        match budget.counted:
            case Counted.RATE:
                reached = self.run.rate_per_s
            case Counted.RATIO:
                reached = self.ratio
            case Counted.P99:
                reached = self.run.percentile_ms(0.99)
        return budget.at_least <= reached <= budget.at_most


def interleaved(
    measured: Callable[[float], Run], reference: Callable[[float], Run], seconds: float
) -> tuple[Run, Run]:
    """Reference, measured, reference, measured, …, reference; `seconds` for the measured rounds together.

    Each callable works for about the seconds that it is given.
    """
    stretch_s = seconds / ROUNDS
    of_reference = [reference(stretch_s)]
    of_measured = []
    for _ in range(ROUNDS):
        of_measured.append(measured(stretch_s))
        of_reference.append(reference(stretch_s))
    return one_after_another(of_measured), one_after_another(of_reference)


def over(work: Callable[[bytes], object], content: bytes) -> Callable[[float], Run]:
    """Does this again and again in this thread, for about the seconds that it is given."""
    work(content)  # the first one imports and caches

    def stretch(seconds: float) -> Run:
        durations_s = []
        began = perf_counter()
        while perf_counter() - began < seconds:
            started = perf_counter()
            work(content)
            durations_s.append(perf_counter() - started)
        return Run(len(durations_s), perf_counter() - began, tuple(durations_s))

    return stretch
