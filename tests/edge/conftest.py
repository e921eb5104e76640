"""The application over the suite's vault, called in this process as over the wire."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.wiring import reader_of
from tests.conftest import House
from tests.provider import ORIGIN


class Caller:
    """A client of the application with a cookie jar, on an event loop of its own."""

    def __init__(self, app: FastAPI, loop: asyncio.AbstractEventLoop, origin: str = ORIGIN) -> None:
        self._loop = loop
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url=origin)

    def __call__(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - what httpx takes
        """One request, answered."""
        return self._loop.run_until_complete(self._client.request(method, path, **request))

    def cookie(self, name: str) -> str:
        """What the browser has under this name."""
        found = self._client.cookies.get(name)
        assert found is not None
        return found

    def keep(self, name: str, value: str) -> None:
        """Puts a cookie into the browser."""
        self._client.cookies.set(name, value, domain="vault.example", path="/")


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """One event loop for the application's whole life."""
    loop = asyncio.new_event_loop()
    yield loop
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()


@pytest.fixture(scope="session")
def app(house: House, loop: asyncio.AbstractEventLoop) -> Iterator[FastAPI]:
    """The application, its reader open."""
    reader = reader_of(house.settings, house.wired.workshop.keys)
    app = create_app(house.wired.workshop, reader, house.wired.edge)
    loop.run_until_complete(reader.open())
    yield app
    loop.run_until_complete(reader.close())
    app.state.edge.http.close()


@pytest.fixture
def caller(app: FastAPI, loop: asyncio.AbstractEventLoop) -> Caller:
    """Somebody whom nobody knows yet."""
    return Caller(app, loop)


@pytest.fixture
def bearer(caller: Caller, house: House) -> dict[str, str]:
    """The header of the suite's approval system."""
    credentials = (house.client.client_id, house.client_secret)
    answer = caller("POST", "/oauth/token", data={"grant_type": "client_credentials"}, auth=credentials)
    return {"authorization": f"Bearer {answer.json()['access_token']}"}
