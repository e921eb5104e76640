"""Uses by systems and clerks: a use code (用证码), a usage copy (加注件), redemption and revocation."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from api.answers.problem import problems
from api.answers.uses import MadeUseOut, RedemptionOut, UseOut
from api.deps import CallerHere, ClientHere, EdgeHere, StrictRoute, now
from api.files import FILE_RESPONSES, file_response
from api.schemas import RedemptionIn, UseIn
from vault.download import copy_for_client
from vault.lookup import FOR_CLIENTS, summary_json
from vault.material_archive import material_json
from vault.model.certificate import CertificateRecord
from vault.uses import Redeemed, made_json, make_use, read_use, redeem, revoke_by_maker, use_json

router = APIRouter(tags=["use"], prefix="/v1/uses", route_class=StrictRoute)

# A code opens something for whoever has it: nobody on the way keeps it.
_NO_STORE = {"Cache-Control": "no-store"}


@router.post(
    "",
    summary="Use a certificate or material for a case",
    status_code=201,
    response_model=MadeUseOut,
    responses={
        200: {"model": MadeUseOut, "description": "The same use, with a fresh code and the same copy."},
        **problems(400, 401, 403, 404, 409, 415, 422, 503),
    },
)
def post_use(body: UseIn, edge: EdgeHere, caller: CallerHere) -> JSONResponse:
    """Records who uses it for which case, item and purpose; the holder can read it.

    Answers with a code that another system can redeem once within ten minutes, and with a usage copy if
    `copy` is true. A use stands for 30 days at most; the same body again within them is the same use. What is
    not in force is refused (409) with the day, the reason and the successor. An organisation without
    statutory function needs a holder's consent: what nobody consents to is 404.

    A clerk who signed in uses it for an item that their organisation handles, in its name and their own:
    neither stands in the body.
    """
    at = now()
    request = read_use(edge.workshop.shelf, caller, body.model_dump(by_alias=True), at=at)
    made = make_use(edge.workshop, caller, request, at=at)
    return JSONResponse(made_json(made), 200 if made.repeated else 201, _NO_STORE)


@router.post(
    "/redemptions",
    summary="Redeem a use code",
    status_code=201,
    response_model=RedemptionOut,
    responses={
        200: {"model": RedemptionOut, "description": "This client redeemed the code before."},
        **problems(400, 401, 404, 409, 415, 422, 503),
    },
)
def post_redemption(body: RedemptionIn, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """What the code is for, as it is now; once, within the code's life. The redemption is recorded.

    A code that does not hold is a 404, always the same one; only the system that made the use, or redeemed
    the code, is told why (409).
    """
    at = now()
    done = redeem(edge.workshop, client, body.code, at=at)
    return JSONResponse(_redeemed_json(edge, done), 200 if done.repeated else 201, _NO_STORE)


@router.get(
    "/{use_id}/copy",
    summary="The usage copy",
    response_class=Response,
    responses={**FILE_RESPONSES, **problems(401, 404, 422, 503)},
)
def get_copy(use_id: UUID, edge: EdgeHere, caller: CallerHere) -> Response:
    """For whoever made the use, and the system that redeemed a code of it, while the use stands."""
    return file_response(copy_for_client(edge.workshop, caller, use_id, at=now()))


@router.post(
    "/{use_id}/revocation",
    summary="Revoke a use",
    response_model=UseOut,
    responses=problems(401, 403, 404, 422, 503),
)
def post_revocation(use_id: UUID, edge: EdgeHere, caller: CallerHere) -> JSONResponse:
    """Its codes open nothing from now on, and its copy verifies as not in force. A repeat changes nothing."""
    return JSONResponse(use_json(revoke_by_maker(edge.workshop, caller, use_id, at=now())))


def _redeemed_json(edge: EdgeHere, done: Redeemed) -> dict[str, Any]:
    certificate = material = None
    if isinstance(done.used, CertificateRecord):
        whole = summary_json(done.used, edge.workshop.shelf.types(now()), files_at=FOR_CLIENTS)
        certificate = done.ground.shown(whole)
        # The original is for those who issued it; whoever redeems a code is given the copy.
        del certificate["documents"]
    else:
        material = material_json(done.used)
    return {"use": use_json(done.use), "certificate": certificate, "material": material}
