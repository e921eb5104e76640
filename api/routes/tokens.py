"""Access tokens for approval systems: client credentials (RFC 6749, 4.4), and the keys that check them."""

from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api import assertions
from api.answers import TokenErrorOut, TokenOut, problems
from api.asking import REFUSED_TOKEN_UNITS, TOKEN_UNITS, token_charges
from api.auth import basic_credentials
from api.deps import EdgeHere, now
from api.edge import Edge
from api.limits import media_type
from vault import signin
from vault.errors import InputError, NotAuthenticated
from vault.model.actors import ClientGrant

router = APIRouter(tags=["access"])

FORM = "application/x-www-form-urlencoded"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
KEYS_PATH = "/.well-known/jwks.json"
# RFC 6749 names a handful of parameters.
FIELDS_MAX = 16
# How long others may keep the key set: less than a new key is published ahead (api.token_keys.LEAD).
KEYS_MAX_AGE_S = 60
# RFC 6749, 5.1 and 5.2.
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_CACHED = {"Cache-Control": f"public, max-age={KEYS_MAX_AGE_S}"}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "required": ["grant_type"],
                    "properties": {
                        "grant_type": {"const": "client_credentials"},
                        "client_id": {"type": "string"},
                        "client_assertion_type": {"const": assertions.ASSERTION_TYPE},
                        "client_assertion": {"type": "string", "description": "A JWT (RFC 7523)."},
                    },
                }
            }
        },
    },
    "security": [{"client_secret": []}, {}],
}


@router.post(
    TOKEN_PATH,
    summary="Get an access token",
    response_model=TokenOut,
    openapi_extra=_BODY,
    responses={400: {"model": TokenErrorOut}, 401: {"model": TokenErrorOut}, **problems(429, 503)},
)
async def token(request: Request, edge: EdgeHere) -> JSONResponse:
    r"""A client that has keys signs an assertion; one that has a secret sends HTTP Basic credentials.

    ```
    curl -d grant_type=client_credentials -d client_assertion="$JWT" \
         -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer $BASE/oauth/token
    curl -u "$ID:$SECRET" -d grant_type=client_credentials $BASE/oauth/token
    ```

    The assertion's `iss` and `sub` are the client id, its `aud` is this vault's address or this endpoint's,
    `exp` at most five minutes ahead, `jti` new each time; ES256 or PS256. The token lives ten minutes.
    """
    if media_type(request.headers.get("content-type")) != FORM:
        return _refusal(400, "invalid_request", f"Send the parameters as {FORM}.")
    try:
        form = _form(await request.body())
    except InputError as error:
        return _refusal(400, "invalid_request", error.detail)
    if form["grant_type"] != "client_credentials":
        return _refusal(400, "unsupported_grant_type", "Expected grant_type=client_credentials.")
    header = request.headers.get("authorization")
    if header is not None and "client_assertion" in form:  # RFC 6749, 2.3
        return _refusal(400, "invalid_request", "Expected one way to show who you are, got two.")
    try:
        client = await _admitted(edge, request, form, header)
    except NotAuthenticated as error:
        return _refusal(401, "invalid_client", error.detail)
    issued = edge.tokens.issue(client.client_id, now())
    answer = {"access_token": issued.value, "token_type": "Bearer", "expires_in": issued.expires_in_s}
    return JSONResponse(answer, headers=_NO_STORE)


@router.get(KEYS_PATH, summary="Keys that check the access tokens")
def keys(edge: EdgeHere) -> JSONResponse:
    """A JSON Web Key Set (RFC 7517). A new key stands here ten minutes before it signs."""
    return JSONResponse(edge.tokens.public_keys(now()), headers=_CACHED)


@router.get("/.well-known/oauth-authorization-server", summary="How to get an access token")
def metadata(edge: EdgeHere) -> JSONResponse:
    """Authorization server metadata (RFC 8414)."""
    origin = edge.settings.public_url
    return JSONResponse(
        {
            "issuer": origin,
            "token_endpoint": f"{origin}{TOKEN_PATH}",
            "jwks_uri": f"{origin}{KEYS_PATH}",
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic"],
            "token_endpoint_auth_signing_alg_values_supported": list(assertions.ALGORITHMS),
            "service_documentation": f"{origin}/docs",
        },
        headers=_CACHED,
    )


def _form(body: bytes) -> dict[str, str]:
    """The parameters.

    Raises:
        InputError: they cannot be read, one is there twice, or the grant type is missing.
    """
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise InputError("The form cannot be read.") from None
    form = dict(pairs)
    if len(form) != len(pairs) or "grant_type" not in form:
        raise InputError("Expected grant_type, and each parameter once.")
    return form


async def _admitted(edge: Edge, request: Request, form: dict[str, str], header: str | None) -> ClientGrant:
    """Who asks, where the client that is named and its network have room; a wrong proof costs more.

    Counted on the event loop, proved in a thread: a signature and the look-up of a secret take their time.

    Raises:
        NotAuthenticated: nobody whom we know, or without a proof.
        TooMany: this client, or this network, asks too often.
        Unavailable: the database does not answer.
    """
    assertion = form.get("client_assertion")
    named = basic_credentials(header)[0] if assertion is None else assertions.client_named(assertion)
    accounts = edge.limiter.admit(token_charges(edge, request, named), TOKEN_UNITS)
    try:
        return await run_in_threadpool(_client, edge, form, header)
    except NotAuthenticated:
        edge.limiter.surcharge(accounts, REFUSED_TOKEN_UNITS - TOKEN_UNITS)
        raise


def _client(edge: Edge, form: dict[str, str], header: str | None) -> ClientGrant:
    """Who asks.

    Raises:
        NotAuthenticated: nobody whom we know, or without a proof.
        Unavailable: the database does not answer.
    """
    at = now()
    if "client_assertion" not in form:
        client_id, secret = basic_credentials(header)
        client = signin.client_by_secret(edge.workshop, client_id, secret, at=at)
    else:
        if form.get("client_assertion_type") != assertions.ASSERTION_TYPE:
            raise NotAuthenticated(f"Expected client_assertion_type={assertions.ASSERTION_TYPE}.")
        assertion = form["client_assertion"]
        named = assertions.client_named(assertion)
        known = signin.keys_of(edge.workshop, named, at=at)
        origin = edge.settings.public_url
        audiences = frozenset({origin, f"{origin}{TOKEN_PATH}"})
        good = assertions.judge(assertion, named, known, audiences, at=at)
        client = signin.client_by_assertion(
            edge.workshop, good.client_id, good.jti, expires_at=good.expires_at
        )
    if form.get("client_id", client.client_id) != client.client_id:
        raise NotAuthenticated("The client_id is not that of the credentials.")
    return client


def _refusal(status: int, error: str, description: str) -> JSONResponse:
    headers = _NO_STORE if status != 401 else {**_NO_STORE, "WWW-Authenticate": 'Basic realm="certvault"'}  # noqa: PLR2004 - HTTP's own number
    return JSONResponse({"error": error, "error_description": description}, status, headers)
