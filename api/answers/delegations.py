"""Delegations (委托) as the holder and the delegate see them."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from api.answers.consents import GrantedTypeOut
from vault.model.delegation import DelegatedAction, DelegationEvent


class DelegateOut(BaseModel):
    """To whom; the code is masked."""

    code_type: str
    code: str


class ActOut(BaseModel):
    """What happened to a delegation, or was done under it."""

    at: datetime
    action: DelegationEvent
    certificate_id: UUID | None


class DelegationOut(BaseModel):
    """What another person may do, and until when."""

    delegation_id: UUID
    state: Literal["waiting", "standing", "not_yet", "ended", "revoked"]
    types: list[GrantedTypeOut]
    actions: list[DelegatedAction]
    valid_from: date
    valid_to: date
    made_at: datetime
    accepted_at: datetime | None = Field(description="When the delegate first signed in after it was given.")
    revoked_at: datetime | None


class GivenDelegationOut(DelegationOut):
    """A delegation that the signed-in person gave."""

    delegate: DelegateOut | None = Field(description="null once they are erased.")
    acts: list[ActOut] = Field(description="The newest of what the delegate did.")


class ReceivedDelegationOut(DelegationOut):
    """A delegation that the signed-in person received."""

    holder_name: str


class DelegationsOut(BaseModel):
    """Both kinds, newest first."""

    given: list[GivenDelegationOut]
    received: list[ReceivedDelegationOut]
