"""The catalogue: certificate types, service items and materials."""

from typing import Any

from pydantic import BaseModel, Field

from vault.model.catalogue import Category, DocumentFormat, HolderKind
from vault.model.certificate import TrustLevel
from vault.model.service_item import HolderRole


class HolderRuleOut(BaseModel):
    """Who may hold a certificate of a type, and how many of them."""

    kinds: list[HolderKind]
    count_min: int
    count_max: int


class AuthorityOut(BaseModel):
    """An authority that may issue a type."""

    code: str
    name: str


class ValidityOut(BaseModel):
    """How long a certificate of a type may run."""

    required: bool = Field(description="`valid_to` must be given.")
    years_max: int | None


class TypeOut(BaseModel):
    """A certificate type (证照类型)."""

    code: str
    version: int
    name: str
    name_en: str
    category: Category
    authorities: list[AuthorityOut]
    holders: HolderRuleOut
    validity: ValidityOut
    formats: list[DocumentFormat]
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema (2020-12) of `fields`.")
    example: dict[str, Any] = Field(description="A whole valid member of `results`, with invented holders.")
    digest: str


class TypesOut(BaseModel):
    """Every type in force."""

    types: list[TypeOut]


class WayOut(BaseModel):
    """One way to satisfy a requirement: a certificate, a field of one, or a material."""

    name: str
    certificate: str | None = None
    field: str | None = None
    label: str | None = None
    material: str | None = None


class RequirementOut(BaseModel):
    """One required material of a service item."""

    id: str
    name: str
    name_en: str
    any_of: list[WayOut]
    holder: HolderRole
    only_for: list[HolderKind]
    only_if_agent: bool
    issued_within_days: int | None
    valid_on_decision: bool
    trust_min: TrustLevel


class ServiceItemOut(BaseModel):
    """A service item (事项)."""

    code: str
    version: int
    name: str
    name_en: str
    authority: AuthorityOut
    applicants: list[HolderKind]
    requirements: list[RequirementOut]
    digest: str


class ServiceItemsOut(BaseModel):
    """Every service item in force."""

    service_items: list[ServiceItemOut]


class MaterialTypeOut(BaseModel):
    """A material (材料) that deposits may hand in."""

    code: str
    version: int
    name: str
    name_en: str
    dated: bool = Field(description="It bears a date of issue, so that its age can be told.")
    trust_best: TrustLevel = Field(description="The best level that it can reach.")
    digest: str


class MaterialTypesOut(BaseModel):
    """Every material in force."""

    materials: list[MaterialTypeOut]
