"""Questions on the event loop: many under way at once on a connection, answered in the order they were asked.

A pool hands a connection to one question at a time, and psycopg's own way to wait for an answer takes longer
than the server takes to find it. Here a question goes out at once, behind those that are under way (libpq's
pipeline mode), and the event loop says when something came back.

Each question stands by itself: it is synced alone, so where one fails the others are answered all the same.
"""

import asyncio
import os
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

from storage.exchange import Message, Prepared, Rows, Sent

# Questions that one connection has under way before another one is opened: a look-up takes a fraction of a
# millisecond, and those who wait for one another on a connection cost the server the least.
UNDER_WAY = 8
# Longer than any answer takes on a healthy server, and as long as anybody waits at a window.
ANSWER_WITHIN_S = 5.0
_NOTHING = Message("SELECT")


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question on its way, and what has come back of it."""

    sent: list[Sent]
    answer: "asyncio.Future[tuple[Rows, ...]]"
    results: list[PGresult] = field(default_factory=list)


class Lanes:
    """Connections of one event loop, opened as they are needed: autocommit, and nothing is said on them.

    `count`: how many there may be. A connection that is lost fails what is under way on it, and is made anew
    for the next question.
    """

    def __init__(self, url: str, *, count: int) -> None:
        self._lanes = tuple(_Lane(url) for _ in range(count))

    async def open(self) -> None:
        """Connects ahead of the first question, where the server is there."""
        with suppress(psycopg.OperationalError, TimeoutError):
            await self._lanes[0].ask(_NOTHING)

    async def ask(self, message: Message) -> Rows:
        """The rows that a statement answers. Its text is prepared as long as its connection lives.

        Raises:
            psycopg.Error: it failed, or the server cannot be reached.
            TimeoutError: no answer came in time.
        """
        lane = next((lane for lane in self._lanes if lane.under_way < UNDER_WAY), None)
        return await (lane or min(self._lanes, key=lambda each: each.under_way)).ask(message)

    def close(self) -> None:
        """Closes every connection; what is under way fails."""
        for lane in self._lanes:
            lane.drop(psycopg.OperationalError("The connection was closed."))


class _Lane:
    """One connection, or none yet."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._own: Prepared | None = None
        # libpq closes its own as soon as the connection is lost, before the event loop has let go of it.
        self._descriptor = -1
        self._opening = asyncio.Lock()
        self._asked: deque[_Asked] = deque()
        self._beginning = 0

    @property
    def under_way(self) -> int:
        """How many questions wait here."""
        return len(self._asked) + self._beginning

    async def ask(self, message: Message) -> Rows:
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                if self._own is None:
                    self._beginning += 1
                    try:
                        await self._open()
                    finally:
                        self._beginning -= 1
                (rows,) = await self._send(message)
        except TimeoutError:
            self.drop(psycopg.OperationalError("An answer did not come in time."))
            raise
        return rows

    async def _open(self) -> None:
        async with self._opening:
            if self._own is not None:
                return
            connection = await psycopg.AsyncConnection.connect(self._url, autocommit=True)
            connection.pgconn.nonblocking = 1
            connection.pgconn.enter_pipeline_mode()
            self._descriptor = os.dup(connection.pgconn.socket)
            asyncio.get_running_loop().add_reader(self._descriptor, self._heard)
            self._connection, self._own = connection, Prepared(connection)

    def _send(self, message: Message) -> "asyncio.Future[tuple[Rows, ...]]":
        connection, own = self._connection, self._own
        assert connection is not None  # noqa: S101 - both are there from `_open` to `drop`
        assert own is not None  # noqa: S101 - as above
        loop = asyncio.get_running_loop()
        try:
            asked = _Asked([own.send(message)], loop.create_future())
            connection.pgconn.pipeline_sync()
            self._asked.append(asked)
            if connection.pgconn.flush():
                loop.add_writer(self._descriptor, self._flushed)
        except psycopg.OperationalError as error:
            self.drop(error)
            raise
        return asked.answer

    def _flushed(self) -> None:
        connection = self._connection
        if connection is None:
            return
        try:
            if not connection.pgconn.flush():
                asyncio.get_running_loop().remove_writer(self._descriptor)
        except psycopg.Error as error:
            self.drop(error)

    def _heard(self) -> None:
        """Reads what came, and answers whoever has all of theirs."""
        connection, own = self._connection, self._own
        if connection is None or own is None:
            return
        pgconn, asked = connection.pgconn, self._asked
        try:
            pgconn.consume_input()
            while asked and not pgconn.is_busy():
                result = pgconn.get_result()
                if result is None:  # the end of one statement's
                    if pgconn.status == ConnStatus.BAD:
                        raise psycopg.OperationalError("The connection was lost.")
                    continue
                if result.status == ExecStatus.PIPELINE_SYNC:
                    _answer(own, asked.popleft())
                else:
                    asked[0].results.append(result)
        except psycopg.Error as error:
            self.drop(error)

    def drop(self, error: Exception) -> None:
        """Lets go of the connection; what is under way fails with this."""
        connection, self._connection, self._own = self._connection, None, None
        asked, self._asked = self._asked, deque()
        if connection is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._descriptor)
            loop.remove_writer(self._descriptor)
            os.close(self._descriptor)
            connection.pgconn.finish()
        for each in asked:
            if not each.answer.done():
                each.answer.set_exception(error)


def _answer(own: Prepared, asked: _Asked) -> None:
    try:
        heard = own.heard(asked.sent, asked.results)
    except psycopg.Error as error:
        if not asked.answer.done():
            asked.answer.set_exception(error)
        return
    if not asked.answer.done():  # else whoever asked is gone
        asked.answer.set_result(heard)
