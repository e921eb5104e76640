"""Processes on one socket share their clients, whoever is woken first."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from api.accepting import PATIENCE_MS, IdlestFirstServer, wait_ms
from tests.programs import eventually

PROCESSES = 2
CLIENTS = 24
ROUNDS = 40
# Measured: 0 on a quiet machine, 8 beside three busy loops on two cores; where libuv takes clients, 15 to 23
# and 36 to 38.
SHARED_AT_MOST = 14
PATIENCE_S = 60.0
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n"
DESCRIPTORS_LEFT = 4


async def whoami(scope: dict[str, object], _receive: object, send: object) -> None:
    """An application that answers with its process."""
    if scope["type"] != "http":
        return
    assert callable(send)
    body = str(os.getpid()).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def answer(descriptor: int) -> None:
    """One process of several."""
    config = uvicorn.Config(whoami, loop="uvloop", http="httptools", lifespan="off", log_config=None)
    with socket.socket(fileno=descriptor) as listening:
        IdlestFirstServer(config).run(sockets=[listening])


@pytest.fixture
def processes() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128))
        started = []
        for _ in range(PROCESSES):
            command = [sys.executable, "-c", "import sys; from tests.engines.test_accepting import answer;"]
            command[-1] += "answer(int(sys.argv[1]))"
            descriptor = listening.fileno()
            child = subprocess.Popen([*command, str(descriptor)], pass_fds=[descriptor])
            stack.callback(child.wait)
            stack.callback(child.kill)
            started.append(child)
        host, port = listening.getsockname()
        base = f"http://{host}:{port}"
        seen: set[str] = set()
        while len(seen) < PROCESSES:  # until all are up; a connection each time
            seen.add(httpx.get(base, timeout=PATIENCE_S, trust_env=False).text)
        yield base, started


def test_two_clients_at_once_are_on_two_processes(
    processes: tuple[str, list[subprocess.Popen[bytes]]],
) -> None:
    """A process that has no core for ten milliseconds cannot be first: on a busy machine that happens."""
    base, _ = processes
    shared = 0
    for _ in range(ROUNDS):
        with ExitStack() as stack:
            both = [stack.enter_context(connected(base)) for _ in range(2)]
            for client in both:
                client.sendall(REQUEST)
            bodies = [body(client) for client in both]
        shared += bodies[0] == bodies[1]
    assert shared <= SHARED_AT_MOST


def test_a_connection_outweighs_how_lately_one_was_taken() -> None:
    """The count first, then who took one lately; all in strict order, and no wait beyond the patience."""
    order = [wait_ms(mine, recent=recent) for mine in range(1000) for recent in (False, True)]
    assert order[0] == 0
    assert order == sorted(set(order))
    assert order[-1] < PATIENCE_MS


def test_an_idle_connection_makes_the_other_process_the_first(
    processes: tuple[str, list[subprocess.Popen[bytes]]],
) -> None:
    base, _ = processes
    with httpx.Client(timeout=PATIENCE_S, trust_env=False) as idle:
        busier = idle.get(base).text
        taken = Counter(httpx.get(base, timeout=PATIENCE_S, trust_env=False).text for _ in range(ROUNDS))
    assert taken[busier] <= SHARED_AT_MOST


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
def test_who_waits_while_a_process_ends_or_hangs_is_answered(
    processes: tuple[str, list[subprocess.Popen[bytes]]], end: signal.Signals
) -> None:
    """All wait in the kernel's queue: both processes are stopped when they come."""
    base, (first, second) = processes
    for each in (first, second):
        each.send_signal(signal.SIGSTOP)
    with ExitStack() as stack:
        waiting = [stack.enter_context(asking(base)) for _ in range(CLIENTS)]
        first.send_signal(end)
        for each in (first, second):
            if end is not signal.SIGSTOP or each is second:
                each.send_signal(signal.SIGCONT)
        answered = Counter(body(client) for client in waiting)
    assert answered.total() == CLIENTS
    assert set(answered) <= {str(first.pid), str(second.pid)}
    assert answered[str(first.pid)] == 0 or end is signal.SIGTERM
    if end is not signal.SIGSTOP:
        assert first.wait(PATIENCE_S) in (0, -end)


def test_who_is_out_of_descriptors_goes_on_when_some_come_back(
    processes: tuple[str, list[subprocess.Popen[bytes]]],
) -> None:
    base, both = processes
    most = {each.pid: len(descriptors(each)) + DESCRIPTORS_LEFT for each in both}
    for pid, number in most.items():
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (number, number))  # a bound on numbers, not on how many
    with ExitStack() as stack:
        waiting = stack.enter_context(connected(base))
        idle = stack.enter_context(ExitStack())
        for _ in range(CLIENTS):
            idle.enter_context(connected(base))
        eventually(
            lambda: all(descriptors(each).issuperset(range(most[each.pid])) for each in both),
            "no descriptor left",
        )
        last = stack.enter_context(asking(base))
        idle.close()
        waiting.sendall(REQUEST)
        pids = {str(each.pid) for each in both}
        assert {body(last), body(waiting)} <= pids


def test_a_server_that_is_about_to_end_is_not_called_again_and_again() -> None:
    calls = 0

    class Counting(IdlestFirstServer):
        def _knocked(self, listening: socket.socket) -> None:
            nonlocal calls
            calls += 1
            super()._knocked(listening)

    async def told_to_end() -> None:
        server = Counting(uvicorn.Config(whoami, lifespan="off", log_config=None))
        with listening_for(server) as listening:
            await server.startup([listening])
            server.should_exit = True
            with socket.create_connection(listening.getsockname()):
                for _ in range(ROUNDS):
                    await asyncio.sleep(0)
                left, _ = listening.accept()  # for another process
                left.close()
            await server.shutdown([listening])

    asyncio.run(told_to_end())
    assert calls == 1


def test_a_connection_that_just_begins_is_told_to_end_as_all_others() -> None:
    async def ended() -> bytes:
        server = IdlestFirstServer(uvicorn.Config(whoami, lifespan="off", log_config=None))
        with listening_for(server) as listening:
            await server.startup([listening])
            with socket.create_connection(listening.getsockname()) as client:
                client.settimeout(0)
                while not server._beginning:  # noqa: ASYNC110, SLF001 - nothing else tells this moment
                    await asyncio.sleep(0)
                await server.shutdown([listening])
                return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), PATIENCE_S)

    assert asyncio.run(ended()) == b""


@contextmanager
def listening_for(server: IdlestFirstServer) -> Iterator[socket.socket]:
    """A socket for a server that runs in this process, made ready as `serve` does."""
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def connected(base: str) -> socket.socket:
    address = urlsplit(base)
    return socket.create_connection((str(address.hostname), int(address.port or 0)), PATIENCE_S)


def asking(base: str) -> socket.socket:
    """A client that has asked, and reads later."""
    client = connected(base)
    client.sendall(REQUEST)
    return client


def body(client: socket.socket) -> str:
    return b"".join(iter(partial(client.recv, 4096), b"")).split(b"\r\n\r\n")[1].decode()


def descriptors(process: subprocess.Popen[bytes]) -> set[int]:
    """Those that it has open."""
    return {int(each.name) for each in Path(f"/proc/{process.pid}/fd").iterdir()}


def test_a_client_keeps_its_process(processes: tuple[str, list[subprocess.Popen[bytes]]]) -> None:
    base, _ = processes
    with ExitStack() as stack:
        clients = [
            stack.enter_context(httpx.Client(timeout=PATIENCE_S, trust_env=False)) for _ in range(CLIENTS)
        ]
        first = [client.get(base).text for client in clients]
        assert [client.get(base).text for client in clients] == first
    assert len(Counter(first)) == PROCESSES


def test_clients_that_come_all_at_once_are_all_answered_and_shared(
    processes: tuple[str, list[subprocess.Popen[bytes]]],
) -> None:
    base, _ = processes

    async def ask_all() -> list[str]:
        async with httpx.AsyncClient(timeout=PATIENCE_S, trust_env=False) as client:
            answers = await asyncio.gather(*(client.get(base) for _ in range(CLIENTS)))
            return [each.text for each in answers]

    counted = Counter(asyncio.run(ask_all()))
    assert counted.total() == CLIENTS
    assert len(counted) == PROCESSES


def test_a_process_that_is_told_to_end_leaves_new_clients_to_the_other(
    processes: tuple[str, list[subprocess.Popen[bytes]]],
) -> None:
    base, (first, second) = processes
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE_S) in (0, -signal.SIGTERM)
    for _ in range(CLIENTS):
        assert httpx.get(base, timeout=PATIENCE_S, trust_env=False).text == str(second.pid)
