"""A holder's history, and disputes."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from vault.model.deferral import OrderKind
from vault.model.dispute import DisputeKind, DisputeState, Outcome
from vault.model.history_entry import Who
from vault.model.use import SubjectKind


class SummaryOut(BaseModel):
    """One sentence in both languages."""

    zh: str
    en: str


class WhoOut(BaseModel):
    """Who it was, as far as the holder may know: never a clerk's name or number."""

    kind: Who
    client: str | None = Field(description="The approval system; null where somebody signed in.")
    organisation: str | None = Field(description="For whom they asked.")
    role: Literal["clerk"] | None = Field(description="A clerk, named by a system or signed in.")


class ThingOut(BaseModel):
    """A certificate or material of the holder's."""

    kind: SubjectKind
    id: UUID
    type: str
    type_name: str
    identifier: str | None


class UseSeenOut(BaseModel):
    """The use that an access belongs to, as it stands now; `DELETE /v1/me/uses/{use_id}` ends it."""

    use_id: UUID
    copy_: bool = Field(alias="copy", description="Whether a usage copy was made.")
    expires_at: datetime
    revoked_at: datetime | None


class DeferredOut(BaseModel):
    """That it was shown late, by which kind of order, and from when on it was shown."""

    order: OrderKind
    order_name: SummaryOut
    shown_from: datetime


class AccessOut(BaseModel):
    """One access to what the signed-in person holds."""

    access_id: str = Field(description="Eleven characters; for a dispute, and for the next page.")
    at: datetime
    action: str = Field(description="Such as holdings, reuse-check, use-make, download, status.")
    summary: SummaryOut
    who: WhoOut
    things: list[ThingOut] = Field(description="What of theirs it was about: the first twenty.")
    things_count: int
    service_item: str | None
    service_item_name: str | None
    case_number: str | None
    purpose: str | None
    use: UseSeenOut | None
    footing: Literal["statutory", "consent"] | None = Field(
        description="What it rested on: a function by law (依职能), or a holder's consent (授权)."
    )
    legal_basis: str | None = Field(description="Of the function.")
    step: str | None = Field(description="Of changes of status: which.")
    count: int | None = Field(
        description="Of public verifications: how many on that day. Nobody knows by whom."
    )
    deferred: DeferredOut | None


class AccessesOut(BaseModel):
    """One page of a holder's history, newest first."""

    accesses: list[AccessOut]
    next: str | None = Field(description="Send it as `before` to get the next page; null on the last one.")


class DisputedAccessOut(BaseModel):
    """The access that is disputed."""

    access_id: str
    action: str | None = Field(description="Null once the record of this access is archived elsewhere.")
    at: datetime | None = Field(description="Null like `action`.")


class DisputeStepOut(BaseModel):
    """One step of a dispute."""

    state: DisputeState
    outcome: Outcome | None
    reason: str | None
    at: datetime


class DisputeOut(BaseModel):
    """A dispute (异议), its steps oldest first. One of `certificate_id` and `access`."""

    dispute_id: UUID
    certificate_id: UUID | None
    identifier: str | None
    access: DisputedAccessOut | None
    kind: DisputeKind
    state: DisputeState
    statement: str | None = Field(description="Null once its holder is erased.")
    submitted_at: datetime
    due_on: date = Field(description="The last day on which it is decided in time.")
    overdue: bool
    history: list[DisputeStepOut]


class DisputesOut(BaseModel):
    """One page of disputes."""

    disputes: list[DisputeOut]
    next: UUID | None = Field(description="Leads to the next page; null on the last one.")
