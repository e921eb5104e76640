"""What tests of the whole vault share: the time, tries at once, faults after a chosen step, fsck's word."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Barrier
from typing import TypeVar

import pytest

from storage.db import ReadConnection
from storage.envelope import KeyRing
from storage.envelopes_on_file import TABLES, damaged_envelopes, damaged_events
from storage.spans import Span
from tests.conftest import House
from tests.faults import CuttingWire
from vault.fsck import FsckReport, fsck

Done = TypeVar("Done")


def now() -> datetime:
    """As the edge reads the clock."""
    return datetime.now(UTC)


def together(*tries: Callable[[], Done]) -> list[Done]:
    """What each of these comes to, in their order, when all of them start at the same moment."""
    barrier = Barrier(len(tries))

    def one(work: Callable[[], Done]) -> Done:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(tries)) as pool:
        return list(pool.map(one, tries))


@contextmanager
def broken_off_after(owner: object, step: str) -> Iterator[None]:
    """What the block runs is broken off right after `owner.step`, as by Ctrl-C; it has to get that far."""
    real = getattr(owner, step)

    def step_then_end(*arguments: object, **named: object) -> None:
        real(*arguments, **named)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, step, step_then_end)
        with pytest.raises(KeyboardInterrupt):
            yield


@contextmanager
def cutting_after(owner: object, step: str, wire_: CuttingWire, how: str) -> Iterator[None]:
    """Until the first cut, the COMMIT that follows `owner.step` is cut off in this way."""
    real = getattr(owner, step)

    def arm() -> None:
        if wire_.cuts == 0:
            wire_.cut = how

    def parts_then_arm(parts: Iterator[bytes]) -> Iterator[bytes]:
        yield from parts
        arm()

    def step_then_arm(*arguments: object, **named: object) -> object:
        done = real(*arguments, **named)
        if isinstance(done, Iterator):  # a step that reads is over with its last part
            return parts_then_arm(done)
        arm()
        return done

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, step, step_then_arm)
        yield


def checked(house: House) -> FsckReport:
    """What fsck finds."""
    return fsck(house.wired.workshop, progress=lambda _: None)


def all_damaged(db: ReadConnection, keys: KeyRing) -> list[tuple[str, str]]:
    """Every envelope that does not open, and every row that is not found by what it says."""
    of_tables = [each for name in TABLES for each in damaged_envelopes(db, keys, name, Span())]
    return [*of_tables, *damaged_events(db, keys, Span())]
