"""The feed of changes."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from vault.model.certificate import Status, TrustLevel
from vault.model.changes import MaterialAction
from vault.model.lifecycle import Action, InspectionResult

_CURSOR = "Where to read on after this: opaque, valid for ever."


class CertificateChangeOut(BaseModel):
    """An event of a certificate, from its issue on."""

    subject: Literal["certificate"]
    cursor: str = Field(description=_CURSOR, examples=["118.59a629fa"])
    position: int = Field(description="Its place in the feed; those of others lie between.")
    action: Action
    at: datetime = Field(description="When the vault recorded it.")
    type: str
    certificate_id: UUID
    identifier: str
    version: int
    authority: str = Field(description="USCC of the issuing authority.")
    status: Status = Field(description="What it is since this event.")
    effective_on: date = Field(description="The day from which it holds, or of the inspection.")
    result: InspectionResult | None = Field(description="Of inspections only.")
    href: str


class MaterialChangeOut(BaseModel):
    """A material that the caller handed in: archived, or verified at a window."""

    subject: Literal["material"]
    cursor: str = Field(description=_CURSOR)
    position: int
    action: MaterialAction
    at: datetime
    type: str
    material_id: UUID
    trust: TrustLevel = Field(description="The level that this left.")
    href: None


class ChangesOut(BaseModel):
    """A page of the feed."""

    changes: list[Annotated[CertificateChangeOut | MaterialChangeOut, Field(discriminator="subject")]]
    cursor: str = Field(description=_CURSOR + " Keep it once what is above is done.")
    more: bool = Field(description="There is more to read at once; otherwise come again later.")


class SigningSecretOut(BaseModel):
    """When a secret that signs was made, and when it ends."""

    created_at: datetime
    expires_at: datetime | None


class WebhookOut(BaseModel):
    """A webhook and what became of its deliveries."""

    webhook_id: UUID
    url: str
    created_at: datetime
    secrets: list[SigningSecretOut] = Field(description="Those that sign now, newest first.")
    pending: int = Field(description="Deliveries under way.")
    failed: int = Field(description="Deliveries given up; the operator can replay them.")
    delivered_at: datetime | None = Field(description="When one arrived last.")


class WebhooksOut(BaseModel):
    """The caller's webhooks."""

    webhooks: list[WebhookOut]


class NewSecretOut(BaseModel):
    """A webhook with its secret, which is shown this once."""

    webhook_id: UUID
    url: str
    created_at: datetime
    secret: str = Field(description="Signs deliveries: keep it, it is not shown again.")
