"""Signing in at a provider and out again. Nothing here asks for a password."""

import logging
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from api.asking import admit_sign_in
from api.auth import attempt_cookie_name, refuse_cross_origin, session_cookie_name
from api.deps import EdgeHere, now
from api.edge import Edge
from api.oidc import Attempt, CancelledError, RelyingParty
from api.pages.places import is_own_page
from api.pages.rendering import pages_of
from vault import sessions
from vault.errors import NotAuthenticated, NotFound, Unavailable

router = APIRouter(include_in_schema=False)

HOME = "/my"
PARAMETER_MAX_CHARS = 4096
# A moment to read that one is signed out here before the provider's page comes.
FAREWELL_AFTER_S = 2
_log = logging.getLogger("certvault.api")


async def _admitted(request: Request, edge: EdgeHere) -> None:
    """Counts a step before it is taken: on the event loop, where alone the limiter may be used."""
    admit_sign_in(edge, request)


_COUNTED = [Depends(_admitted)]


@router.get("/signin")
def sign_in_page(request: Request, edge: EdgeHere, to: str = HOME) -> Response:
    """The providers to choose from. `to`: where to go afterwards."""
    return _choice(request, edge, _own_page(to), reason=None)


@router.get("/signin/{key}", dependencies=_COUNTED)
def go_to_provider(key: str, request: Request, edge: EdgeHere, to: str = HOME) -> Response:
    """Begins a sign-in for this browser, and sends it to the provider."""
    party, at = _party(edge, key), now()
    try:
        party.directory.metadata(at)  # first: while the provider is away nothing is begun
    except Unavailable as error:
        page = _choice(request, edge, _own_page(to), reason="away", status=503)
        page.headers["Retry-After"] = str(error.retry_after_s)
        return page
    secret = sessions.begin(edge.workshop, key, _own_page(to), at=at)
    response = RedirectResponse(party.address(Attempt(secret), at=at), 303)
    response.set_cookie(
        attempt_cookie_name(edge.settings.public_url),
        secret,
        max_age=int(sessions.ATTEMPT_LIFETIME.total_seconds()),
        path="/",
        secure=_https(edge),
        httponly=True,
        samesite="lax",  # it has to come back with the provider's redirect
    )
    return response


@router.get("/signin/{key}/callback", dependencies=_COUNTED)
def come_back(key: str, request: Request, edge: EdgeHere) -> Response:
    """Where the provider sends the browser: 1. it is the one that went; 2. who it is; 3. a new session."""
    party, at = _party(edge, key), now()
    url = edge.settings.public_url
    attempt = Attempt(request.cookies.get(attempt_cookie_name(url), ""))
    to = HOME
    try:
        answer = _answer(request)
        attempt.check_state(answer.get("state"))  # 1
    except NotAuthenticated as error:
        # The attempt stays: whoever lured the browser here must not end what it began.
        return _refused(request, edge, key, to, error)
    try:
        to = sessions.come_back(edge.workshop, attempt.secret, key, at=at)
        who = party.finish(attempt, answer, at=at)  # 2
    except CancelledError:
        return _without_attempt(edge, _choice(request, edge, to, reason="cancelled", status=401))
    except NotAuthenticated as error:
        return _without_attempt(edge, _refused(request, edge, key, to, error))
    except Unavailable as error:
        page = _choice(request, edge, to, reason="away", status=503)
        page.headers["Retry-After"] = str(error.retry_after_s)
        return _without_attempt(edge, page)
    before = request.cookies.get(session_cookie_name(url))
    token = sessions.enter(edge.workshop, who, key, before=before, at=at)  # 3
    response = RedirectResponse(to, 303)
    # No max-age: it goes with the browser's window, and here by the limits of `vault.sessions`.
    response.set_cookie(
        session_cookie_name(url), token, path="/", secure=_https(edge), httponly=True, samesite="lax"
    )
    return _without_attempt(edge, response)


@router.post("/signout")
def sign_out(request: Request, edge: EdgeHere) -> Response:
    """Ends the session here and in the browser; the page that follows goes on to the provider."""
    refuse_cross_origin(request.headers)
    name = session_cookie_name(edge.settings.public_url)
    token = request.cookies.get(name)
    provider = None if token is None else sessions.sign_out(edge.workshop, token, at=now())
    response = RedirectResponse(f"/signed-out/{provider}" if provider in edge.parties else "/signed-out", 303)
    response.delete_cookie(name, path="/", secure=_https(edge), httponly=True, samesite="lax")
    return response


@router.get("/signed-out")
def signed_out_page(request: Request) -> Response:
    """Signed out here; at no provider that one could go on to."""
    return pages_of(request).render(request, "signed_out.html", farewell=None, provider=None)


@router.get("/signed-out/{key}")
def signed_out_of(key: str, request: Request, edge: EdgeHere) -> Response:
    """Signed out here; the browser goes on to the provider by itself, where it can sign out there, too.

    By a page in between: our policy for forms (form-action) lets no form lead elsewhere, not even by a
    redirect.
    """
    party = _party(edge, key)
    farewell = None if party.farewell(at=now()) is None else f"/signout/{key}"
    headers = {} if farewell is None else {"Refresh": f"{FAREWELL_AFTER_S};url={farewell}"}
    return pages_of(request).render(
        request, "signed_out.html", headers=headers, farewell=farewell, provider=party.provider
    )


@router.get("/signout/{key}")
def sign_out_at_provider(key: str, edge: EdgeHere) -> Response:
    """On to the provider's own sign-out (OpenID Connect RP-Initiated Logout 1.0)."""
    return RedirectResponse(_party(edge, key).farewell(at=now()) or "/signed-out", 303)


def _choice(request: Request, edge: Edge, to: str, *, reason: str | None, status: int = 200) -> Response:
    providers = [party.provider for party in edge.parties.values()]
    return pages_of(request).render(
        request,
        "signin.html",
        status=status,
        here=f"/signin?to={quote(to, safe='/?=')}",
        providers=providers,
        to=to,
        reason=reason,
    )


def _refused(request: Request, edge: Edge, key: str, to: str, error: NotAuthenticated) -> Response:
    _log.warning("sign-in refused", extra={"provider": key, "why": error.detail})
    return _choice(request, edge, to, reason="refused", status=401)


def _party(edge: Edge, key: str) -> RelyingParty:
    """The provider with this key.

    Raises:
        NotFound: there is none.
    """
    if key not in edge.parties:
        raise NotFound("There is no such identity provider.")
    return edge.parties[key]


def _answer(request: Request) -> dict[str, str]:
    """The parameters of a redirect, each once (RFC 6749, 3.1).

    Raises:
        NotAuthenticated: one is there twice, or too long.
    """
    pairs = request.query_params.multi_items()
    found = dict(pairs)
    if len(found) != len(pairs) or any(len(value) > PARAMETER_MAX_CHARS for value in found.values()):
        raise NotAuthenticated("The answer has a parameter twice, or one that is too long.")
    return found


def _own_page(to: str) -> str:
    return to if is_own_page(to) else HOME


def _without_attempt(edge: Edge, response: Response) -> Response:
    name = attempt_cookie_name(edge.settings.public_url)
    response.delete_cookie(name, path="/", secure=_https(edge), httponly=True, samesite="lax")
    return response


def _https(edge: Edge) -> bool:
    return edge.settings.public_url.startswith("https:")
