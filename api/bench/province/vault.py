"""A bench vault made ready for the province: its kinds in force, a seal for its scans, grants of both."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from api.local_vault import LocalVault
from api.settings import Settings
from api.wiring import wire
from signing.typeset import SEAL_PLACES
from storage.seals import ATTESTATION, all_seals
from vault.applying import apply_catalogue
from vault.catalogue import Catalogue, load_catalogue
from vault.custody import development_custodian, grant_what_is_missing
from vault.founding import SecretsFolder, make_development_attestation_seal
from vault.model.actors import Assurance, Introduced, Person, Role
from vault.model.scope import VAULT
from vault.workshop import Workshop


def settle_catalogue(settings: Settings, catalogue: Catalogue) -> None:
    """Brings the province's catalogue into force.

    Raises:
        Conflict: the catalogue in force has been changed by hand.
        Unavailable: the database does not answer.
    """
    workshop = wire(settings).workshop
    try:
        apply_catalogue(workshop.database, catalogue.in_force, at=datetime.now(UTC))
    finally:
        workshop.database.close()


def settle_province(vault: LocalVault, catalogue: Path) -> None:
    """Brings the province's catalogue into force, and lets the vault's client import all of it.

    Scans bear the digitising authority's seal (数字化专用章): the city's operator has one made if missing.

    Raises:
        Unavailable: the database does not answer.
    """
    at = datetime.now(UTC)
    loaded = load_catalogue(catalogue, SEAL_PLACES)
    settle_catalogue(vault.settings, loaded)
    workshop = wire(vault.settings).workshop
    try:
        with workshop.database.reading(VAULT) as db:
            there = any(row.purpose == ATTESTATION and row.stopped_at is None for row in all_seals(db))
        if not there:
            secrets = SecretsFolder(vault.settings.secrets)
            make_development_attestation_seal(workshop.database, secrets, loaded.city.operator, at=at)
        custodians = partial(_custodians, workshop, at)
        grant_what_is_missing(workshop, vault.city.client.client_id, custodians, at=at)
    finally:
        workshop.database.close()


def _custodians(workshop: Workshop, at: datetime, authority: str) -> tuple[Person, Person]:
    """Two custodians of an authority, who never sign in."""
    makes, approves = (
        development_custodian(
            workshop,
            Introduced(
                issuer="urn:certvault:bench",
                subject=f"{login}@{authority}",
                name=name,
                roles=frozenset({Role.SEAL_CUSTODIAN}),
                organisation=authority,
                code=None,
                assurance=Assurance.HIGH,
            ),
            at=at,
        )
        for login, name in (("custodian-1", "印样甲"), ("custodian-2", "印样乙"))
    )
    return makes, approves
