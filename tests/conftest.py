"""A whole vault for the suite: the embedded engines, founded once, shared by every test that needs them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server, socket
from urllib.parse import urlsplit

import pytest
from hypothesis import settings
from pydantic import SecretStr

from api.edge import Mode
from api.local_provider import founding as local_provider
from api.settings import Settings
from api.wiring import Wired, blobs_of, database_of, wire
from migrations.run import upgrade
from signing.typeset import SEAL_PLACES
from storage.db import Database
from storage.embedded import EngineAddresses, discard, embedded_engines
from storage.envelope import Suite
from storage.key_state import opening
from tests.custodians import two_custodians
from tests.desks import Desk, open_desk
from tests.faults import CuttingWire
from tests.keys import token_key_pem
from tests.provider import ORIGIN, IdentityProvider, running_provider
from tests.tokens import Token, softhsm
from vault.applying import apply_catalogue
from vault.catalogue import Catalogue, shipped_catalogue
from vault.custody import grant_what_is_missing
from vault.founding import (
    SecretsFolder,
    found_development_secrets,
    make_development_closing_key,
    make_development_national_seals,
    make_development_platform_seal,
    make_development_seals,
)
from vault.model.actors import ClientGrant
from vault.signin import add_client
from vault.workshop import Workshop

# An example that takes long on a busy machine is no finding: what is slow, the bench tells.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@dataclass(frozen=True, slots=True)
class House:
    """A founded vault: settings for child processes, parts for this one, and a client that may deposit.

    `owner`: the database as the role that owns the tables, for what the service may not do.
    """

    settings: Settings
    wired: Wired
    catalogue: Catalogue
    client: ClientGrant
    client_secret: str
    listening: socket
    issuer: str
    owner: Database


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
    with create_server(("127.0.0.1", 0)) as listening:
        yield from founded(engines, tmp_path_factory.mktemp("secrets") / "secrets", listening)


def founded(
    engines: EngineAddresses, folder: Path, listening: socket, *, origin: str = ORIGIN, **more: object
) -> Iterator[House]:
    """A founded vault until the generator is closed. `origin`: its address; `more`: settings of its own."""
    now = datetime.now(UTC)
    secrets = SecretsFolder(folder)
    # The whole suite runs under the other suite of algorithms, too: CERTVAULT_TEST_SUITE=sm4-gcm.
    suite = Suite.named(os.environ.get("CERTVAULT_TEST_SUITE", Suite.AES.label))
    found_development_secrets(secrets, token_key_pem=token_key_pem(), at=now, suite=suite)
    issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
    providers = local_provider.set_up(secrets.path, issuer=issuer, origin=origin, accounts=[])
    given = {**dict(settings_for(engines, secrets.path)), "public_url": origin, "providers": providers}
    settings = Settings.model_validate({**given, **more})
    upgrade(engines.owner_database_url, service_url=engines.database_url)
    blobs_of(settings).prepare()
    catalogue = shipped_catalogue(SEAL_PLACES)
    database = database_of(settings)
    apply_catalogue(database, catalogue.in_force, at=now)
    make_development_seals(database, secrets, catalogue.city.authorities, at=now)
    make_development_platform_seal(database, secrets, catalogue.city.operator, at=now)
    make_development_national_seals(database, secrets, catalogue.city.authorities, at=now)
    make_development_closing_key(database, secrets, catalogue.city.operator, at=now)
    database.close()
    wired = wire(settings)
    authorities = frozenset(authority.code for authority in catalogue.city.authorities)
    added = add_client(wired.workshop, "suite", "The test suite", authorities, at=now)
    grant_what_is_missing(wired.workshop, "suite", two_custodians, at=now)
    client = ClientGrant("suite", "The test suite", authorities)
    owner = Database(engines.owner_database_url, pool_size=4, opening=opening(wired.workshop.keys))
    try:
        yield House(settings, wired, catalogue, client, added.secret, listening, issuer, owner)
    finally:
        owner.close()
        wired.workshop.database.close()


@pytest.fixture(scope="session")
def identity_provider(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityProvider]:
    """The local identity provider, started once for the whole run; tests admit whom they need."""
    book = house.settings.secrets / local_provider.BOOK_FILE
    log = tmp_path_factory.mktemp("provider") / "provider.log"
    with running_provider(house.settings.environment(), house.listening, house.issuer, book, log) as running:
        yield running


@pytest.fixture
def desk(house: House) -> Iterator[Desk]:
    """A client and a seal of its own; nothing is granted yet."""
    with open_desk(house) as opened:
        yield opened


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """A SoftHSM2 token; the tests that want it are skipped, loudly, where it is not installed."""
    with softhsm(tmp_path_factory.mktemp("token")) as opened:
        yield opened


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
            "owner_database_url": SecretStr(engines.owner_database_url),
            "s3_endpoint": engines.s3_endpoint,
            "s3_access_key": engines.s3_access_key,
            "s3_secret_key": SecretStr(engines.s3_secret_key),
            "public_url": ORIGIN,
            "secrets": secrets,
            "trust": SecretsFolder(secrets).authority_certificate,
        }
    )
