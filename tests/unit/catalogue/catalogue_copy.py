"""Seal places to load the shipped catalogue with, and copies of it to break on purpose."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from vault.catalogue import SHIPPED, CatalogueProblem, check_catalogue, page_data
from vault.catalogue.files import read_yaml
from vault.model.catalogue import CertificateType, SealPlace
from vault.model.holders import Holder

TEMPLATES = (
    "licence-landscape",
    "permit-portrait",
    "approval-document",
    "booklet-spread",
    "marriage-certificate",
    "personal-card",
    "registration-certificate",
    "proof-letter",
)
SEAL_PLACES = {
    name: SealPlace(page=1, x_mm=100.0 + index, y_mm=200.0, diameter_mm=42.0)
    for index, name in enumerate(TEMPLATES)
}
CITY = "city.yaml"
FOOD = "types/food-operation-licence.yaml"
ESTATE = "types/real-estate-certificate.yaml"
MARRIAGE = "types/marriage-certificate.yaml"


@dataclass(frozen=True, slots=True)
class CatalogueCopy:
    """A folder with the shipped city and three shipped kinds, to be changed and checked."""

    folder: Path

    @classmethod
    def set_up(cls, folder: Path) -> "CatalogueCopy":
        """Copy the files into an empty folder."""
        (folder / "types").mkdir()
        for name in (CITY, FOOD, ESTATE, MARRIAGE):
            shutil.copy(SHIPPED / name, folder / name)
        return cls(folder)

    def change(self, name: str, change: Callable[[Any], object]) -> None:
        """Apply `change` to a file's data and write it back (JSON is YAML)."""
        data = read_yaml(self.folder, name).data
        change(data)
        (self.folder / name).write_text(json.dumps(data, ensure_ascii=False, indent=1))

    def rewrite(self, name: str, old: str, new: str) -> None:
        """Replace a piece of a file's text that must be there."""
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new, 1))

    def problems(self) -> tuple[CatalogueProblem, ...]:
        """What `certvault catalogue check` would report."""
        return check_catalogue(self.folder, SEAL_PLACES)


def holders_of(kind: CertificateType) -> list[Holder]:
    """The example's holders."""
    return [Holder.parse(h["code_type"], h["code"], h["name"]) for h in kind.example["holders"]]


def dates_of(kind: CertificateType) -> dict[str, date | None]:
    """The example's three dates."""
    return {
        key: None if kind.example[key] is None else date.fromisoformat(kind.example[key])
        for key in ("issued_on", "valid_from", "valid_to")
    }


def example_page(kind: CertificateType, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    """The page of the example, or of the example with other fields."""
    issued_on, valid_from, valid_to = dates_of(kind).values()
    assert issued_on is not None
    assert valid_from is not None
    authority = kind.authority(kind.example["issuing_authority"])
    assert authority is not None
    return page_data(
        kind,
        number=kind.example["number"],
        holders=holders_of(kind),
        identifier="1.2.156.3005.2.x",
        verification_code="ABCDE12345",
        authority_name=authority.name,
        issued_on=issued_on,
        valid_from=valid_from,
        valid_to=valid_to,
        fields=kind.example["fields"] if fields is None else fields,
    )
