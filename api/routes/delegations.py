"""Delegations by holders: who may download or present what is theirs, and until when."""

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.answers.delegations import DelegationsOut, GivenDelegationOut, ReceivedDelegationOut
from api.answers.problem import problems
from api.auth import refuse_cross_origin
from api.deps import EdgeHere, PersonHere, StrictRoute, now
from api.schemas import DelegationIn
from vault.delegations import (
    delegations_json,
    delegations_of,
    end_delegation,
    ended_json,
    given_json,
    grant_delegation,
    read_delegation,
)
from vault.model.legal_time import legal_day

router = APIRouter(tags=["holder"], prefix="/v1/me/delegations", route_class=StrictRoute)


@router.get("", summary="My delegations", response_model=DelegationsOut, responses=problems(401, 403, 503))
def my_delegations(edge: EdgeHere, person: PersonHere) -> JSONResponse:
    """What I delegate, with what was done under it, and what is delegated to me."""
    at = now()
    found = delegations_of(edge.workshop, person, at=at)
    return JSONResponse(delegations_json(found, edge.workshop.shelf.types(at), on=legal_day(at)))


@router.post(
    "",
    summary="Let another person act for me",
    status_code=201,
    response_model=GivenDelegationOut,
    responses={
        200: {"model": GivenDelegationOut, "description": "The same delegation, which stands already."},
        **problems(400, 401, 403, 409, 415, 422, 503),
    },
)
def post_delegation(body: DelegationIn, request: Request, edge: EdgeHere, person: PersonHere) -> JSONResponse:
    """It holds from when that person next signs in; they need not have signed in before.

    They name it as `on_behalf_of`, and see what is delegated and nothing else. What they do is theirs, on my
    behalf, and I can read it here.
    """
    refuse_cross_origin(request.headers)
    at = now()
    asked = read_delegation(edge.workshop.shelf, person.code, body.model_dump(), at=at)
    granted = grant_delegation(edge.workshop, person, asked, at=at)
    shown = given_json(granted.delegation, edge.workshop.shelf.types(at), on=legal_day(at))
    return JSONResponse(shown, 200 if granted.repeated else 201)


@router.delete(
    "/{delegation_id}",
    summary="End a delegation",
    response_model=GivenDelegationOut | ReceivedDelegationOut,
    responses=problems(401, 403, 404, 422, 503),
)
def delete_delegation(
    delegation_id: UUID, request: Request, edge: EdgeHere, person: PersonHere
) -> JSONResponse:
    """At once, for who gave it and for who received it. What was done stays recorded."""
    refuse_cross_origin(request.headers)
    at = now()
    ended = end_delegation(edge.workshop, person, delegation_id, at=at)
    return JSONResponse(ended_json(ended, edge.workshop.shelf.types(at), on=legal_day(at)))
