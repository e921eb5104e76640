"""Processes on one socket share their clients, whoever is woken first."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from api.accepting import IdlestFirstServer

PROCESSES = 2
CLIENTS = 24
ROUNDS = 40
# Measured: 0 on a quiet machine, 8 beside three busy loops on two cores; where libuv takes clients, 15 to 23
# and 36 to 38.
SHARED_AT_MOST = 14
PATIENCE_S = 60.0


async def whoami(scope: dict[str, object], _receive: object, send: object) -> None:
    """An application that answers with its process."""
    if scope["type"] != "http":
        return
    assert callable(send)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})


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
    address = urlsplit(base)
    place = (str(address.hostname), int(address.port or 0))
    shared = 0
    for _ in range(ROUNDS):
        with ExitStack() as stack:
            both = [stack.enter_context(socket.create_connection(place, PATIENCE_S)) for _ in range(2)]
            for client in both:
                client.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            answers = [b"".join(iter(partial(client.recv, 4096), b"")) for client in both]
        bodies = [answer.split(b"\r\n\r\n")[1] for answer in answers]
        shared += bodies[0] == bodies[1]
    assert shared <= SHARED_AT_MOST


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
