"""Questions under way together on one connection: each is answered by itself, whatever becomes of others."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
import pytest

from storage.exchange import Message
from storage.lanes import UNDER_WAY, Lanes
from tests.conftest import House

pytestmark = pytest.mark.engines

T = TypeVar("T")
ECHO = Message("SELECT %s::integer AS said", (7,))
WHO = Message("SELECT pg_backend_pid() AS pid")


def asked(house: House, question: Callable[[Lanes], Awaitable[T]], count: int = 1) -> T:
    async def ask() -> T:
        lanes = Lanes(house.settings.database_url.get_secret_value(), count=count)
        try:
            return await question(lanes)
        finally:
            lanes.close()

    return asyncio.run(ask())


def test_each_gets_its_own_answer_in_whatever_number(house: House) -> None:
    async def question(lanes: Lanes) -> list[int]:
        many = [Message(ECHO.text, (n,)) for n in range(5 * UNDER_WAY)]
        return [rows[0].said for rows in await asyncio.gather(*(lanes.ask(each) for each in many))]

    assert asked(house, question) == asked(house, question, count=3) == list(range(5 * UNDER_WAY))


def test_a_question_that_fails_fails_alone(house: House) -> None:
    async def question(lanes: Lanes) -> list[object]:
        wrong, hidden = Message("SELECT 1 / %s::integer", (0,)), Message("SELECT %s::text", ("\x00",))
        answers: list[object] = list(
            await asyncio.gather(
                *(lanes.ask(each) for each in (ECHO, wrong, ECHO, hidden, ECHO)), return_exceptions=True
            )
        )
        return [*answers, await lanes.ask(ECHO)]

    first, wrong, second, hidden, third, later = asked(house, question)
    assert first == second == third == later == [(7,)]
    assert isinstance(wrong, psycopg.errors.DivisionByZero)
    assert isinstance(hidden, psycopg.DataError)


def test_whoever_stops_waiting_leaves_the_others_their_answers(house: House) -> None:
    async def question(lanes: Lanes) -> object:
        await lanes.ask(ECHO)
        gone = asyncio.ensure_future(lanes.ask(Message("SELECT pg_sleep(0.05)")))
        other = asyncio.ensure_future(lanes.ask(ECHO))
        await asyncio.sleep(0)
        gone.cancel()
        return await other

    assert asked(house, question) == [(7,)]


def test_a_lost_connection_fails_what_is_under_way_and_is_made_anew(house: House) -> None:
    async def question(lanes: Lanes) -> tuple[object, int, int]:
        before = (await lanes.ask(WHO))[0].pid
        (under_way,) = await asyncio.gather(
            lanes.ask(Message("SELECT pg_terminate_backend(pg_backend_pid())")), return_exceptions=True
        )
        return under_way, before, (await lanes.ask(WHO))[0].pid

    under_way, before, after = asked(house, question)
    assert isinstance(under_way, psycopg.OperationalError)
    assert before != after


def test_a_server_that_is_not_there_is_told_and_no_more_is_left_waiting() -> None:
    async def ask() -> None:
        lanes = Lanes("postgresql://nobody@127.0.0.1:1/nothing", count=1)
        await lanes.open()  # says nothing: it may come later
        with pytest.raises(psycopg.OperationalError):
            await lanes.ask(ECHO)
        lanes.close()

    asyncio.run(ask())
