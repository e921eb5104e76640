"""Seals under control, for signed-in people: grants by two sign-ins, a stop by one, a resumption by two."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse

from api.answers.custody import KeptSealsOut, ResumptionOut, SealGrantOut, SealGrantsOut, SealStoppedOut
from api.answers.problem import problems
from api.auth import refuse_cross_origin
from api.deps import EdgeHere, PersonHere, StrictRoute, now
from api.schemas import ReasonIn, SealGrantIn
from vault import custody
from vault.errors import FieldProblem, InputError
from vault.log import moment
from vault.model.actors import Person

router = APIRouter(tags=["custody"], route_class=StrictRoute)

VIA = "http"


def _from_our_pages(request: Request, person: PersonHere) -> Person:
    """Who is signed in, where the request was not made by another site."""
    refuse_cross_origin(request.headers)
    return person


Acting = Annotated[Person, Depends(_from_our_pages)]
SealId = Annotated[str, Path(pattern="^[0-9A-Za-z.-]{1,64}$", description="As `GET /v1/seals` names it.")]


@router.get(
    "/v1/seals", summary="Seals and their use", response_model=KeptSealsOut, responses=problems(401, 403, 503)
)
def get_seals(edge: EdgeHere, person: PersonHere) -> JSONResponse:
    """With state, caps and use today: their organisation's for custodians, all for operators and auditors."""
    at = now()
    shown = custody.seals_for(edge.workshop, person, at=at)
    return JSONResponse({"seals": [custody.seal_json(seal, at) for seal in shown]})


@router.get(
    "/v1/seal-grants",
    summary="Seal-use grants",
    response_model=SealGrantsOut,
    responses=problems(401, 403, 422, 503),
)
def get_grants(
    edge: EdgeHere,
    person: PersonHere,
    ended: Annotated[bool, Query(description="Those that are ended, too.")] = False,  # noqa: FBT002 - a query's flag
) -> JSONResponse:
    """Of their organisation's seals for seal custodians, of all seals for operators and auditors."""
    at = now()
    shown = custody.seals_for(edge.workshop, person, at=at)
    return JSONResponse({"grants": custody.grants_json(shown, at, with_ended=ended)})


@router.post(
    "/v1/seal-grants",
    summary="Make a seal-use grant",
    status_code=201,
    response_model=SealGrantOut,
    responses={
        200: {"model": SealGrantOut, "description": "The same person made the same grant before."},
        **problems(400, 401, 403, 415, 422, 503),
    },
)
def post_grant(body: SealGrantIn, edge: EdgeHere, person: Acting) -> JSONResponse:
    """Made by one seal custodian; it counts when another has approved it."""
    terms = custody.read_terms(body.model_dump())
    try:
        made = custody.propose(edge.workshop, person, [terms], via=VIA, at=now())
    except InputError as error:  # its pointers lead into a list of one
        raise InputError(
            error.detail, *(FieldProblem(p.pointer.removeprefix("/0"), p.detail) for p in error.problems)
        ) from None
    return JSONResponse(custody.grant_json(made.grants[0]), 200 if made.repeated else 201)


@router.post(
    "/v1/seal-grants/{grant_id}/approval",
    summary="Approve a seal-use grant",
    status_code=201,
    response_model=SealGrantOut,
    responses={
        200: {"model": SealGrantOut, "description": "The same person approved it before."},
        **problems(401, 403, 404, 409, 422, 503),
    },
)
def post_approval(grant_id: UUID, edge: EdgeHere, person: Acting) -> JSONResponse:
    """By another seal custodian than the one who made it (四眼)."""
    done = custody.approve(edge.workshop, person, [grant_id], via=VIA, at=now())
    return JSONResponse(custody.grant_json(done.grants[0]), 200 if done.repeated else 201)


@router.post(
    "/v1/seal-grants/{grant_id}/end",
    summary="End a seal-use grant",
    response_model=SealGrantOut,
    responses=problems(400, 401, 403, 404, 415, 422, 503),
)
def post_end(grant_id: UUID, body: ReasonIn, edge: EdgeHere, person: Acting) -> JSONResponse:
    """At once, by any seal custodian: to allow less, one pair of eyes is enough."""
    done = custody.end(edge.workshop, person, [grant_id], body.reason, via=VIA, at=now())
    return JSONResponse(custody.grant_json(done.grants[0]))


@router.post(
    "/v1/seals/{seal_id}/stop",
    summary="Stop a seal",
    response_model=SealStoppedOut,
    responses=problems(400, 401, 403, 404, 415, 422, 503),
)
def post_stop(seal_id: SealId, body: ReasonIn, edge: EdgeHere, person: Acting) -> JSONResponse:
    """By a seal custodian or an operator: from the answer on, nothing under this seal is issued."""
    done = custody.stop(edge.workshop, seal_id, person, body.reason, via=VIA, at=now())
    return JSONResponse(
        {"seal_id": done.seal_id, "stopped_at": moment(done.since), "waited_out": done.waited_out}
    )


@router.post(
    "/v1/seals/{seal_id}/resumption",
    summary="Propose that a stopped seal be used again",
    status_code=201,
    response_model=ResumptionOut,
    responses={
        200: {"model": ResumptionOut, "description": "The same person proposed it before."},
        **problems(400, 401, 403, 404, 409, 415, 422, 503),
    },
)
def post_resumption(seal_id: SealId, body: ReasonIn, edge: EdgeHere, person: Acting) -> JSONResponse:
    """By one seal custodian; another has to approve it."""
    done = custody.propose_resumption(edge.workshop, person, seal_id, body.reason, via=VIA, at=now())
    return JSONResponse(_resumption(done), 200 if done.repeated else 201)


@router.post(
    "/v1/seals/{seal_id}/resumption/approval",
    summary="Approve that a stopped seal be used again",
    status_code=201,
    response_model=ResumptionOut,
    responses={
        200: {"model": ResumptionOut, "description": "The same person approved it before."},
        **problems(401, 403, 404, 409, 422, 503),
    },
)
def post_resumption_approval(seal_id: SealId, edge: EdgeHere, person: Acting) -> JSONResponse:
    """By another seal custodian than the one who proposed it."""
    done = custody.resume(edge.workshop, person, seal_id, via=VIA, at=now())
    return JSONResponse(_resumption(done), 200 if done.repeated else 201)


def _resumption(done: custody.Resumption) -> dict[str, str]:
    return {"seal_id": done.seal_id, "act": done.act.value}
