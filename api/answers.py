"""The shapes of answers, for the description at `/openapi.json`; the flows write the answers themselves."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from vault.model.catalogue import Category, DocumentFormat, HolderKind
from vault.model.certificate import SealLevel, Status, TrustLevel
from vault.model.lifecycle import Action, InspectionResult
from vault.model.reuse import LineState, Reason
from vault.model.service_item import HolderRole
from vault.model.verdict import CheckResult, Indication, VerdictName


class FieldProblemOut(BaseModel):
    """One bad field."""

    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the request.", examples=["/results/0/valid_to"]
    )
    detail: str


class ProblemOut(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(
        description="Stable name of the problem.", examples=["urn:certvault:problem:invalid-input"]
    )
    title: str
    status: int
    detail: str = Field(description="A sentence for people.")
    errors: list[FieldProblemOut] = Field(default=[], description="The bad fields, where there are any.")
    incident: str | None = Field(default=None, description="On a 500: name this to support.")


class TokenOut(BaseModel):
    """An access token (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.", examples=[600])


class TokenErrorOut(BaseModel):
    """A refusal (RFC 6749, 5.2)."""

    error: str = Field(examples=["invalid_client"])
    error_description: str


class UploadOut(BaseModel):
    """A file that is now waiting for its deposit."""

    sha256: str
    size_bytes: int


class DocumentOut(BaseModel):
    """One sealed file of a certificate."""

    format: DocumentFormat
    sha256: str
    sm3: str | None = None
    size_bytes: int
    seal_level: SealLevel
    href: str


class LogOut(BaseModel):
    """The transparency log's promise; `index` once the leaf has its place."""

    promise: dict[str, Any]
    index: int | None


class ReceiptOut(BaseModel):
    """What a deposit answers for each result."""

    certificate_id: UUID
    identifier: str = Field(description="电子证照标识 (GB/T 36904).")
    version: int
    number: str
    type: str
    status: Status
    verification_code: str = Field(description="Printed on the certificate.")
    verify_url: str = Field(description="What the QR code holds.")
    documents: list[DocumentOut]
    log: LogOut


class DepositOut(BaseModel):
    """The case's receipts, the same on every repeat."""

    case_number: str
    receipts: list[ReceiptOut]


class HolderOut(BaseModel):
    """A holder; masked where a stranger asks."""

    code_type: str
    code: str
    name: str


class CertificateOut(BaseModel):
    """A certificate in full, for those who may see it."""

    certificate_id: UUID
    identifier: str
    version: int
    type: str
    type_name: str
    number: str
    issuing_authority: str
    issuing_authority_name: str
    holders: list[HolderOut]
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: Status
    status_since: datetime
    fields: dict[str, Any]
    documents: list[DocumentOut]


class CertificatesOut(BaseModel):
    """Certificates, newest first."""

    certificates: list[CertificateOut]


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


class HoldingsOut(BaseModel):
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


class ReuseCheckOut(BaseModel):
    """A line for each required material of the item that this case is asked for."""

    service_item: str
    service_item_name: str
    case_number: str | None
    on: date
    needed_until: date
    lines: list[LineOut]


class VersionLinkOut(BaseModel):
    """The version of a certificate before or after it."""

    certificate_id: UUID
    identifier: str


class StatusEventOut(BaseModel):
    """One event of a certificate's history."""

    action: Action
    status: Status
    reason: str | None
    effective_on: date = Field(description="The day from which it holds, or of the inspection.")
    result: InspectionResult | None = Field(description="Of inspections only.")
    actor: str = Field(description="The client that sent it.")
    recorded_at: datetime


class RecordedOut(BaseModel):
    """What a change of status or an inspection answers, the same on every repeat."""

    certificate_id: UUID
    identifier: str
    status: Status
    event: StatusEventOut
    log: LogOut


class HistoryOut(CertificateOut):
    """A certificate with every event from its issue on, oldest first."""

    predecessor: VersionLinkOut | None
    successor: VersionLinkOut | None
    history: list[StatusEventOut]
    log: LogOut


class MayCloseOut(BaseModel):
    """Whether a case may close: only when the vault has every certificate of it."""

    may_close: bool
    missing: list[str] = Field(description="What the vault still lacks, in words.", examples=[[]])


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


class CheckOut(BaseModel):
    """One check of a report."""

    name: str
    result: CheckResult
    detail: str


class SealOut(BaseModel):
    """What judging one seal found (ETSI EN 319 102-1)."""

    indication: Indication
    sub_indication: str | None
    signer: str | None
    certificate_sha256: str | None
    sealed_at: datetime | None
    proven_at: datetime | None
    checks: list[CheckOut]


class ReportOut(BaseModel):
    """A verification's report. The verdict is for people, the checks are for deciding."""

    verdict: VerdictName
    reason: str | None = Field(description="Why it is not in force, where it is not.")
    checks: list[CheckOut]
    certificate: dict[str, Any] | None = Field(description="The certificate, names and codes masked.")
    seals: list[SealOut]
    log: dict[str, Any] | None
    checked_at: datetime


class ReadyOut(BaseModel):
    """Whether the engines answer, each by itself."""

    ready: bool
    checks: dict[str, str]


class VersionOut(BaseModel):
    """What runs here."""

    name: str
    version: str


# Titles of the problems that a route may answer with.
_TITLES = {
    400: "The body cannot be read.",
    401: "No access token, or one that is not valid.",
    403: "Not permitted.",
    404: "Not there, or not for you to know of.",
    409: "In conflict with what is recorded; `errors` name what differs.",
    413: "The body is too large.",
    415: "The body is of a kind that is not taken here.",
    422: "The request is not valid; `errors` name every bad field.",
    503: "An engine does not answer; try again after `Retry-After` seconds.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The entries for `responses` of a route that may answer with these problems."""
    return {status: {"model": ProblemOut, "description": _TITLES[status]} for status in statuses}
