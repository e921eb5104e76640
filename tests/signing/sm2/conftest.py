"""Both engines, one after the other, behind the same functions."""

import pytest

from signing.sm2 import engine, gmssl, libcrypto
from signing.sm2.engine import Engine


def opened(name: str) -> Engine:
    """The engine of this name; the machines that test the project have both."""
    found: Engine | None = {"libcrypto": libcrypto, "gmssl": gmssl}[name].open_engine()
    assert found is not None
    assert found.name == name
    return found


@pytest.fixture(params=["libcrypto", "gmssl"])
def sm2_engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The engine that `signing.sm2` computes with during this test."""
    found = opened(request.param)
    monkeypatch.setattr(engine, "chosen_engine", lambda: found)
    return found
