"""Presentations (亮证): a holder gives a code, whoever sees it redeems it once."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from api.answers.presentations import MadePresentationOut, PresentedOut
from api.answers.problem import problems
from api.asking import admit_presented_code, seen_by_code
from api.auth import refuse_cross_origin
from api.deps import EdgeHere, PersonHere, StrictRoute, VerifierHere, now
from api.schemas import PresentationIn, PresentedCodeIn
from vault.presentations import made_json, make_presentation, read_presentation

router = APIRouter(route_class=StrictRoute)

# A code opens something for whoever has it, and once only: nothing on the way keeps it or what it opened.
_NO_STORE = {"Cache-Control": "no-store"}


@router.post(
    "/v1/me/presentations",
    tags=["holder"],
    summary="Show a certificate by a code",
    status_code=201,
    response_model=MadePresentationOut,
    responses=problems(400, 401, 403, 404, 415, 422, 503),
)
def post_presentation(
    body: PresentationIn, request: Request, edge: EdgeHere, person: PersonHere
) -> JSONResponse:
    """A code that shows this certificate once, to whoever sees it, within five minutes.

    `fields` chooses what of its face is shown, `number` and `holders` among them; all of it if left out.
    """
    refuse_cross_origin(request.headers)
    asked = read_presentation(body.model_dump())
    made = make_presentation(edge.workshop, person, asked, at=now())
    return JSONResponse(made_json(made), 201, _NO_STORE)


async def _admitted(request: Request, edge: EdgeHere, verifier: VerifierHere) -> None:
    """Strangers are counted; on the event loop, as everything that is."""
    if verifier is None:
        admit_presented_code(edge, request)


@router.post(
    "/v1/presentations",
    tags=["verification"],
    summary="See what is presented",
    response_model=PresentedOut,
    responses=problems(400, 401, 404, 415, 422, 429, 503),
    dependencies=[Depends(_admitted)],
)
def post_presented_code(body: PresentedCodeIn, edge: EdgeHere, verifier: VerifierHere) -> JSONResponse:
    """What its holder chose to show of it, and whether it is in force: once. Other holders are masked.

    Nobody needs to sign in; who does, or sends a client's token, is recorded for the holder. A code that is
    wrong, was used before, or is too old is one and the same 404, `code-opens-nothing`.
    """
    return JSONResponse(seen_by_code(edge, verifier, body.code, now()), headers=_NO_STORE)
