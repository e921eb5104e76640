"""What fsck is cut into: parts that do not touch each other, plain values that go to processes and back."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from dataclasses import dataclass
from typing import TypeAlias

from storage.spans import Span
from vault.errors import Unavailable
from vault.fsck.findings import Finding

_DIED = "A process of fsck died, so that not everything was looked at; begin it again."


@dataclass(frozen=True, slots=True)
class CertificatePart:
    """Certificates by id: steps 1, 2, 3 and 8."""

    span: Span


@dataclass(frozen=True, slots=True)
class MaterialPart:
    """Materials by id: step 4."""

    span: Span


@dataclass(frozen=True, slots=True)
class EnvelopePart:
    """Rows of one table with envelopes, by id: step 4."""

    table: str
    span: Span


@dataclass(frozen=True, slots=True)
class EventPart:
    """Audit events by id: step 4."""

    span: Span


@dataclass(frozen=True, slots=True)
class ObjectPart:
    """Objects of the store by name: step 5."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CasePart:
    """Cases by id: step 6."""

    span: Span


Part: TypeAlias = CertificatePart | MaterialPart | EnvelopePart | EventPart | ObjectPart | CasePart


@dataclass(frozen=True, slots=True)
class PartDone:
    """What was found in a part. `certificates`, `objects`: how many of them it had."""

    findings: tuple[Finding, ...]
    certificates: int = 0
    objects: int = 0


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does the parts. `submit`: gives one to a process; `together`: how many it should have at a time."""

    submit: Callable[[Part], "Future[PartDone]"]
    together: int


def done_parts(hands: Hands, parts: Iterable[Part]) -> Iterator[PartDone]:
    """What became of each part, in the order of the parts; `hands.together` are under way at most.

    Where it raises, parts are still under way, and for whoever gave the hands out to end: a pool's own thread
    tells every future of a process that died, and one that was cancelled under its hands ends that thread,
    before it has ended the other processes.

    Raises:
        Unavailable: an engine does not answer, or a process died.
    """
    under_way: deque[Future[PartDone]] = deque()
    try:
        for part in parts:
            if len(under_way) >= hands.together:
                yield under_way.popleft().result()
            under_way.append(hands.submit(part))
        while under_way:
            yield under_way.popleft().result()
    except BrokenExecutor as error:  # to whoever waits, or to whoever hands in the next part
        raise Unavailable(_DIED) from error
