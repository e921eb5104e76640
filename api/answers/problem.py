"""Problem documents (RFC 9457), and what a route may answer with."""

from typing import Any

from pydantic import BaseModel, Field


class FieldProblemOut(BaseModel):
    """One bad field."""

    pointer: str = Field(
        description="JSON pointer (RFC 6901) into the request.", examples=["/results/0/valid_to"]
    )
    detail: str


class ProblemOut(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(
        description="Stable name of the problem.", examples=["urn:certvault:problem:invalid-input"]
    )
    title: str
    status: int
    detail: str = Field(description="A sentence for people.")
    errors: list[FieldProblemOut] = Field(default=[], description="The bad fields, where there are any.")
    incident: str | None = Field(default=None, description="On a 500: name this to support.")


# Titles of the problems that a route may answer with.
_TITLES = {
    400: "The body cannot be read.",
    401: "No access token, or one that is not valid.",
    403: "Not permitted.",
    404: "Not there, or not for you to know of.",
    409: "In conflict with what is recorded; `errors` name what differs.",
    413: "The body is too large.",
    415: "The body is of a kind that is not taken here.",
    422: "The request is not valid; `errors` name every bad field.",
    429: "Asked too often, or used up for today; try again after `Retry-After` seconds.",
    503: "An engine does not answer; try again after `Retry-After` seconds.",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The entries for `responses` of a route that may answer with these problems."""
    return {status: {"model": ProblemOut, "description": _TITLES[status]} for status in statuses}
