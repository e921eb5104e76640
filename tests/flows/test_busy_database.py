"""A database whose connections are all in use is not available now, which is no fault of the caller."""

import pytest

from storage import db as storage_db
from storage.db import Database
from tests.conftest import House
from vault.errors import Unavailable
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines


def test_an_exhausted_pool_is_told_as_unavailable(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_db, "POOL_TIMEOUT_S", 1)
    database = Database(house.settings.database_url.get_secret_value(), pool_size=1)
    try:
        with database.reading(VAULT):
            for waits in (database.reading, database.writing, database.snapshot):
                with pytest.raises(Unavailable, match="in use"), waits(VAULT):
                    pass
        database.ping()
    finally:
        database.close()
