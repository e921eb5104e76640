"""A development authority, keys of every algorithm and a time-stamp authority, made once for a run."""

import pytest

from signing.keys import PDF_ALGORITHMS, SignatureAlgorithm
from tests.signing.workshop import Workshop, new_workshop


@pytest.fixture(scope="session")
def workshop() -> Workshop:
    return new_workshop()


@pytest.fixture(params=PDF_ALGORITHMS, ids=str)
def algorithm(request: pytest.FixtureRequest) -> SignatureAlgorithm:
    chosen: SignatureAlgorithm = request.param
    return chosen
