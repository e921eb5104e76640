"""One run for all tests of this folder: a vault of its own, every route, every mishap, and what it left."""

from collections.abc import Iterator

import pytest

from api.app import create_app
from tests.edge.canary.calls import Browser
from tests.edge.canary.evidence import Evidence, gathered
from tests.edge.canary.marks import Marks
from tests.edge.canary.story import Story
from tests.edge.canary.vault import running_vault
from tests.receivers import receiver


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    """Everything that the run left behind."""
    with running_vault(tmp_path_factory.mktemp("canary")) as vault, receiver(200, 500) as hook:
        house = vault.house
        app = create_app(house.wired.workshop, house.wired.reader, house.wired.edge)
        browser = Browser(vault.base_url, app)
        with gathered(Story(vault, Marks(), browser, app, hook)) as found:
            yield found
        browser.close()
        app.state.edge.http.close()
