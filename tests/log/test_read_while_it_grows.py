"""fsck reads a log that others sequence and publish meanwhile: what they do is no contradiction of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from storage.log_store import LogStore
from tests.log.conftest import Log
from vault.transparency import deriving
from vault.transparency.deriving import contradictions

pytestmark = pytest.mark.engines

NEXT_YEAR = datetime(2027, 1, 1, 12, tzinfo=UTC)


@contextmanager
def meanwhile(owner: object, step: str, when: str, others: Callable[[], None]) -> Iterator[None]:
    """What `others` do each time before or after this step, but for the steps that are their own."""
    real = getattr(owner, step)
    at_it = False

    def stepping(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
        nonlocal at_it
        if at_it:
            return real(*given, **named)
        found = real(*given, **named) if when == "after" else None
        at_it = True
        others()
        at_it = False
        return found if when == "after" else real(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, step, stepping)
        yield


def growing(log: Log, by: int, *, times: int) -> tuple[Callable[[], None], list[int]]:
    """Others who put so many leaves into the log, so often; and the sizes that they published."""
    sizes: list[int] = []

    def grow() -> None:
        if len(sizes) < times:
            if by:
                log.add(by, name=f"meanwhile-{len(sizes)}")
            sizes.append(log.sequence().size)

    return grow, sizes


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("owner", "step"),
    [
        (deriving, "leaf_numbers"),
        (deriving, "newest_publication"),
        (deriving, "published"),
        (deriving, "newest_checkpoint"),
        (deriving, "checkpoint_page"),
        (deriving, "leaves_between"),
        (deriving, "read_tiles"),
        (LogStore, "read"),
        (deriving, "own_leaves"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_published_meanwhile_is_no_contradiction(
    log: Log, owner: object, step: str, when: str
) -> None:
    """Leaf by leaf, and a tile full at last: its partial ones are taken away under whoever reads them."""
    log.audit(1)  # so that it speaks of itself, too
    log.add(249)
    log.sequence()
    grow, sizes = growing(log, 6, times=4)
    with meanwhile(owner, step, when, grow):
        assert list(contradictions(log.workshop)) == []
    assert sizes


@pytest.mark.parametrize("step", ["leaf_numbers", "published", "own_leaves"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_year_that_turns_meanwhile_is_no_contradiction(log: Log, step: str, when: str) -> None:
    log.add(5)
    log.sequence()
    turned: list[int] = []

    def turn() -> None:
        if not turned:
            log.add(2, at=NEXT_YEAR, name="next year")
            turned.append(log.sequence(at=NEXT_YEAR).size)

    with meanwhile(deriving, step, when, turn):
        assert list(contradictions(log.workshop)) == []
    assert turned
    assert len(log.shards()) == 2


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/000"])
@pytest.mark.parametrize(
    ("by", "gone", "about"),
    [(0, ".p/250", "000.p/250"), (5, ".p/250", "000.p/255"), (10, "", "000")],
    ids=["as it was", "not full", "full"],
)
def test_what_the_log_did_not_take_away_is_missed_all_the_same(
    log: Log, path: str, by: int, gone: str, about: str
) -> None:
    """A partial tile while it is not full by now; and where it is, the full one that has its place."""
    log.add(250)
    log.sequence()
    grow, sizes = growing(log, by, times=1)
    lost: list[str] = []

    def grow_and_lose() -> None:
        if not lost:
            grow()
            lost.append(f"2026/{path}{gone}")
            log.workshop.log_store.remove(lost[0])

    with meanwhile(deriving, "published", "after", grow_and_lose):
        found = list(contradictions(log.workshop))
    assert sizes == [250 + by]
    what = "entries are not the leaves" if "entries" in path else "tile does not follow from the leaves"
    assert [(where, what in sentence) for where, sentence in found] == [(f"2026/tile/0/{about}", True)]
