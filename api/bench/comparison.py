"""Whether two samples of durations can be told apart: two tests, and how large the difference is."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

# Vargha and Delaney (2000): an effect smaller than this is negligible.
NEGLIGIBLE = 0.06
# A difference that chance makes more often than this is not called one.
SIGNIFICANT = 0.01
# Terms of Kolmogorov's series: the next one is below 1e-12 wherever the sum is not simply 1.
_SERIES_TERMS = 100
# Below this the two-sided probability is 1 to six digits, and the series converges slowly.
_LAMBDA_MIN = 0.3


@dataclass(frozen=True, slots=True)
class Comparison:
    """`effect`: the probability that one of the first sample is longer than one of the second; 0.5 if alike.

    `rank_p`: Mann-Whitney, two-sided, normal approximation with ties and continuity corrected. `distance`
    and `distance_p`: two-sample Kolmogorov-Smirnov, asymptotic.
    """

    effect: float
    rank_p: float
    distance: float
    distance_p: float

    @property
    def negligible(self) -> bool:
        """Whether the difference is too small to matter, however significant."""
        return abs(self.effect - 0.5) < NEGLIGIBLE

    @property
    def verdict(self) -> str:
        """In words; an effect that chance explains is no difference, and no proof of none either."""
        if self.negligible:
            return "not told apart"
        return "TOLD APART" if self.rank_p < SIGNIFICANT else "too few to tell: measure longer"

    def __str__(self) -> str:
        return (
            f"effect {self.effect:.3f} ({self.verdict}), Mann-Whitney p {self.rank_p:.2g}, "
            f"Kolmogorov-Smirnov D {self.distance:.3f} p {self.distance_p:.2g}"
        )


def compare(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Compares two samples; each needs some twenty values for the approximations to hold."""
    effect, rank_p = _ranks(first, second)
    distance, distance_p = _distance(first, second)
    return Comparison(effect, rank_p, distance, distance_p)


def _ranks(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    n, m = len(first), len(second)
    pooled = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    rank_sum, ties, start = 0.0, 0, 0
    while start < len(pooled):
        end = start
        while end < len(pooled) and pooled[end][0] == pooled[start][0]:
            end += 1
        middle = (start + 1 + end) / 2
        rank_sum += middle * sum(1 for _, sample in pooled[start:end] if sample == 0)
        ties += (end - start) ** 3 - (end - start)
        start = end
    wins = rank_sum - n * (n + 1) / 2
    total = n + m
    deviation = math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    if deviation == 0:
        return 0.5, 1.0
    z = max(0.0, abs(wins - n * m / 2) - 0.5) / deviation
    return wins / (n * m), 2 * (1 - NormalDist().cdf(z))


def _distance(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    one, two = sorted(first), sorted(second)
    distance = max(
        abs(bisect_right(one, value) / len(one) - bisect_right(two, value) / len(two))
        for value in {*one, *two}
    )
    root = math.sqrt(len(one) * len(two) / (len(one) + len(two)))
    scaled = (root + 0.12 + 0.11 / root) * distance  # Stephens (1970)
    if scaled < _LAMBDA_MIN:
        return distance, 1.0
    series = ((-1) ** (k - 1) * math.exp(-2 * k * k * scaled * scaled) for k in range(1, _SERIES_TERMS + 1))
    return distance, min(1.0, max(0.0, 2 * sum(series)))
