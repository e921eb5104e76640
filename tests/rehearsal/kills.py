"""The disturbances: one of each kind killed under load, and what is done by hand until it is back."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.rehearsal.databases import ANY_STANDBY
from tests.rehearsal.load import Load, Try
from tests.rehearsal.programs import Program
from tests.rehearsal.stage import Stage

# How long something stays dead, and how long the load is watched after it is back.
DEAD_S = 8.0
AFTER_S = 10.0
# How soon somebody (a person, or what stands guard for one) does what has to be done by hand.
BY_HAND_AFTER_S = 4.0
STREAMING_TIMEOUT_S = 120.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Window:
    """What the clients saw from a kill until things had gone well again for a while.

    `lasted_s`: from the kill to the last try that failed; 0 where none did. `silent_s`: the longest time
    without any success. `longest_s`: the longest that one question took with all its tries. `back_after_s`:
    until the program answered again and what is done by hand then was done.
    """

    name: str
    by_hand: Sequence[str]
    seconds: float
    back_after_s: float
    rate_before: float
    answered_while_dead: dict[str, int] = field(hash=False)
    questions: int
    tries_failed: dict[str, int] = field(hash=False)
    retried: int
    uncured: int
    lasted_s: float
    silent_s: float
    longest_s: float


def _ends(each: Try) -> float:
    return each.at + each.seconds


@dataclass(slots=True)
class Disturber:
    """Kills, waits, brings back, watches; `windows` in the order of the kills."""

    stage: Stage
    load: Load
    tell: Callable[[str], None]
    dead_s: float = DEAD_S
    after_s: float = AFTER_S
    windows: list[Window] = field(default_factory=list)
    _by_hand: list[str] = field(default_factory=list)

    def all(self) -> None:
        """One of each kind; the primary twice: started again, and its place taken."""
        stage = self.stage
        for name, program in (
            ("an API server", stage.servers[0]),
            ("a worker", stage.workers[0]),
            ("a volume server", stage.store.volumes[0]),
            ("an S3 gateway", stage.store.gateways[0]),
            ("the filer (there is no second)", stage.store.filer),
            ("the master (there is no second)", stage.store.master),
            ("the proxy (there is no second)", stage.proxy),
        ):
            self._disturb(name, program, lambda: None)
        self._disturb(
            "the standby", stage.databases.standby.program, self._do_without_standby, self._wait_again
        )
        self._disturb(
            "the primary, started again", stage.databases.primary.program, lambda: None, self._see_streaming
        )
        self._disturb(
            "the primary, its place taken", stage.databases.primary.program, self._promote, self._wait_again
        )

    def _disturb(
        self,
        name: str,
        program: Program,
        by_hand: Callable[[], None],
        when_back: Callable[[], None] = lambda: None,
    ) -> None:
        """1. kill. 2. what is done by hand. 3. start it again. 4. watch."""
        self.tell(f"Killing {name}.")
        self._by_hand = []
        killed = time.monotonic()
        program.kill()  # 1
        by_hand()  # 2
        time.sleep(max(0.0, killed + self.dead_s - time.monotonic()))
        program.start()  # 3
        when_back()
        back = time.monotonic()
        time.sleep(self.after_s)  # 4
        self.windows.append(self._window(name, killed, back))
        self.tell(f"  {self.windows[-1]}")

    def _do_without_standby(self) -> None:
        time.sleep(BY_HAND_AFTER_S)
        self.stage.databases.primary.wait_for_standby("")
        self._by_hand.append("synchronous_standby_names emptied: commits wait for nobody")

    def _wait_again(self) -> None:
        self._see_streaming()
        self.stage.databases.primary.wait_for_standby(ANY_STANDBY)
        self._by_hand.append("synchronous_standby_names set again, once it streams")

    def _promote(self) -> None:
        time.sleep(BY_HAND_AFTER_S)
        pair = self.stage.databases
        pair.promote()
        self._by_hand.append("pg_promote on the standby")
        pair.primary.wait_for_standby("")
        self._by_hand.append("synchronous_standby_names emptied on the new primary")
        said = pair.rejoin()
        self._by_hand.append(f"pg_rewind makes the old primary the standby ({said})")

    def _see_streaming(self) -> None:
        deadline = time.monotonic() + STREAMING_TIMEOUT_S
        while not self.stage.databases.primary.standby_streams:
            assert time.monotonic() < deadline, "the standby does not stream"
            time.sleep(POLL_S)

    def _window(self, name: str, killed: float, back: float) -> Window:
        now = time.monotonic()
        tries = [each for each in list(self.load.tries) if killed - 2 * DEAD_S <= _ends(each)]
        inside = [each for each in tries if _ends(each) >= killed]
        before = [each for each in tries if _ends(each) < killed and each.came_to == "ok"]
        failed = [each for each in inside if each.came_to != "ok"]
        good = sorted(_ends(each) for each in inside if each.came_to == "ok")
        edges = [killed, *good, now]
        done = [each for each in list(self.load.done) if each.began + each.seconds >= killed]
        return Window(
            name=name,
            by_hand=tuple(self._by_hand),
            seconds=round(now - killed, 1),
            back_after_s=round(back - killed, 1),
            rate_before=round(len(before) / (2 * DEAD_S), 1),
            answered_while_dead=dict(
                Counter(each.question for each in inside if each.came_to == "ok" and _ends(each) < back)
            ),
            questions=len(done),
            tries_failed=dict(Counter(f"{each.question}: {each.came_to}" for each in failed)),
            retried=sum(1 for each in done if each.cured and each.tries > 1),
            uncured=sum(1 for each in done if not each.cured),
            lasted_s=round(max((_ends(each) - killed for each in failed), default=0.0), 1),
            silent_s=round(max(after - one for one, after in pairwise(edges)), 1),
            longest_s=round(max((each.seconds for each in done), default=0.0), 1),
        )
