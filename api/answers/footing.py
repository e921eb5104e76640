"""On what footing somebody was shown what another holds."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel


class FootingOut(BaseModel):
    """What it rests on: a statutory function (依职能), or a holder's consent."""

    footing: Literal["statutory", "consent"]
    legal_basis: str | None
    consents: list[UUID]
