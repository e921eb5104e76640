"""A seal maker and a signer, by openssl, made once for a run."""

import pytest

from tests.signing.ses.openssl import OpensslKey, new_key


@pytest.fixture(scope="session")
def maker(tmp_path_factory: pytest.TempPathFactory) -> OpensslKey:
    return new_key(tmp_path_factory.mktemp("ses") / "maker", "maker")


@pytest.fixture(scope="session")
def signer(tmp_path_factory: pytest.TempPathFactory) -> OpensslKey:
    return new_key(tmp_path_factory.mktemp("ses") / "signer", "signer")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> OpensslKey:
    return new_key(tmp_path_factory.mktemp("ses") / "stranger", "stranger")
