"""Settings that would let secrets travel in clear are refused in production."""

from typing import Any

import pytest

from api.settings import Settings, read_settings
from vault.errors import InputError

GIVEN: dict[str, Any] = {
    "database_url": "postgresql://vault@db.example/vault",
    "s3_endpoint": "http://s3.example:8333",
    "s3_access_key": "x",
    "s3_secret_key": "x",
    "secrets": "/run/certvault",
    "trust": "/run/certvault/trust.pem",
}


def read(**given: str) -> Settings:
    return read_settings({**GIVEN, **given})


@pytest.mark.parametrize("mode", [{}, {"mode": "production"}])
def test_production_is_reached_by_https_only(mode: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"CERTVAULT_PUBLIC_URL.*https"):
        read(public_url="http://vault.example", **mode)
    assert read(public_url="https://vault.example", **mode).origin == "https://vault.example"


def test_development_may_do_without() -> None:
    assert read(public_url="http://127.0.0.1:8700", mode="development").origin == "http://127.0.0.1:8700"


def test_the_public_url_has_to_fit_into_a_qr_code() -> None:
    fits = "https://" + "v" * 48
    assert read(public_url=fits).origin == fits
    with pytest.raises(InputError, match=r"printed in every QR code: at most 56"):
        read(public_url=fits + "v")


@pytest.mark.parametrize("url", ["https://vault.example/x", "https://vault.example?x", "ftp://vault.example"])
def test_the_public_url_is_an_origin(url: str) -> None:
    with pytest.raises(InputError, match="CERTVAULT_PUBLIC_URL"):
        read(public_url=url)
