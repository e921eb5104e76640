"""A store for crash tests that loses what it acknowledged."""

from collections.abc import Iterator

import pytest

from api.wiring import wire
from tests.conftest import House
from tests.faults import LyingStore, lying_store
from vault.workshop import Workshop


@pytest.fixture
def store_that_lies(house: House) -> Iterator[tuple[Workshop, LyingStore]]:
    """A workshop whose objects go through a store that can lie, and that store."""
    with lying_store(str(house.settings.s3_endpoint)) as store:
        settings = house.settings.model_copy(
            update={"s3_endpoint": f"http://127.0.0.1:{store.server_address[1]}"}
        )
        workshop = wire(settings).workshop
        yield workshop, store
        workshop.database.close()
