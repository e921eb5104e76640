"""Webhooks of the calling client."""

from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from api.answers import problems
from api.answers.changes import NewSecretOut, WebhooksOut
from api.deps import ClientHere, EdgeHere, StrictRoute, now
from api.schemas import WebhookIn
from vault.webhooks import (
    new_secret_json,
    register,
    registered,
    registered_json,
    rotate,
    unregister,
)

router = APIRouter(tags=["changes"], prefix="/v1/webhooks", route_class=StrictRoute)


@router.post(
    "",
    summary="Have changes sent to an address",
    status_code=201,
    response_model=NewSecretOut,
    responses=problems(400, 401, 409, 415, 422, 503),
)
def post_webhook(body: WebhookIn, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """From now on; what came before is in `GET /v1/changes`. The secret in the answer is shown this once.

    One for each address: if the answer was lost, the same request is refused (409), and a new secret comes
    from `POST /v1/webhooks/{webhook_id}/secrets`.
    """
    fresh = register(edge.workshop, client, client.client_id, body.url, edge.settings.destinations, at=now())
    return JSONResponse(new_secret_json(fresh), 201)


@router.get("", summary="The caller's webhooks", response_model=WebhooksOut, responses=problems(401, 503))
def get_webhooks(edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """Each with its address, when its secrets end, and how many deliveries are under way or were given up."""
    found = registered(edge.workshop, client, client.client_id, at=now())
    return JSONResponse({"webhooks": [registered_json(each) for each in found]})


@router.post(
    "/{webhook_id}/secrets",
    summary="A new secret for a webhook",
    status_code=201,
    response_model=NewSecretOut,
    responses=problems(401, 404, 422, 503),
)
def post_secret(webhook_id: UUID, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """Shown this once. For 24 hours deliveries are signed with the secrets before it, too."""
    return JSONResponse(new_secret_json(rotate(edge.workshop, client, webhook_id, at=now())), 201)


@router.delete(
    "/{webhook_id}",
    summary="Send nothing more",
    status_code=204,
    response_class=Response,
    responses=problems(401, 404, 422, 503),
)
def delete_webhook(webhook_id: UUID, edge: EdgeHere, client: ClientHere) -> Response:
    """Takes a webhook away, with its secrets and what was not delivered yet."""
    unregister(edge.workshop, client, webhook_id)
    return Response(status_code=204)
