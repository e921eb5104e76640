"""A whole vault for the suite: the embedded engines, founded once, shared by every test that needs them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from api.edge import Mode
from api.settings import Settings
from api.wiring import Wired, blobs_of, database_of, wire
from migrations.run import upgrade
from signing.typeset import SEAL_PLACES
from storage.embedded import EngineAddresses, discard, embedded_engines
from storage.envelope import Suite
from tests.faults import CuttingWire
from tests.keys import token_key_pem
from vault.applying import apply_catalogue
from vault.catalogue import Catalogue, shipped_catalogue
from vault.founding import SecretsFolder, found_development_secrets, make_development_seals
from vault.model.actors import ClientGrant
from vault.signin import add_client
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class House:
    """A founded vault: settings for child processes, parts for this one, and a client that may deposit."""

    settings: Settings
    wired: Wired
    catalogue: Catalogue
    client: ClientGrant
    client_secret: str


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineAddresses]:
    """PostgreSQL and SeaweedFS, started once for the whole run."""
    data = tmp_path_factory.mktemp("engines") / "data"
    with embedded_engines(data) as addresses:
        yield addresses
    # As root the cluster lies outside pytest's own folder: nothing else would take it away.
    discard(data)


@pytest.fixture(scope="session")
def house(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A vault with the shipped catalogue, a seal for every authority and one client that acts for all."""
    now = datetime.now(UTC)
    secrets = SecretsFolder(tmp_path_factory.mktemp("secrets") / "secrets")
    # The whole suite runs under the other suite of algorithms, too: CERTVAULT_TEST_SUITE=sm4-gcm.
    suite = Suite.named(os.environ.get("CERTVAULT_TEST_SUITE", Suite.AES.label))
    found_development_secrets(secrets, token_key_pem=token_key_pem(), at=now, suite=suite)
    settings = settings_for(engines, secrets.path)
    upgrade(engines.database_url)
    blobs_of(settings).prepare()
    catalogue = shipped_catalogue(SEAL_PLACES)
    database = database_of(settings)
    apply_catalogue(database, catalogue.types.values(), catalogue.items.values(), at=now)
    make_development_seals(database, secrets, catalogue.city.authorities, at=now)
    database.close()
    wired = wire(settings)
    authorities = frozenset(authority.code for authority in catalogue.city.authorities)
    added = add_client(wired.workshop, "suite", "The test suite", authorities, at=now)
    yield House(settings, wired, catalogue, ClientGrant("suite", "The test suite", authorities), added.secret)
    wired.workshop.database.close()


@contextmanager
def behind_a_cutting_wire(house: House) -> Iterator[tuple[Workshop, CuttingWire]]:
    """A workshop whose database connections run over a wire that can be cut at a COMMIT."""
    address = urlsplit(house.settings.database_url.get_secret_value())
    assert address.hostname is not None
    assert address.port is not None
    wire_ = CuttingWire(address.hostname, address.port)
    through = address._replace(netloc=address.netloc.replace(f":{address.port}", f":{wire_.port}"))
    settings = house.settings.model_copy(update={"database_url": SecretStr(through.geturl())})
    workshop = wire(settings).workshop
    try:
        yield workshop, wire_
    finally:
        workshop.database.close()
        wire_.close()


def settings_for(engines: EngineAddresses, secrets: Path) -> Settings:
    """Development settings on these engines."""
    return Settings.model_validate(
        {
            "mode": Mode.DEVELOPMENT,
            "database_url": SecretStr(engines.database_url),
            "s3_endpoint": engines.s3_endpoint,
            "s3_access_key": engines.s3_access_key,
            "s3_secret_key": SecretStr(engines.s3_secret_key),
            "public_url": "http://vault.example",
            "secrets": secrets,
            "trust": SecretsFolder(secrets).authority_certificate,
        }
    )
