"""One typesetter for all page tests: making it is what takes time."""

import pytest

from signing.typeset import Typesetter


@pytest.fixture(scope="session")
def typesetter() -> Typesetter:
    return Typesetter(compilers=2)
