"""The report of a verification."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from vault.model.verdict import CheckResult, Indication, VerdictName


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
