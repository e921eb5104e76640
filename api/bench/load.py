"""The load generator: HTTP/1.1 over keep-alive connections, small enough to leave the cores to the server.

It knows just what our own server answers: a status line, headers with Content-Length, a body.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

import uvloop

from api.bench.figures import Run
from vault.errors import IntegrityError, Unavailable

# After the last job is given out, what is under way may take this long.
PATIENCE_S = 60.0
_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_STATUS = slice(len("HTTP/1.1 "), len("HTTP/1.1 200"))


@dataclass(frozen=True, slots=True)
class Load:
    """`jobs`, each one or several requests in a row on one connection, `at_once` of them under way.

    `seconds` None: every job once. Otherwise jobs are given out until then, from the first again when
    `again`; without it the load may end early. `keep`: the last answer's body of every job comes back.
    """

    host: str
    port: int
    jobs: tuple[tuple[bytes, ...], ...] = field(repr=False)
    at_once: int
    seconds: float | None = None
    again: bool = False
    keep: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """What came back: times, how often each status of a last answer came, and bodies by job where kept."""

    run: Run
    statuses: Mapping[int, int]
    bodies: Mapping[int, bytes] = field(repr=False)
    odd_answer: bytes = field(repr=False)


def apply_load(load: Load) -> Heard:
    """Runs a load in this process, which should do nothing else.

    Raises:
        Unavailable: the server closed a connection, or did not answer in time.
    """
    return uvloop.run(_apply(load))


def expect(heard: Heard, *statuses: int) -> Heard:
    """The same, if every job ended with one of these statuses.

    Raises:
        IntegrityError: one did not; the sentence holds one such answer (everybody in it is invented).
    """
    odd = {status: count for status, count in heard.statuses.items() if status not in statuses}
    if odd:
        raise IntegrityError(f"Answers with status {odd}, expected {statuses}: {heard.odd_answer[:500]!r}")
    return heard


async def _apply(load: Load) -> Heard:
    loop = asyncio.get_running_loop()
    desk = _Desk(load, loop.create_future())
    loop.set_exception_handler(
        lambda _loop, found: desk.fail(found.get("exception") or RuntimeError(found["message"]))
    )
    try:
        async with asyncio.timeout((load.seconds or 0.0) + PATIENCE_S):
            # One by one, and each at work at once: a server process that is busy leaves the next to another.
            for _ in range(load.at_once):
                await loop.create_connection(lambda: _Caller(desk), load.host, load.port)
            await desk.finished
    except (TimeoutError, OSError) as error:
        raise Unavailable(f"The server under load does not answer: {error!r}.") from error
    elapsed_s = perf_counter() - desk.started
    run = Run(len(desk.durations_s), elapsed_s, tuple(desk.durations_s))
    return Heard(run, desk.statuses, desk.bodies, desk.odd_answer)


class _Desk:
    """Gives out jobs and collects what came of them."""

    def __init__(self, load: Load, finished: "asyncio.Future[None]") -> None:
        self.load = load
        self.finished = finished
        self.started = perf_counter()
        self.durations_s: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.bodies: dict[int, bytes] = {}
        self.odd_answer = b""
        self._given_out = 0
        self._under_way = 0

    def take(self) -> int | None:
        """The next job's place; None when there is no more to do."""
        load = self.load
        over = load.seconds is not None and perf_counter() - self.started >= load.seconds
        if over or (self._given_out >= len(load.jobs) and not load.again):
            if self._under_way == 0 and not self.finished.done():
                self.finished.set_result(None)
            return None
        self._given_out += 1
        self._under_way += 1
        return (self._given_out - 1) % len(load.jobs)

    def hand_in(self, job: int, status: int, body: bytes, duration_s: float) -> None:
        """A job is done."""
        self._under_way -= 1
        self.durations_s.append(duration_s)
        self.statuses[status] += 1
        if status >= 300 and not self.odd_answer:  # noqa: PLR2004 - HTTP's own number
            self.odd_answer = body
        if self.load.keep:
            self.bodies[job] = body

    def fail(self, error: Exception) -> None:
        """The load cannot go on."""
        if not self.finished.done():
            self.finished.set_exception(error)


class _Caller(asyncio.Protocol):
    """One connection: a job's requests one after another, then the next job."""

    def __init__(self, desk: _Desk) -> None:
        self._desk = desk
        self._buffer = bytearray()
        self._job: int | None = None
        self._sent = 0
        self._began = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own, not derived from asyncio's
        self._next_job()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._job is not None:
            self._desk.fail(exc or ConnectionError("closed while a request was under way"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_end = self._buffer.find(_HEAD_END)
        if head_end < 0 or self._job is None:
            return
        length = _CONTENT_LENGTH.search(self._buffer, 0, head_end + 2)
        if length is None:
            self._desk.fail(ConnectionError("an answer without Content-Length"))
            return
        end = head_end + len(_HEAD_END) + int(length[1])
        if len(self._buffer) < end:
            return
        status = int(self._buffer[_STATUS])
        requests = self._desk.load.jobs[self._job]
        if self._sent < len(requests) and status < 300:  # noqa: PLR2004 - HTTP's own number
            self._buffer.clear()
            self._send(requests[self._sent])
            return
        body = bytes(self._buffer[head_end + len(_HEAD_END) : end])
        self._buffer.clear()
        self._desk.hand_in(self._job, status, body, perf_counter() - self._began)
        self._next_job()

    def _next_job(self) -> None:
        self._job = self._desk.take()
        self._sent = 0
        if self._job is None:
            self._transport.close()
            return
        self._began = perf_counter()
        self._send(self._desk.load.jobs[self._job][0])

    def _send(self, request: bytes) -> None:
        self._sent += 1
        self._transport.write(request)
