"""One scene for everything here."""

from asyncio import AbstractEventLoop
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from tests.conftest import House
from tests.edge.access.scene import Scene
from tests.edge.conftest import Caller
from vault.transparency.sequencing import sequence


@pytest.fixture(scope="package")
def scene(app: FastAPI, loop: AbstractEventLoop, house: House) -> Iterator[Scene]:
    """Everybody, and one of each thing that can be asked for."""
    made = Scene(Caller(app, loop), house)
    # Evidence is given once the log has published the leaf.
    sequence(house.wired.workshop, at=datetime.now(UTC), heads_apart=timedelta(0))
    yield made
    made.remove_webhooks()
    made.stop_seals()
