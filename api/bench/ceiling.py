"""The load generator's own ceiling: against a server that answers the same bytes to anything, unread."""

import asyncio
import socket
from functools import lru_cache
from typing import cast

import uvloop

from api.bench.figures import Result, Run, interleaved
from api.bench.load import Load, apply_load, expect
from api.bench.requests import get
from api.bench.stage import AT_ONCE, HELLO, LOOPBACK, Stage

_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 3\r\n\r\nok\n"
# The answering side outlives the load by this much, so that every request is answered.
_MARGIN_S = 0.5


def measure_generator(on: Stage, seconds: float) -> Result:
    """What the generator can do where the server costs next to nothing, beside the hello route.

    Where the two come close, the generator and not the server was measured elsewhere.
    """
    answering = on.cores[0]
    port = answering.submit(_port).result()
    request = ((get(f"{LOOPBACK}:{port}", "/livez"),),)

    def stretch(seconds: float) -> Run:
        answerer = answering.submit(_answer_anything, seconds + _MARGIN_S)
        load = Load(LOOPBACK, port, request, AT_ONCE, seconds=seconds, again=True)
        heard = expect(on.generator.submit(apply_load, load).result(), 200)
        answerer.result()
        return heard.run

    run, reference = interleaved(stretch, on.hello, seconds)
    return Result(
        "generator",
        f"the load generator against a socket that answers the same bytes to anything, {AT_ONCE} at once",
        run,
        HELLO,
        reference,
    )


@lru_cache(maxsize=1)
def _listening() -> socket.socket:
    return socket.create_server((LOOPBACK, 0))


def _port() -> int:
    return int(_listening().getsockname()[1])


def _answer_anything(seconds: float) -> None:
    uvloop.run(_answer_for(seconds))


async def _answer_for(seconds: float) -> None:
    server = await asyncio.get_running_loop().create_server(_Parrot, sock=_listening().dup())
    async with server:
        await asyncio.sleep(seconds)


class _Parrot(asyncio.Protocol):
    """Takes whatever arrives for one request: the generator sends the next only after the answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps the way back."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own, not derived from asyncio's

    def data_received(self, _data: bytes) -> None:
        """Answers."""
        self._transport.write(_ANSWER)
