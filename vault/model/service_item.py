"""A service item (事项) and the materials that it asks for, as the reviewed catalogue files define them."""

from dataclasses import dataclass
from enum import StrEnum

from vault.model.catalogue import HolderKind, IssuingAuthority
from vault.model.certificate import TrustLevel


class HolderRole(StrEnum):
    """What somebody is in a case."""

    APPLICANT = "applicant"
    LEGAL_REPRESENTATIVE = "legal_representative"
    AGENT = "agent"
    CO_OWNER = "co_owner"


@dataclass(frozen=True, slots=True)
class MaterialType:
    """One row of the catalogue of materials (材料目录).

    `dated`: it bears a date of issue, so that its age can be told. `trust_best`: the best level that it can
    reach; a promise stays a promise whoever looks at it. `digest`: SHA-256, in hex, of all the rest.
    """

    code: str
    version: int
    name: str
    name_en: str
    dated: bool
    trust_best: TrustLevel
    digest: str


@dataclass(frozen=True, slots=True)
class CertificateWay:
    """A certificate of this type satisfies the requirement."""

    type_code: str
    name: str


@dataclass(frozen=True, slots=True)
class FieldWay:
    """What one face field of such a certificate says satisfies it: the licence's legal representative."""

    type_code: str
    name: str
    field: str
    label: str


@dataclass(frozen=True, slots=True)
class MaterialWay:
    """A material of this type from the archive satisfies it, if it is trusted enough."""

    type_code: str
    name: str


Way = CertificateWay | FieldWay | MaterialWay


@dataclass(frozen=True, slots=True)
class Requirement:
    """One required material: any of `ways` satisfies it, for every holder in the role `holder`.

    `only_for`: asked of applicants of these kinds. `only_if_agent`: asked where somebody acts for the
    applicant. `issued_within_days`: at most so many days old; None where age does not matter.
    `valid_on_decision`: has to last until the day on which the case will be decided. `trust_min`: the lowest
    level of a material that will do.
    """

    id: str
    name: str
    name_en: str
    ways: tuple[Way, ...]
    holder: HolderRole
    only_for: frozenset[HolderKind]
    only_if_agent: bool
    issued_within_days: int | None
    valid_on_decision: bool
    trust_min: TrustLevel


@dataclass(frozen=True, slots=True)
class ServiceItem:
    """One service item: `code` (事项编码), who handles it, who may apply, what is asked for.

    `digest`: SHA-256, in hex, of all the rest.
    """

    code: str
    version: int
    name: str
    name_en: str
    authority: IssuingAuthority
    applicants: frozenset[HolderKind]
    requirements: tuple[Requirement, ...]
    digest: str

    @property
    def certificate_types(self) -> frozenset[str]:
        """Codes of every certificate type that could satisfy something."""
        return frozenset(
            way.type_code
            for requirement in self.requirements
            for way in requirement.ways
            if not isinstance(way, MaterialWay)
        )

    @property
    def material_types(self) -> frozenset[str]:
        """Codes of every material type that could satisfy something."""
        return frozenset(
            way.type_code
            for requirement in self.requirements
            for way in requirement.ways
            if isinstance(way, MaterialWay)
        )
