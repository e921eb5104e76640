"""The bench's two tests tell what differs from what does not, as textbooks do."""

import random

import pytest

from api.bench.comparison import compare

ALIKE = 0.5


def normal(seed: int, mean: float, count: int = 2000) -> list[float]:
    drawn = random.Random(seed)  # noqa: S311 - samples that are the same in every run
    return [drawn.gauss(mean, 1.0) for _ in range(count)]


def test_samples_of_one_distribution_are_not_told_apart() -> None:
    found = compare(normal(1, 0), normal(2, 0))
    assert found.negligible
    assert found.rank_p > 0.01
    assert found.distance_p > 0.01


def test_a_shift_of_half_a_deviation_is_found_with_its_size() -> None:
    found = compare(normal(1, 0.5), normal(2, 0))
    assert found.verdict == "TOLD APART"
    assert found.effect == pytest.approx(0.638, abs=0.02)  # the normal distribution at 0.5 / sqrt(2)
    assert found.rank_p < 1e-6
    assert found.distance_p < 1e-6


def test_a_difference_of_spread_alone_is_found_by_the_distance() -> None:
    wide = [3 * value for value in normal(3, 0)]
    found = compare(wide, normal(4, 0))
    assert found.negligible
    assert found.distance_p < 1e-6


def test_a_small_sample_by_hand() -> None:
    # Ranks of the first: 1, 2, 4; so it wins 1 of 9 pairs, and the distributions are two thirds apart.
    found = compare([1, 2, 4], [3, 5, 6])
    assert found.effect == pytest.approx(1 / 9)
    assert found.distance == pytest.approx(2 / 3)
    assert found.verdict.startswith("too few")


def test_nothing_but_ties_is_alike() -> None:
    found = compare([1.0] * 30, [1.0] * 30)
    assert (found.effect, found.rank_p, found.distance) == (ALIKE, 1.0, 0.0)
