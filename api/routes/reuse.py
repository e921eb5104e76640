"""Reuse by approval systems: what a case need not hand in again, and a window's look at a material."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from api.answers import MaterialOut, ReuseCheckOut, problems
from api.deps import CallerHere, EdgeHere, StrictRoute, now
from api.schemas import MaterialVerificationIn, ReuseCheckIn
from vault.material_archive import material_json, verify
from vault.reuse import answer_json, check_reuse, read_question

router = APIRouter(tags=["reuse"], route_class=StrictRoute)


@router.post(
    "/v1/reuse-checks",
    summary="What need not be handed in again",
    response_model=ReuseCheckOut,
    response_model_exclude_unset=True,
    responses=problems(400, 401, 403, 404, 415, 422, 503),
)
def post_reuse_check(body: ReuseCheckIn, edge: EdgeHere, caller: CallerHere) -> JSONResponse:
    """For each required material of a service item: held, held but not usable, pending, or not held; and why.

    Ask as often as needed: the answer is today's. Who asked, when, for which case and on what footing is
    recorded. An organisation without statutory function sees what the holders consent to for this item: 404
    where that is nothing. A clerk who signed in names the case and asks about items that their organisation
    handles.
    """
    at = now()
    question = read_question(edge.workshop.shelf.items(at), body.model_dump(exclude_unset=True), at=at)
    return JSONResponse(answer_json(check_reuse(edge.workshop, caller, question, at=at)))


@router.post(
    "/v1/materials/{material_id}/verification",
    summary="A clerk compared a material with its original",
    response_model=MaterialOut,
    responses=problems(400, 401, 403, 404, 409, 415, 422, 503),
)
def post_material_verification(
    material_id: UUID, body: MaterialVerificationIn, edge: EdgeHere, caller: CallerHere
) -> JSONResponse:
    """Level C becomes B, once; sent again, the answer is the same. Who verified it and when is kept."""
    found = verify(edge.workshop, caller, material_id, clerk=body.clerk, note=body.note, at=now())
    return JSONResponse(material_json(found))
