"""A vault of one test's own: a schema, buckets, secrets and a key ring that nobody else uses."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server

from psycopg import connect
from pydantic import SecretStr

from api.wiring import wire
from migrations.run import upgrade
from signing.typeset import SEAL_PLACES
from storage.blobs import BlobStore
from storage.db import Database
from storage.embedded import EngineAddresses
from storage.envelope import Suite
from storage.key_state import opening
from storage.log_store import LogStore
from storage.s3 import StoreAddress
from tests.conftest import House, settings_for
from tests.custodians import two_custodians
from tests.keys import token_key_pem
from vault.applying import apply_catalogue
from vault.catalogue import shipped_catalogue
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


@contextmanager
def own_vault(
    engines: EngineAddresses,
    folder: Path,
    name: str,
    *,
    suite: Suite = Suite.AES,
    keep: bool = False,
) -> Iterator[House]:
    """A founded vault in a schema and buckets called `name`.

    `keep`: its rows stay when the block ends. Child processes that get its settings see the suite's buckets,
    not these.
    """
    now = datetime.now(UTC)
    secrets = SecretsFolder(folder / f"{name}-secrets")
    found_development_secrets(secrets, token_key_pem=token_key_pem(), at=now, suite=suite)
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {name}".encode())
    service_url, owner_url = (
        f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{name}"
        for url in (engines.database_url, engines.owner_database_url)
    )
    settings = settings_for(engines, secrets.path).model_copy(
        update={"database_url": SecretStr(service_url), "owner_database_url": SecretStr(owner_url)}
    )
    upgrade(owner_url, service_url=service_url)
    wired = wire(settings)
    owner = Database(owner_url, pool_size=4, opening=opening(wired.workshop.keys))
    bucket = name.replace("_", "-")
    address = StoreAddress(
        engines.s3_endpoint,
        engines.s3_access_key,
        engines.s3_secret_key,
        f"documents-{bucket}",
        f"intake-{bucket}",
        f"copies-{bucket}",
        f"log-{bucket}",
    )
    blobs = BlobStore(address)
    blobs.prepare()
    wired = replace(wired, workshop=replace(wired.workshop, blobs=blobs, log_store=LogStore(address)))
    catalogue = shipped_catalogue(SEAL_PLACES)
    database = wired.workshop.database
    apply_catalogue(database, catalogue.in_force, at=now)
    make_development_seals(database, secrets, catalogue.city.authorities, at=now)
    make_development_platform_seal(database, secrets, catalogue.city.operator, at=now)
    make_development_national_seals(database, secrets, catalogue.city.authorities, at=now)
    make_development_closing_key(database, secrets, catalogue.city.operator, at=now)
    authorities = frozenset(authority.code for authority in catalogue.city.authorities)
    added = add_client(wired.workshop, "suite", "The test suite", authorities, at=now)
    grant_what_is_missing(wired.workshop, "suite", two_custodians, at=now)
    grant = ClientGrant("suite", "The test suite", authorities)
    try:
        with create_server(("127.0.0.1", 0)) as listening:  # no provider: nobody signs in here
            yield House(settings, wired, catalogue, grant, added.secret, listening, "", owner)
    finally:
        owner.close()
        database.close()
        if not keep:
            with connect(engines.owner_database_url, autocommit=True) as db:
                db.execute(f"DROP SCHEMA {name} CASCADE".encode())


def by_owner(house: House) -> Workshop:
    """The same vault as `keys rotate` comes in: as the owner of the tables."""
    return replace(house.wired.workshop, database=house.owner)


@contextmanager
def in_another_process(house: House) -> Iterator[House]:
    """The same vault as a process sees it that has just begun: with what the key ring's file holds now."""
    here, fresh = house.wired.workshop, wire(house.settings)
    workshop = replace(fresh.workshop, blobs=here.blobs, log_store=here.log_store)
    try:
        yield replace(house, wired=replace(fresh, workshop=workshop))
    finally:
        workshop.database.close()
