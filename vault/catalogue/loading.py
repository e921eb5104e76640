"""Loading a catalogue: all of it sound, or none of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from vault.catalogue.checks import examine
from vault.catalogue.definitions import City
from vault.errors import InputError
from vault.model.catalogue import CertificateType, SealPlace
from vault.model.service_item import MaterialType, ServiceItem

SHIPPED = Path(__file__).parent
"""The folder of the catalogue that comes with the vault: the sample city, its kinds and its items."""


@dataclass(frozen=True, slots=True)
class InForce:
    """What requests are held against: certificate types, service items and materials, by their codes."""

    types: Mapping[str, CertificateType]
    items: Mapping[str, ServiceItem]
    materials: Mapping[str, MaterialType]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A sound catalogue: types, service items and materials by their codes; the city with its authorities."""

    types: Mapping[str, CertificateType]
    items: Mapping[str, ServiceItem]
    materials: Mapping[str, MaterialType]
    city: City

    @property
    def in_force(self) -> InForce:
        """What it brings into force."""
        return InForce(self.types, self.items, self.materials)


def load_catalogue(folder: Path, seal_places: Mapping[str, SealPlace]) -> Catalogue:
    """Read `folder/city.yaml` and `folder/types/*.yaml`, with materials and `items/*.yaml` if there are any.

    `seal_places` maps the name of every template to where it wants the seal.

    Raises:
        InputError: something is wrong; the sentence lists every problem, one a line, by file and line.
    """
    examination = examine(folder, seal_places)
    if examination.problems or examination.city is None:
        lines = "\n".join(str(problem) for problem in examination.problems)
        raise InputError(f"The catalogue has {len(examination.problems)} problems:\n{lines}")
    return Catalogue(
        MappingProxyType({kind.code: kind for kind in examination.types}),
        MappingProxyType({item.code: item for item in examination.items}),
        MappingProxyType(dict(examination.materials)),
        examination.city,
    )


def shipped_catalogue(seal_places: Mapping[str, SealPlace]) -> Catalogue:
    """The catalogue that comes with the vault. Raises `InputError` as `load_catalogue` does."""
    return load_catalogue(SHIPPED, seal_places)
