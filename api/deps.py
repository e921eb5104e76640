"""What routes ask for: the edge, the time, the caller, and bodies read strictly."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from fastapi import Depends, Header, Request
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, OAuth2
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.auth import acting_for, refuse_cross_origin, session_cookie_name
from api.edge import Edge
from api.limits import media_type, read_json
from api.problems import MediaTypeError
from vault import sessions, signin
from vault.errors import NotAuthenticated
from vault.model.access import Caller
from vault.model.actors import ClientGrant, Person

# They change nothing (RFC 9110, 9.2.1): where another site makes a browser send them, nothing happens.
SAFE_METHODS = frozenset({"GET", "HEAD"})

_client_scheme = OAuth2(
    flows={"clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}}},
    scheme_name="approval_system",
    description="Approval systems: a bearer token from `POST /oauth/token`.",
    auto_error=False,
)
_session_scheme = APIKeyCookie(
    name=session_cookie_name("https:"),
    scheme_name="session",
    description="People: the session's cookie (without the prefix `__Host-` on plain http).",
    auto_error=False,
)


def now() -> datetime:
    """The time of a request, read once at its edge."""
    return datetime.now(UTC)


async def edge_of(request: Request) -> Edge:
    """The running edge."""
    return cast("Edge", request.app.state.edge)


EdgeHere = Annotated[Edge, Depends(edge_of)]


_ActingFor = Annotated[
    str | None,
    Header(
        alias="Acting-For",
        description="The clerk for whom the system asks, recorded with the request: "
        "`staff_number=…&name=…`, form-encoded in UTF-8.",
        examples=["staff_number=W0123&name=%E6%96%87%E6%A0%B7%E7%AA%97"],
    ),
]


async def client_of(
    request: Request,
    edge: EdgeHere,
    authorization: Annotated[str | None, Depends(_client_scheme)],
    clerk: _ActingFor = None,
) -> ClientGrant:
    """The approval system that calls: its token is checked, its grant read anew.

    On the event loop: a thread's detour costs more than both.

    Raises:
        NotAuthenticated: no bearer token, a bad one, or a client that is disabled by now.
        InputError: the clerk that it acts for is not named as it should be.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("Send an access token: Authorization: Bearer …, from POST /oauth/token.")
    at = now()
    client = await signin.client_now(edge.reader, edge.tokens.client_of(token.strip(), at))
    edge.deposits.sighted(client.client_id, at)
    request.state.client_id = client.client_id  # for whoever counts what became of the request
    return client if clerk is None else replace(client, acting_for=acting_for(clerk))


def person_of(request: Request, edge: EdgeHere, _: Annotated[str | None, Depends(_session_scheme)]) -> Person:
    """Who is signed in.

    Raises:
        NotAuthenticated: nobody, or the session has ended.
    """
    token = request.cookies.get(session_cookie_name(edge.settings.public_url))
    if token is None:
        raise NotAuthenticated("Sign in first.")
    return sessions.signed_in(edge.workshop, token, at=now())


async def verifier_client_of(request: Request, edge: EdgeHere) -> ClientGrant | None:
    """The approval system that sees something which is for anybody; None where no token was sent.

    Raises:
        NotAuthenticated, InputError: as `client_of`.
    """
    authorization = request.headers.get("authorization")
    if authorization is None:
        return None
    return await client_of(request, edge, authorization, request.headers.get("acting-for"))


def verifier_of(
    request: Request, edge: EdgeHere, client: Annotated[ClientGrant | None, Depends(verifier_client_of)]
) -> ClientGrant | Person | None:
    """Who sees something which is for anybody, as far as known: a system, who is signed in, or None."""
    if client is not None:
        return client
    try:
        return person_of(request, edge, None)
    except NotAuthenticated:
        return None


async def caller_of(
    request: Request,
    edge: EdgeHere,
    authorization: Annotated[str | None, Depends(_client_scheme)],
    session: Annotated[str | None, Depends(_session_scheme)],
    clerk: _ActingFor = None,
) -> Caller:
    """The approval system that calls, or, without a token, whoever is signed in.

    Raises:
        NotAuthenticated: neither.
        NotPermitted: another site made the browser send this.
        InputError: as `client_of`.
    """
    if authorization is not None:
        return await client_of(request, edge, authorization, clerk)
    if request.method not in SAFE_METHODS:  # a browser adds the cookie by itself; a token it does not
        refuse_cross_origin(request.headers)
    return await run_in_threadpool(person_of, request, edge, session)


ClientHere = Annotated[ClientGrant, Depends(client_of)]
PersonHere = Annotated[Person, Depends(person_of)]
CallerHere = Annotated[Caller, Depends(caller_of)]
VerifierHere = Annotated[ClientGrant | Person | None, Depends(verifier_of)]


class StrictRequest(Request):
    """A request whose JSON is read by `limits.read_json`."""

    async def json(self) -> Any:  # noqa: ANN401 - JSON is any value
        """The body's value, read once."""
        if not hasattr(self, "_strict_json"):
            self._strict_json = read_json(await self.body())
        return self._strict_json


class StrictRoute(APIRoute):
    """A route that takes its body as `application/json` only, and reads it strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with the body's media type checked before anything is read."""
        handle = super().get_route_handler()
        takes_json = self.body_field is not None

        async def strict(request: Request) -> Response:
            if takes_json and media_type(request.headers.get("content-type")) != "application/json":
                raise MediaTypeError("Send the body as application/json.")
            return await handle(StrictRequest(request.scope, request.receive))

        return strict
