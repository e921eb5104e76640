"""What routes ask for: the edge, the time, the caller, and bodies read strictly."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from inspect import iscoroutinefunction, signature
from typing import Annotated, Any, cast

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.security import APIKeyCookie, OAuth2
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
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
    client = await signin.client_now(edge.reader, client_named(edge, authorization))
    return _known(request, edge, client, clerk)


def client_named(edge: Edge, authorization: str | None) -> str:
    """The client id in a bearer token that is good; the client itself may be disabled by now.

    Raises:
        NotAuthenticated: no bearer token, or a bad one.
    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("Send an access token: Authorization: Bearer …, from POST /oauth/token.")
    return edge.tokens.client_of(token.strip(), now())


def _known(request: Request, edge: Edge, client: ClientGrant, clerk: str | None) -> ClientGrant:
    """The client with the clerk for whom it asks; that it was heard is noted."""
    edge.deposits.sighted(client.client_id, now())
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
    """A route that takes its body as `application/json` only, and reads it strictly.

    Where an endpoint asks for its body, the edge and a caller and nothing else, it is called by hand, with
    the same answers: FastAPI's solver takes longer for these three than the vault for many a question.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with the body's media type checked before anything is read."""
        handle = super().get_route_handler()
        takes_json = self.body_field is not None
        plain = _plain_of(self)

        async def strict(request: Request) -> Response:
            if takes_json and media_type(request.headers.get("content-type")) != "application/json":
                raise MediaTypeError("Send the body as application/json.")
            asked = StrictRequest(request.scope, request.receive)
            if plain is None or not await _body_of(asked):
                return await handle(asked)
            return await run_in_threadpool(plain, asked, await asked.json())

        return strict


async def _body_of(request: Request) -> bytes:
    try:
        return await request.body()
    except ClientDisconnect as error:  # as FastAPI does: nobody is there to read it
        raise HTTPException(400) from error


_GIVEN_BY_FASTAPI = (
    "background_tasks_param_name",
    "http_connection_param_name",
    "request_param_name",
    "response_param_name",
    "security_scopes_param_name",
    "websocket_param_name",
)


def _plain_of(route: APIRoute) -> Callable[[Request, object], Response] | None:
    """What answers a request with this JSON, in a thread; None for any but the plainest of endpoints."""
    dependant, body = route.dependant, route.body_field
    known = {edge_of, *_CALLERS}
    others = (dependant.path_params, dependant.query_params, dependant.header_params, dependant.cookie_params)
    if (
        body is None
        or len(dependant.body_params) != 1
        or body.name != dependant.body_params[0].name  # else FastAPI has put a model around it
        or any(others)
        or any(getattr(dependant, name) is not None for name in _GIVEN_BY_FASTAPI)
        or any(each.call not in known or each.name is None for each in dependant.dependencies)
        or iscoroutinefunction(route.endpoint)
        or not _answers_itself(route.endpoint)
    ):
        return None
    asks = {str(each.name): each.call for each in dependant.dependencies}

    def answer(request: Request, value: object) -> Response:
        edge = cast("Edge", request.app.state.edge)
        given = {
            name: edge if call is edge_of else _CALLERS[cast("_Dependency", call)](request, edge)
            for name, call in asks.items()
        }
        given[body.name], wrong = body.validate(value, {}, loc=("body",))
        if wrong:
            raise RequestValidationError(wrong, body=value)
        return cast("Response", route.endpoint(**given))

    return answer


def _answers_itself(endpoint: Callable[..., Any]) -> bool:
    """Whether there is nothing left for FastAPI to write out."""
    returned = signature(endpoint).return_annotation
    return isinstance(returned, type) and issubclass(returned, Response)


def _client_in_thread(request: Request, edge: Edge) -> ClientGrant:
    """As `client_of`, for whoever is in a thread already."""
    client = signin.client_by_id(edge.workshop, client_named(edge, request.headers.get("authorization")))
    return _known(request, edge, client, request.headers.get("acting-for"))


def _caller_in_thread(request: Request, edge: Edge) -> Caller:
    """As `caller_of`, for whoever is in a thread already."""
    if request.headers.get("authorization"):
        return _client_in_thread(request, edge)
    if request.method not in SAFE_METHODS:
        refuse_cross_origin(request.headers)
    return person_of(request, edge, None)


_Dependency = Callable[..., Any]
_CALLERS: Mapping[_Dependency, Callable[[Request, Edge], Caller]] = {
    client_of: _client_in_thread,
    caller_of: _caller_in_thread,
}
