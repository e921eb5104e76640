"""Consents by holders: who may see what of theirs, what for, until when and how often."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api.answers.consents import ConsentOut, ConsentsOut
from api.answers.problem import problems
from api.auth import refuse_cross_origin
from api.deps import EdgeHere, PersonHere, StrictRoute, now
from api.schemas import ConsentIn
from vault.consents import (
    CONSENTS_MAX,
    consent_json,
    consents_json,
    consents_of,
    grant_consent,
    read_consent,
    revoke_consent,
)
from vault.model.legal_time import legal_day

router = APIRouter(tags=["holder"], prefix="/v1/me/consents", route_class=StrictRoute)


@router.get("", summary="My consents", response_model=ConsentsOut, responses=problems(401, 403, 422, 503))
def my_consents(
    edge: EdgeHere,
    person: PersonHere,
    before: Annotated[UUID | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=CONSENTS_MAX)] = CONSENTS_MAX,
) -> JSONResponse:
    """What I consented to, standing or not, newest first, with the newest uses of each."""
    at = now()
    found = consents_of(edge.workshop, person, before=before, limit=limit, at=at)
    shelf = edge.workshop.shelf
    return JSONResponse(consents_json(found, shelf.types(at), shelf.items(at), on=legal_day(at)))


@router.post(
    "",
    summary="Consent to an organisation's seeing what is mine",
    status_code=201,
    response_model=ConsentOut,
    responses={
        200: {"model": ConsentOut, "description": "The same consent, which stands already."},
        **problems(400, 401, 403, 409, 415, 422, 503),
    },
)
def post_consent(body: ConsentIn, request: Request, edge: EdgeHere, person: PersonHere) -> JSONResponse:
    """Lets a named organisation see certificates of these types, for this purpose, so many times.

    Each of its questions is a use. Organisations that act under a statutory function need no consent; what
    they do is recorded with its legal basis.
    """
    refuse_cross_origin(request.headers)
    at = now()
    shelf = edge.workshop.shelf
    asked = read_consent(shelf, body.model_dump(), at=at)
    granted = grant_consent(edge.workshop, person, asked, at=at)
    shown = consent_json(granted.file, shelf.types(at), shelf.items(at), on=legal_day(at))
    return JSONResponse(shown, 200 if granted.repeated else 201)


@router.delete(
    "/{consent_id}",
    summary="Take a consent back",
    response_model=ConsentOut,
    responses=problems(401, 403, 404, 422, 503),
)
def delete_consent(consent_id: UUID, request: Request, edge: EdgeHere, person: PersonHere) -> JSONResponse:
    """At once: the organisation's next request finds nothing, and its use codes and copies are void.

    What was done stays recorded. A repeat changes nothing.
    """
    refuse_cross_origin(request.headers)
    at = now()
    file = revoke_consent(edge.workshop, person, consent_id, at=at)
    shelf = edge.workshop.shelf
    return JSONResponse(consent_json(file, shelf.types(at), shelf.items(at), on=legal_day(at)))
