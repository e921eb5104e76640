"""Answers of the token endpoint (RFC 6749)."""

from typing import Literal

from pydantic import BaseModel, Field


class TokenOut(BaseModel):
    """An access token (RFC 6749, 5.1)."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int = Field(description="Seconds.", examples=[600])


class TokenErrorOut(BaseModel):
    """A refusal (RFC 6749, 5.2)."""

    error: str = Field(examples=["invalid_client"])
    error_description: str
