"""Leaky buckets: what is let through, what is refused, for how long, and what processes tell each other."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import rates
from api.rates import Charge, Limiter, Rule
from vault.errors import TooMany

RULE = Rule("rule", capacity=10, per_second=2, told="Too often.")
OTHER = Rule("other", capacity=3, per_second=1, told="Too often.")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def key_of(rule: str, subject: str) -> bytes:
    return hashlib.sha256(f"{rule} {subject}".encode()).digest()


def limiter(clock: Clock, refused: list[str] | None = None, factor: float = 1.0) -> Limiter:
    names = [] if refused is None else refused
    return Limiter(key_of, factor=factor, refused=names.append, clock=clock)


def passed(on: Limiter, *charges: Charge, units: float = 1, tries: int = 100) -> int:
    for n in range(tries):
        try:
            on.admit(charges, units)
        except TooMany:
            return n
    return tries


def test_a_full_bucket_refuses_and_says_for_how_long() -> None:
    clock = Clock()
    refused: list[str] = []
    on = limiter(clock, refused)
    assert passed(on, Charge(RULE, "a")) == 10
    with pytest.raises(TooMany) as too_many:
        on.admit((Charge(RULE, "a"),), 4)
    assert too_many.value.retry_after_s == 2
    assert refused == ["rule", "rule"]
    clock.now_s += 2
    on.admit((Charge(RULE, "a"),), 4)
    assert passed(on, Charge(RULE, "a")) == 0
    assert passed(on, Charge(RULE, "b")) == 10


def test_of_two_buckets_both_have_room_or_nothing_is_spent() -> None:
    on = limiter(Clock())
    assert passed(on, Charge(RULE, "a"), Charge(OTHER, "x")) == 3
    assert passed(on, Charge(RULE, "a")) == 7


def test_a_factor_multiplies_capacity_and_speed() -> None:
    clock = Clock()
    on = limiter(clock, factor=3)
    assert passed(on, Charge(RULE, "a")) == 30
    clock.now_s += 1
    assert passed(on, Charge(RULE, "a")) == 6


def test_what_is_due_afterwards_shuts_the_bucket_but_not_for_ever() -> None:
    clock = Clock()
    on = limiter(clock)
    accounts = on.admit((Charge(RULE, "a"),), 1)
    for _ in range(1000):
        on.surcharge(accounts, 19)
    assert passed(on, Charge(RULE, "a")) == 0
    clock.now_s += 2 * RULE.capacity / RULE.per_second
    assert passed(on, Charge(RULE, "a")) == 10


def test_a_rule_that_is_wholly_spent_comes_back_within_its_time() -> None:
    clock = Clock()
    on = limiter(clock)
    passed(on, Charge(RULE, "a"))
    with pytest.raises(TooMany) as too_many:
        on.admit((Charge(RULE, "a"),), 1)
    clock.now_s += too_many.value.retry_after_s
    on.admit((Charge(RULE, "a"),), 1)


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 5)), max_size=60))
def test_never_more_than_capacity_and_drain_together(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    on, spent, began_s = limiter(clock), 0, clock.now_s
    for wait_s, units in steps:
        clock.now_s += wait_s
        spent += units * passed(on, Charge(RULE, "a"), units=units, tries=1)
        assert spent <= RULE.capacity + RULE.per_second * (clock.now_s - began_s) + 1e-6


class Others:
    """What the database does: adds what each process says, tells how full each bucket is."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.empty_at_s: dict[bytes, float] = {}

    def exchange(self, on: Limiter) -> None:
        """One process's turn."""
        said = on.unsaid()
        for key, seconds in said.items():
            self.empty_at_s[key] = max(self.empty_at_s.get(key, 0.0), self.clock.now_s) + seconds
        on.heard({key: self.empty_at_s[key] - self.clock.now_s for key in said})


def test_processes_hear_of_each_other() -> None:
    clock = Clock()
    one, two, others = limiter(clock), limiter(clock), Others(clock)
    assert passed(one, Charge(RULE, "a"), tries=9) == 9
    others.exchange(one)
    two.admit((Charge(RULE, "a"),), 1)
    others.exchange(two)
    assert passed(two, Charge(RULE, "a")) == 0
    assert passed(one, Charge(RULE, "a")) == 1  # it has not heard yet: this much is the price
    others.exchange(one)
    assert passed(one, Charge(RULE, "a")) == 0


def test_what_is_spent_during_an_exchange_is_not_forgotten() -> None:
    clock = Clock()
    on = limiter(clock)
    passed(on, Charge(RULE, "a"), tries=4)
    said = on.unsaid()
    passed(on, Charge(RULE, "a"), tries=4)
    on.heard(said)
    assert passed(on, Charge(RULE, "a")) == 2


def test_a_failed_exchange_is_said_again_and_the_own_count_goes_on() -> None:
    clock = Clock()
    on = limiter(clock)
    passed(on, Charge(RULE, "a"), tries=4)
    said = on.unsaid()
    on.unheard(said)
    assert passed(on, Charge(RULE, "a")) == 6
    (seconds,) = on.unsaid().values()
    assert seconds == pytest.approx(10 / RULE.per_second)
    assert on.unsaid() == {}


def test_drained_buckets_are_let_go_and_full_ones_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    on = limiter(clock)
    passed(on, Charge(RULE, "full"))
    on.unsaid()
    on.admit((Charge(RULE, "short"),), 1)
    on.unsaid()
    clock.now_s += 1
    on.forget_drained()
    assert set(on._buckets) == {key_of("rule", "full")}  # noqa: SLF001 - memory is what this is about
    monkeypatch.setattr(rates, "BUCKETS_MAX", 50)
    for n in range(500):
        on.admit((Charge(RULE, str(n)),), 1)
        assert len(on._buckets) <= 101  # noqa: SLF001 - as above


def test_of_very_many_buckets_the_rest_is_said_the_next_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "EXCHANGED_MAX", 10)
    on = limiter(Clock())
    for n in range(25):
        on.admit((Charge(RULE, str(n)),), 1)
    assert [len(on.unsaid()) for _ in range(4)] == [10, 10, 5, 0]
