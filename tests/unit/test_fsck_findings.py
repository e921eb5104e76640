"""Findings of fsck in a vault that is wrong everywhere: all counted, listed as far as anybody reads."""

import pytest

from vault.fsck import Finding, Weight
from vault.fsck import findings as module
from vault.fsck.findings import LISTED_MAX, Found


def some(weight: Weight, count: int) -> list[Finding]:
    return [Finding(weight, str(n), "As it is.") for n in range(count)]


def test_few_are_all_listed_in_their_order() -> None:
    found = Found()
    found.add(some(Weight.NOTE, 2))
    found.add(some(Weight.PROBLEM, 1))
    assert found.findings == [*some(Weight.NOTE, 2), *some(Weight.PROBLEM, 1)]
    assert found.counts == {Weight.NOTE: 2, Weight.PROBLEM: 1}


def test_many_are_counted_and_the_first_are_listed() -> None:
    found = Found()
    for _ in range(3):
        found.add(some(Weight.NOTE, LISTED_MAX))
    assert len(found.findings) == LISTED_MAX
    assert found.counts == {Weight.NOTE: 3 * LISTED_MAX, Weight.PROBLEM: 0}


def test_no_number_of_notes_hides_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTED_MAX", 3)
    found = Found()
    found.add(some(Weight.NOTE, 10))
    found.add(some(Weight.PROBLEM, 4))
    assert found.findings == [*some(Weight.NOTE, 3), *some(Weight.PROBLEM, 3)]
    assert found.counts[Weight.PROBLEM] == 4
