"""The report of a verification."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, Field

from api.answers.certificates import DisputeNoteOut
from vault.model.verdict import CheckResult, Indication, SignatureKind, VerdictName


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
    kind: SignatureKind = SignatureKind.SEAL
    field_name: str | None = None
    authority: str | None = Field(
        default=None, description="Whose seal it is, by the issuing authorities' list of seals."
    )


class UsageCopyOut(BaseModel):
    """For what a usage copy (加注件) is good, and until when; long runs of digits are masked."""

    purpose: str
    organisation: str
    case_number: str
    service_item: str | None
    made_at: datetime
    expires_at: datetime
    valid_until: date = Field(description="The last day on which it is good, in China.")
    revoked_at: datetime | None
    original_sha256: str | None


class ReportOut(BaseModel):
    """A verification's report. The verdict is for people, the checks are for deciding."""

    verdict: VerdictName
    reason: str | None = Field(description="Why it is not in force, where it is not.")
    checks: list[CheckOut]
    certificate: dict[str, Any] | None = Field(description="The certificate, names and codes masked.")
    dispute: DisputeNoteOut | None = Field(
        description="Beside the verdict: its issuer has accepted a dispute of it, which is open."
    )
    usage_copy: UsageCopyOut | None = Field(description="Where the file is a usage copy.")
    seals: list[SealOut]
    log: dict[str, Any] | None
    checked_at: datetime
