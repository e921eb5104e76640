"""Uses, their copies, redemptions, and a holder's history."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from api.answers.certificates import DisputeNoteOut, OriginOut
from api.answers.footing import FootingOut
from api.answers.reuse import MaterialOut
from vault.model.certificate import SealLevel, Status


class CopyOut(BaseModel):
    """A usage copy (加注件): a PDF of its own, sealed by the platform; the original stays as it is."""

    sha256: str
    size_bytes: int
    pages: int
    seal_level: SealLevel
    original_sha256: str = Field(description="SHA-256 of the file that it is a copy of.")
    expires_at: datetime
    href: str


class UseOut(FootingOut):
    """A use (用证): who uses what, for which case, item and purpose, until when."""

    use_id: UUID
    certificate_id: UUID | None
    material_id: UUID | None
    service_item: str | None
    case_number: str
    purpose: str
    organisation: str
    clerk: str | None
    made_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    copy_: CopyOut | None = Field(alias="copy")


class MadeUseOut(UseOut):
    """A use with its code (用证码), which is shown here and never again."""

    code: str = Field(description="128 random bits, base64url; redeemed once.")
    code_expires_at: datetime


class UsedCertificateOut(BaseModel):
    """The certificate that a code is for, as it is now."""

    certificate_id: UUID
    identifier: str
    version: int
    type: str
    type_name: str
    number: str | None = Field(description="null where a consent does not name it.")
    issuing_authority: str
    issuing_authority_name: str
    holders: list[dict[str, str]]
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: Status
    status_since: datetime
    dispute: DisputeNoteOut | None
    fields: dict[str, Any]
    origin: OriginOut


class RedemptionOut(BaseModel):
    """What a code was for."""

    use: UseOut
    certificate: UsedCertificateOut | None
    material: MaterialOut | None
