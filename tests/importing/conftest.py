"""A house whose authorities have seals for digital copies, too, and imports within this process."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from api.import_hands import open_here
from tests.conftest import House
from tests.custodians import two_custodians
from tests.registers import Register
from vault.custody import grant_what_is_missing
from vault.founding import SecretsFolder, make_development_attestation_seal
from vault.importing import (
    ChunkDone,
    ChunkOrder,
    FilesKind,
    FilesPlace,
    Hands,
    ImportOrder,
    Manifest,
    import_chunk,
    run_import,
)
from vault.model.imports import ImportMode, ImportRun
from vault.workshop import Workshop

NO_FILES = FilesPlace(FilesKind.NONE)


@pytest.fixture(scope="session")
def archive(house: House) -> House:
    """The house, with an attestation seal for every authority, granted to its client."""
    now = datetime.now(UTC)
    workshop = house.wired.workshop
    for authority in house.catalogue.city.authorities[:3]:
        make_development_attestation_seal(
            workshop.database, SecretsFolder(house.settings.secrets), authority, at=now
        )
    grant_what_is_missing(workshop, house.client.client_id, two_custodians, at=now)
    return house


@pytest.fixture
def register(archive: House) -> Register:
    """An empty register."""
    return Register(archive)


def here(workshop: Workshop, *, chunk: Callable[..., ChunkDone] = import_chunk) -> Hands:
    """Hands of this process: each chunk is done when it is submitted."""

    def submit(order: ChunkOrder) -> "Future[ChunkDone]":
        future: Future[ChunkDone] = Future()
        try:
            future.set_result(chunk(workshop, order, at=datetime.now(UTC)))
        except Exception as error:  # noqa: BLE001 - a future holds whatever was raised
            future.set_exception(error)
        return future

    return Hands(submit, partial(open_here, workshop), 1, lambda: datetime.now(UTC), time.sleep)


def order_of(
    register: Register,
    manifest: Path,
    files: FilesPlace = NO_FILES,
    mode: ImportMode = ImportMode.IMPORT,
) -> ImportOrder:
    """An import of the suite's client."""
    return ImportOrder(
        register.house.client, mode, Manifest(manifest.name, manifest), register.mapping(), files
    )


def imported(register: Register, manifest: Path, files: FilesPlace = NO_FILES) -> ImportRun:
    """The import, run to its end."""
    workshop = register.house.wired.workshop
    return run_import(workshop, order_of(register, manifest, files), here(workshop))
