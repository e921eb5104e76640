"""Who sits at the browser: the person of its session, or the way to the sign-in."""

from datetime import datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.auth import session_cookie_name
from api.edge import Edge
from api.pages.places import address_of
from vault import sessions
from vault.errors import NotAuthenticated
from vault.model.actors import Person


def person_at(request: Request, edge: Edge, at: datetime) -> Person | None:
    """The person whose session this browser has; None where it has none, or one that has ended.

    Raises:
        Unavailable: the database does not answer.
    """
    token = request.cookies.get(session_cookie_name(edge.settings.public_url), "")
    try:
        return sessions.signed_in(edge.workshop, token, at=at)
    except NotAuthenticated:
        return None


class TurnedAway(Exception):
    """Who came cannot stay on this page. `answer`: the way to the sign-in, or for whom the page is."""

    def __init__(self, answer: Response) -> None:
        super().__init__("The visitor was turned away.")
        self.answer = answer


def turned_away(_request: Request, error: Exception) -> Response:
    """The answer that whoever turned the visitor away wants to be given."""
    if not isinstance(error, TurnedAway):
        raise error
    return error.answer


def to_sign_in(request: Request) -> RedirectResponse:
    """To the sign-in, and back to this page afterwards; from a form to the page that it stands on."""
    return RedirectResponse(f"/signin?to={quote(address_of(request), safe='/?=')}", 303)
