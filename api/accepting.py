"""A server that leaves new connections to whichever process has fewer of them.

Processes that listen on one socket are all woken for a connection, and libuv takes every one that waits: of
two clients at once both often landed on one process, which then answered them in turns while the other had
nothing to do. Here a process takes the later the more it has, so that the idle one is first, and at most as
many again as it has: one that is flooded keeps up. Of two that have as many, the one that took a client just
now is the later one, but never later than one that has more. No process needs to know of another.
"""

import asyncio
import gc
import socket
from functools import partial
from typing import Any

import uvicorn

# Longer than any new connection waits for a process with less to do, which may have to wait for a core first;
# requests on it wait for nothing.
PATIENCE_MS = 10
# With so many connections a process waits half as long.
HALF_AT = 1
# Whoever took a client so lately leaves the next one to another that has as many: it counts as half a
# connection more, which outweighs no connection that there is.
RECENT_S = 0.05
RECENT_COUNTS = 0.5
# Out of descriptors, or nearly: closing connections gives some back.
EXHAUSTED_WAIT_S = 0.1


def wait_ms(mine: int, *, recent: bool) -> float:
    """How long a process with so many connections leaves a new one to the others; `recent`: it just took one.

    0 where it has none and took none; grows with both, and stays below `PATIENCE_MS`.
    """
    count = mine + (RECENT_COUNTS if recent else 0)
    return PATIENCE_MS * count / (count + HALF_AT)


class IdlestFirstServer(uvicorn.Server):
    """As uvicorn's, on listening sockets that it is given."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._beginning: set[asyncio.Task[object]] = set()
        self._took_at = -RECENT_S

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts the application, then waits for connections."""
        await super().startup(sockets=[])
        # What was loaded stays for good. A full collection would look through a quarter of a million objects
        # for a tenth of a second, and whoever asks meanwhile would wait for it.
        gc.collect()
        gc.freeze()
        for listening in sockets or []:
            listening.settimeout(0)
            self._wait_for(listening)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no more connections, and ends those that there are when they have been answered."""
        loop = asyncio.get_running_loop()
        for listening in sockets or []:
            loop.remove_reader(listening)
        # Until these have begun, nobody knows them who could tell them to end.
        await asyncio.gather(*self._beginning, return_exceptions=True)
        await super().shutdown(sockets)

    def _wait_for(self, listening: socket.socket) -> None:
        if listening.fileno() >= 0 and not self.should_exit:
            asyncio.get_running_loop().add_reader(listening, self._knocked, listening)

    def _knocked(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        # First of all: a connection that is left to others would call again at once, and for ever.
        loop.remove_reader(listening)
        if self.should_exit:
            return
        mine = len(self.server_state.connections) + len(self._beginning)
        wait = wait_ms(mine, recent=loop.time() - self._took_at < RECENT_S)
        if wait == 0:
            self._take_and_wait(listening, 1)
        else:
            loop.call_later(wait / 1000, self._take_and_wait, listening, max(1, mine))

    def _take_and_wait(self, listening: socket.socket, count: int) -> None:
        if self._take(listening, count):
            self._wait_for(listening)
        else:
            asyncio.get_running_loop().call_later(EXHAUSTED_WAIT_S, self._wait_for, listening)

    def _take(self, listening: socket.socket, count: int) -> bool:
        """Takes up to `count` connections; False where the system gives no more."""
        for _ in range(0 if self.should_exit else count):
            try:
                connection, _ = listening.accept()
            except (BlockingIOError, ConnectionAbortedError):
                break
            except OSError:
                return False
            connection.settimeout(0)
            self._took_at = asyncio.get_running_loop().time()
            self._begin(connection)
        return True

    def _begin(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        # Typed as any protocol, which takes nothing; Uvicorn's own take these.
        protocol: Any = self.config.http_protocol_class
        state = {"server_state": self.server_state, "app_state": self.lifespan.state}
        made = partial(protocol, config=self.config, **state)
        task = loop.create_task(loop.connect_accepted_socket(made, connection))
        self._beginning.add(task)
        task.add_done_callback(self._begun)

    def _begun(self, task: asyncio.Task[object]) -> None:
        self._beginning.discard(task)
        if not task.cancelled():
            task.exception()  # a client that was gone before it was answered
