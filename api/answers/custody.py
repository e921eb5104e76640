"""Answers about seals and grants, for those who look after them."""

from typing import Literal

from pydantic import BaseModel, Field


class DeedOut(BaseModel):
    """Who did something, from where and when."""

    actor: str = Field(examples=["person:01993f6e-0b7a-7c55-8a0e-3f2b6c1d9e10"])
    via: str = Field(examples=["http"])
    at: str
    reason: str | None


class SealGrantOut(BaseModel):
    """A seal-use grant."""

    grant_id: str
    seal_id: str
    type: str
    type_version: int
    client_id: str
    daily_cap: int
    valid_from: str
    valid_to: str
    state: Literal["proposed", "approved", "ended"]
    used_today: int | None = Field(description="Null where it is not in force.")
    made: DeedOut
    approved: DeedOut | None
    ended: DeedOut | None


class SealGrantsOut(BaseModel):
    """Grants, oldest first for each seal."""

    grants: list[SealGrantOut]


class SealActOut(DeedOut):
    """The newest thing done to a seal."""

    act: Literal["import", "stop", "propose_resumption", "resume"]


class KeptSealOut(BaseModel):
    """A seal in custody. `daily_cap`, `used_today`: of all its grants in force together."""

    seal_id: str
    purpose: Literal["usage-copy", "national", "national-closing"] | None = Field(
        description="Null: an authority's seal for PDFs of its certificates. `national`: for OFDs."
        " `usage-copy`, `national-closing`: the platform's."
    )
    authority: str
    authority_name: str
    algorithm: str
    state: Literal["in_use", "stopped", "expired"]
    not_after: str
    created_at: str
    stopped_at: str | None
    latest: SealActOut | None
    grants_in_force: int
    daily_cap: int
    used_today: int


class KeptSealsOut(BaseModel):
    """Every seal, stopped ones too."""

    seals: list[KeptSealOut]


class SealStoppedOut(BaseModel):
    """A seal that is out of use."""

    seal_id: str
    stopped_at: str
    waited_out: bool = Field(
        description="False: a deposit hung at its commit and may still commit one certificate."
    )


class ResumptionOut(BaseModel):
    """Where a resumption stands."""

    seal_id: str
    act: Literal["propose_resumption", "resume"]
