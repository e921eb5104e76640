"""Access tokens for approval systems: client credentials (RFC 6749, 4.4) and the keys that check them."""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.answers import TokenErrorOut, TokenOut, problems
from api.asking import REFUSED_TOKEN_UNITS, TOKEN_UNITS, token_charges
from api.auth import basic_credentials
from api.deps import EdgeHere, now
from api.edge import Edge
from api.limits import media_type
from vault import signin
from vault.errors import NotAuthenticated
from vault.model.actors import ClientGrant

router = APIRouter(tags=["access"])

FORM = "application/x-www-form-urlencoded"
# RFC 6749 names a handful of parameters.
FIELDS_MAX = 16
# RFC 6749, 5.1 and 5.2.
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {"grant_type": {"const": "client_credentials"}},
                }
            }
        },
    },
    "security": [{"client_secret": []}],
}


@router.post(
    "/oauth/token",
    summary="Get an access token",
    response_model=TokenOut,
    openapi_extra=_BODY,
    responses={400: {"model": TokenErrorOut}, 401: {"model": TokenErrorOut}, **problems(429, 503)},
)
async def token(request: Request, edge: EdgeHere) -> JSONResponse:
    """The client id and secret go into HTTP Basic credentials; the token lives ten minutes.

    ```
    curl -u "$ID:$SECRET" -d grant_type=client_credentials $BASE/oauth/token
    ```
    """
    if media_type(request.headers.get("content-type")) != FORM:
        return _refusal(400, "invalid_request", f"Send the parameters as {FORM}.")
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        return _refusal(400, "invalid_request", "The form cannot be read.")
    form = dict(pairs)
    if len(form) != len(pairs) or "grant_type" not in form:
        return _refusal(400, "invalid_request", "Expected grant_type, and each parameter once.")
    if form["grant_type"] != "client_credentials":
        return _refusal(400, "unsupported_grant_type", "Expected grant_type=client_credentials.")
    at = now()
    try:
        client = await _client(edge, request, at)
    except NotAuthenticated as error:
        return _refusal(401, "invalid_client", error.detail)
    issued = edge.tokens.issue(client.client_id, at)
    answer = {"access_token": issued.value, "token_type": "Bearer", "expires_in": issued.expires_in_s}
    return JSONResponse(answer, headers=_NO_STORE)


async def _client(edge: Edge, request: Request, at: datetime) -> ClientGrant:
    """The client that shows its secret; a wrong one costs more.

    Raises:
        NotAuthenticated: no credentials, or wrong ones.
        TooMany: this client, or this network, asks too often.
    """
    client_id, secret = basic_credentials(request.headers.get("authorization"))
    accounts = edge.limiter.admit(token_charges(edge, request, client_id), TOKEN_UNITS)
    try:
        return await run_in_threadpool(signin.client_by_secret, edge.workshop, client_id, secret, at=at)
    except NotAuthenticated:
        edge.limiter.surcharge(accounts, REFUSED_TOKEN_UNITS - TOKEN_UNITS)
        raise


@router.get("/.well-known/jwks.json", summary="Keys that check the access tokens")
async def keys(edge: EdgeHere) -> dict[str, Any]:
    """A JSON Web Key Set (RFC 7517)."""
    return edge.tokens.public_keys()


def _refusal(status: int, error: str, description: str) -> JSONResponse:
    headers = _NO_STORE if status != 401 else {**_NO_STORE, "WWW-Authenticate": 'Basic realm="certvault"'}  # noqa: PLR2004 - HTTP's own number
    return JSONResponse({"error": error, "error_description": description}, status, headers)
