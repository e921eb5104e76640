"""Certificates as their issuer and holder see them, with their history."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.answers.deposits import DocumentOut, LogOut
from vault.model.certificate import Status
from vault.model.delegation import DelegatedAction
from vault.model.lifecycle import Action, InspectionResult
from vault.model.origin import OriginKind


class HolderOut(BaseModel):
    """A holder; masked where a stranger asks."""

    code_type: str
    code: str
    name: str


class DisputeNoteOut(BaseModel):
    """That the issuing authority has accepted a dispute of it, which is open (存在异议)."""

    status: Literal["under_dispute"]
    label: dict[str, str] = Field(description="`zh` and `en`.")
    since: date


class OriginOut(BaseModel):
    """What its file is: nobody may take a copy for the original."""

    kind: OriginKind
    words: str
    words_en: str
    authority: str | None = Field(default=None, description="Who made the digital copy (USCC).")
    authority_name: str | None = None
    officer: str | None = Field(default=None, description="Who compared it with the original.")
    attested_on: date | None = None


class CertificateOut(BaseModel):
    """A certificate in full, for those who may see it."""

    certificate_id: UUID
    identifier: str
    version: int
    type: str
    type_name: str
    number: str | None = Field(description="null where a consent does not name it.")
    issuing_authority: str
    issuing_authority_name: str
    holders: list[HolderOut]
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: Status
    status_since: datetime
    dispute: DisputeNoteOut | None = Field(description="Null where nothing is disputed.")
    fields: dict[str, Any]
    origin: OriginOut
    documents: list[DocumentOut]


class OnBehalfOut(BaseModel):
    """The delegation under which certificates are shown."""

    delegation_id: UUID
    holder_name: str
    actions: list[DelegatedAction]


class CertificatesOut(BaseModel):
    """Certificates, newest first."""

    certificates: list[CertificateOut]


class MyCertificatesOut(CertificatesOut):
    """The certificates of who is signed in, or of a holder who delegated them."""

    on_behalf_of: OnBehalfOut | None = Field(
        default=None, description="Where they are another's, delegated to who is signed in."
    )


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
