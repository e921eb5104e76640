"""Strangers' files wait for one another, not for ever, and whatever becomes of one, the next has its turn."""

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import anyio
import anyio.lowlevel
import httpx
import pytest
from fastapi import FastAPI

import api.edge
from api.edge import FILES_JUDGED_AT_ONCE, Edge
from signing.confined import Judges
from signing.examination import Examined
from signing.validate import Trust
from tests.provider import ORIGIN

pytestmark = pytest.mark.engines

PATIENCE_S = 60.0


class Gate:
    """Judges, none of which begins before the gate is open. `broken`: each of them breaks down."""

    def __init__(self, judges: Judges) -> None:
        self.judges = judges
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()
        self.broken = False

    def examine(self, content: bytes, *, trust: Trust, at: datetime) -> Examined:
        """As the judges'."""
        self.begun.release()
        assert self.open.wait(PATIENCE_S)
        if self.broken:
            raise RuntimeError("A judge that breaks down.")
        return self.judges.examine(content, trust=trust, at=at)

    async def until_begun(self) -> None:
        """Returns when one more judge stands at the gate."""
        assert await asyncio.to_thread(self.begun.acquire, timeout=PATIENCE_S)


@pytest.fixture
def edge(app: FastAPI) -> Edge:
    found = app.state.edge
    assert isinstance(found, Edge)
    return found


@pytest.fixture
def gate(edge: Edge, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    with Judges(standing=1) as judges:  # the edge's own are started with a server
        gate = Gate(judges)
        monkeypatch.setattr(edge, "judges", gate)
        yield gate
        gate.open.set()
    assert edge.judging.borrowed_tokens == 0


@pytest.fixture
def client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, timeout=PATIENCE_S)


async def judged(client: httpx.AsyncClient) -> httpx.Response:
    """The answer for a file that nobody has seen."""
    content = f"%PDF-1.7 strange {datetime.now(UTC)}".encode()
    return await client.post(
        "/v1/verifications", content=content, headers={"content-type": "application/pdf"}
    )


def test_when_all_judges_are_busy_for_long_one_is_asked_to_come_again(
    client: httpx.AsyncClient,
    gate: Gate,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def one_too_many() -> None:
        busy = [asyncio.create_task(judged(client)) for _ in range(FILES_JUDGED_AT_ONCE)]
        for _ in busy:
            await gate.until_begun()
        with monkeypatch.context() as impatient:
            impatient.setattr(api.edge, "JUDGE_WITHIN_S", 0.01)
            refused = await judged(client)
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "5"
        assert "send it again" in refused.json()["detail"]
        patient = asyncio.create_task(judged(client))
        gate.open.set()
        answers = await asyncio.gather(*busy, patient)
        assert {(each.status_code, each.json()["verdict"]) for each in answers} == {(200, "unrecognised")}

    loop.run_until_complete(one_too_many())


def test_a_judge_that_breaks_down_leaves_its_place_to_the_next(
    client: httpx.AsyncClient, edge: Edge, gate: Gate, loop: asyncio.AbstractEventLoop
) -> None:
    async def broken_then_well() -> None:
        gate.broken = True
        gate.open.set()
        for _ in range(FILES_JUDGED_AT_ONCE + 1):
            answer = await judged(client)
            assert answer.status_code == 500
            assert edge.judging.borrowed_tokens == 0
        gate.broken = False
        assert (await judged(client)).status_code == 200

    loop.run_until_complete(broken_then_well())


def test_a_client_that_goes_away_gives_its_place_back_when_its_judge_has_ended(
    client: httpx.AsyncClient, edge: Edge, gate: Gate, loop: asyncio.AbstractEventLoop
) -> None:
    """Not earlier: the judge still has its gigabyte."""

    async def gone() -> None:
        async with anyio.create_task_group() as clients:
            clients.start_soon(judged, client)
            await gate.until_begun()
            clients.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
                assert edge.judging.borrowed_tokens == 1
            gate.open.set()
        assert edge.judging.borrowed_tokens == 0

    loop.run_until_complete(gone())


def test_a_client_that_goes_away_while_it_waits_leaves_the_line(
    client: httpx.AsyncClient, edge: Edge, gate: Gate, loop: asyncio.AbstractEventLoop
) -> None:
    async def gone() -> None:
        busy = [asyncio.create_task(judged(client)) for _ in range(FILES_JUDGED_AT_ONCE)]
        for _ in busy:
            await gate.until_begun()
        async with anyio.create_task_group() as clients:
            clients.start_soon(judged, client)
            while not edge.judging.statistics().tasks_waiting:
                await anyio.lowlevel.checkpoint()
            clients.cancel_scope.cancel()
        assert edge.judging.statistics().tasks_waiting == 0
        gate.open.set()
        assert {each.status_code for each in await asyncio.gather(*busy)} == {200}

    loop.run_until_complete(gone())
