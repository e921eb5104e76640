"""Presentations (亮证): the code that a holder shows, and what whoever sees it gets."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.answers.verification import ReportOut


class MadePresentationOut(BaseModel):
    """A presentation with its code, which is shown here and never again."""

    presentation_id: UUID
    certificate_id: UUID
    fields: list[str] | None = Field(description="Null for the whole face.")
    on_behalf_of: UUID | None
    code: str = Field(description="128 random bits, base64url; good once.")
    url: str = Field(description="What a QR code of it holds: the code stands in the fragment.")
    made_at: datetime
    expires_at: datetime


class PresenterOut(BaseModel):
    """Who presented it, when, and what they chose to show."""

    by: Literal["holder", "delegate"]
    made_at: datetime
    fields: list[str] | None


class PresentedOut(ReportOut):
    """The report of a verification; its certificate is not masked, but holds what was chosen only."""

    presentation: PresenterOut
