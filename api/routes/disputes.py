"""Disputes, for the bodies that decide about them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.answers.accesses import DisputeOut, DisputesOut
from api.answers.problem import problems
from api.deps import ClientHere, EdgeHere, StrictRoute, now
from api.schemas import DecisionIn
from vault.disputes import (
    DISPUTES_MAX,
    decide,
    dispute_json,
    disputes_to_decide,
    page_json,
    read_decision,
)
from vault.model.dispute import DisputeState

router = APIRouter(tags=["disputes"], prefix="/v1/disputes", route_class=StrictRoute)


@router.get("", summary="Disputes to decide", response_model=DisputesOut, responses=problems(401, 422, 503))
def get_disputes(
    edge: EdgeHere,
    client: ClientHere,
    state: Annotated[DisputeState | None, Query(description="Only those in this state.")] = None,
    after: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=DISPUTES_MAX)] = DISPUTES_MAX,
) -> JSONResponse:
    """Of certificates that the client's authorities issued, and of accesses by it or them; oldest first.

    The look is recorded for the holders.
    """
    at = now()
    found = disputes_to_decide(
        edge.workshop,
        client,
        states=frozenset(DisputeState if state is None else {state}),
        after=after,
        limit=limit + 1,
        at=at,
    )
    return JSONResponse(page_json(found, limit, at))


@router.post(
    "/{dispute_id}/decision",
    summary="Accept, reject or resolve a dispute",
    status_code=201,
    response_model=DisputeOut,
    responses={
        200: {"model": DisputeOut, "description": "It was decided so before."},
        **problems(400, 401, 404, 409, 415, 422, 503),
    },
)
def post_decision(dispute_id: UUID, body: DecisionIn, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """受理、不予受理、办结. Send the same body again after any failure: it is recorded once.

    From the acceptance to the resolution verifiers are shown that it is under dispute (存在异议).
    """
    at = now()
    done = decide(edge.workshop, client, dispute_id, read_decision(body.model_dump()), at=at)
    return JSONResponse(dispute_json(done.dispute, at), 200 if done.repeated else 201)
