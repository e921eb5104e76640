"""The scene that tests of holders' histories begin with."""

import secrets

import pytest

from tests.conftest import House
from tests.flows.holder_scene import Scene
from tests.flows.test_reuse import CONSTRUCTION, given, new_company
from tests.flows.test_uses import person
from tests.trials import now
from vault.model.actors import ClientGrant
from vault.signin import add_client


@pytest.fixture
def scene(house: House) -> Scene:
    company = new_company()
    name = f"receiver-{secrets.token_hex(4)}"
    add_client(house.wired.workshop, name, "样例省政务服务平台", frozenset(), at=now())
    receiver = ClientGrant(name, "样例省政务服务平台", frozenset())
    return Scene(house, given(house, CONSTRUCTION, company), company, person(company), receiver)
