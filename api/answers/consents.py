"""Consents (授权) as their holder sees them."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from vault.model.consent import Look


class GrantedTypeOut(BaseModel):
    """A certificate type that was granted."""

    type: str
    type_name: str


class ConsentUseOut(BaseModel):
    """A use of a consent."""

    at: datetime
    client: str = Field(description="Whose system.")
    what: Look
    certificate_id: UUID | None = Field(description="Where it was for one certificate.")


class ConsentOut(BaseModel):
    """What an organisation may see, what for, until when and how often."""

    consent_id: UUID
    state: Literal["standing", "not_yet", "ended", "used_up", "revoked"]
    organisation: str
    organisation_name: str | None = Field(description="Null where no system of it is known here.")
    types: list[GrantedTypeOut]
    fields: list[str] | None = Field(description="Null for the whole face.")
    service_item: str | None
    service_item_name: str | None
    purpose: str | None
    valid_from: date
    valid_to: date
    uses: int
    uses_left: int
    made_at: datetime
    revoked_at: datetime | None
    used: list[ConsentUseOut] = Field(description="The newest uses.")


class ConsentsOut(BaseModel):
    """One page of a holder's consents, newest first."""

    consents: list[ConsentOut]
    next: UUID | None = Field(description="Send it as `before` to get the next page; null on the last one.")
