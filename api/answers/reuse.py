"""Holdings, materials and reuse checks."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.answers.certificates import CertificateOut, OriginOut
from api.answers.footing import FootingOut
from vault.model.certificate import Status, TrustLevel
from vault.model.reuse_lines import LineState, Reason


class VerificationOut(BaseModel):
    """Who compared a material with its original."""

    client: str
    clerk: str
    note: str
    at: datetime


class MaterialOut(BaseModel):
    """A material of the archive (材料库)."""

    material_id: UUID
    type: str
    name: str
    trust: TrustLevel = Field(description="Trust level A to D of the guide of 2016 (国办函〔2016〕108号).")
    issued_on: date | None
    valid_to: date | None
    sha256: str
    size_bytes: int
    content_type: str
    case_number: str = Field(description="The case that it came with.")
    source: str = Field(description="The approval system that handed it in.")
    handed_in_at: datetime
    verification: VerificationOut | None
    watermark: str = Field(description="What every copy of it says across its pages.")


class HoldingsOut(FootingOut):
    """What a holder has, the newest of each first."""

    certificates: list[CertificateOut]
    materials: list[MaterialOut]


class EvidenceOut(BaseModel):
    """A certificate or a material, as far as a decision shows it."""

    kind: Literal["certificate", "material"]
    type: str
    type_name: str
    issued_on: date | None
    valid_to: date | None
    holder: int = Field(description="Its place among the request's holders, from 0.")
    certificate_id: UUID | None = None
    identifier: str | None = None
    status: Status | None = None
    disputed_on: date | None = Field(
        default=None, description="Since when it is under dispute (存在异议); it counts all the same."
    )
    origin: OriginOut | None = Field(
        default=None,
        description="Of a certificate: what its file is. Who made and who compared a digital copy is named "
        "of what satisfies.",
    )
    material_id: UUID | None = None
    trust: TrustLevel | None = None
    case_number: str | None = Field(default=None, description="The case that a material came with.")
    sha256: str | None = None


class ProofOut(EvidenceOut):
    """What satisfies a requirement; `value` where a field of it is what was asked for."""

    number: str | None = None
    field: str | None = None
    label: str | None = None
    value: Any = None


class ObstacleOut(EvidenceOut):
    """What is held and does not do."""

    reasons: list[Reason]


class LineOut(BaseModel):
    """One required material."""

    requirement: str = Field(description="Its id in the service item.")
    name: str
    name_en: str
    state: LineState
    why: str = Field(description="Sentences for the clerk: what is the matter, and what would mend it.")
    satisfied_by: list[ProofOut]
    not_usable: list[ObstacleOut]


class ReuseCheckOut(FootingOut):
    """A line for each required material of the item that this case is asked for."""

    service_item: str
    service_item_name: str
    case_number: str | None
    on: date
    needed_until: date
    lines: list[LineOut]
