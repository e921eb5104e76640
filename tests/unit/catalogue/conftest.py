"""The shipped catalogue, loaded once, and a copy of it to break."""

from pathlib import Path

import pytest

from tests.unit.catalogue.catalogue_copy import SEAL_PLACES, CatalogueCopy
from vault.catalogue import Catalogue, shipped_catalogue
from vault.model.catalogue import CertificateType


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return shipped_catalogue(SEAL_PLACES)


@pytest.fixture(scope="session")
def kinds(catalogue: Catalogue) -> dict[str, CertificateType]:
    """The shipped kinds by name."""
    return {kind.name: kind for kind in catalogue.types.values()}


@pytest.fixture
def copied(tmp_path: Path) -> CatalogueCopy:
    made = CatalogueCopy.set_up(tmp_path)
    assert made.problems() == ()
    return made
