"""One development authority for all of these tests: nothing changes it."""

import pytest

from tests.signing.national.workshop import NationalWorkshop, new_national_workshop


@pytest.fixture(scope="session")
def national() -> NationalWorkshop:
    return new_national_workshop()
