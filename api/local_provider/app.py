"""The provider over HTTP: metadata, keys, the sign-in page, tokens, user info, and signing out."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from api.auth import refuse_cross_origin
from api.local_provider.book import read_book
from api.local_provider.protocol import ALGORITHM, METHOD, Answer, Protocol, Request
from api.pages.rendering import STATIC
from vault.errors import NotPermitted

_HERE = Path(__file__).parent
FORM_FIELDS_MAX = 20
_NO_STORE = {"Cache-Control": "no-store"}


def create_provider(book: Path) -> Starlette:
    """The provider on this book, which is read anew each time: whoever is added can sign in at once."""
    provider = _Provider(Protocol(partial(read_book, book)))
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", provider.metadata),
            Route("/jwks", provider.keys),
            Route("/authorize", provider.authorize, methods=["GET", "POST"]),
            Route("/token", provider.token, methods=["POST"]),
            Route("/userinfo", provider.userinfo),
            Route("/end-session", provider.end_session),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    )


class _Provider:
    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._pages = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined
        )

    async def metadata(self, _: HttpRequest) -> Response:
        issuer = self._protocol.read().issuer
        return JSONResponse(
            {
                "issuer": issuer,
                "authorization_endpoint": f"{issuer}/authorize",
                "token_endpoint": f"{issuer}/token",
                "userinfo_endpoint": f"{issuer}/userinfo",
                "jwks_uri": f"{issuer}/jwks",
                "end_session_endpoint": f"{issuer}/end-session",
                "scopes_supported": ["openid", "profile"],
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "code_challenge_methods_supported": [METHOD],
                "authorization_response_iss_parameter_supported": True,
            }
        )

    async def keys(self, _: HttpRequest) -> Response:
        key = self._protocol.key
        public = {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig", "alg": ALGORITHM}
        return JSONResponse({"keys": [public]})

    async def authorize(self, http: HttpRequest) -> Response:
        """The page with login and password; the same address takes its form."""
        query = dict(http.query_params)
        asked = Request("GET", http.headers, query)
        try:
            grant = self._protocol.get_consent_grant(asked)
        except OAuth2Error as error:
            # To nobody who is not registered: a page of our own, no redirect.
            return self._page("refused.html", 400, why=error.description or error.error)
        if http.method == "GET":
            return self._page("login.html", 200, query=query, login="", refused=False)
        refuse_origin = _other_origin(http)
        if refuse_origin is not None:
            return refuse_origin
        async with http.form(max_files=0, max_fields=FORM_FIELDS_MAX) as form:
            login, password = str(form.get("login", "")), str(form.get("password", ""))
            cancelled = "cancel" in form
        account = None if cancelled else self._protocol.read().account(login.strip(), password)
        if account is None and not cancelled:
            return self._page("login.html", 401, query=query, login=login, refused=True)
        answer = self._protocol.create_authorization_response(asked, account, grant=grant)
        issuer = self._protocol.read().issuer
        location = answer.headers["Location"] + "&" + urlencode({"iss": issuer})  # RFC 9207
        return RedirectResponse(location, 303, _NO_STORE)

    async def token(self, http: HttpRequest) -> Response:
        async with http.form(max_files=0, max_fields=FORM_FIELDS_MAX) as form:
            values = {name: str(value) for name, value in form.items()}
        return _http(self._protocol.create_token_response(Request("POST", http.headers, values)))

    async def userinfo(self, http: HttpRequest) -> Response:
        scheme, _, token = http.headers.get("authorization", "").partition(" ")
        owner = self._protocol.owner_of(token) if scheme.lower() == "bearer" else None
        if owner is None:
            return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": "Bearer"})
        return JSONResponse({"sub": owner.login, **owner.claims}, headers=_NO_STORE)

    async def end_session(self, http: HttpRequest) -> Response:
        """Nobody stays signed in here, so there is nothing to end; back to where the client may send them."""
        book = self._protocol.read()
        wanted = http.query_params.get("post_logout_redirect_uri")
        known = http.query_params.get("client_id") == book.client_id and wanted == f"{book.origin}/"
        return RedirectResponse(f"{book.origin}/", 303) if known else self._page("signed_out.html", 200)

    def _page(self, template: str, status: int, **values: Any) -> HTMLResponse:  # noqa: ANN401 - what it shows
        html = self._pages.get_template(template).render(**values)
        back = urlsplit(self._protocol.read().redirect_uri)
        # A form's redirect must be permitted, too: the way back to the vault.
        policy = (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none';"
            f" form-action 'self' {back.scheme}://{back.netloc}"
        )
        headers = {"Content-Security-Policy": policy, "Referrer-Policy": "same-origin", **_NO_STORE}
        return HTMLResponse(html, status, headers)


def _other_origin(http: HttpRequest) -> Response | None:
    try:
        refuse_cross_origin(http.headers)
    except NotPermitted as error:
        return Response(error.detail, 403)
    return None


def _http(answer: Answer) -> Response:
    headers: Mapping[str, str] = {**answer.headers, **_NO_STORE}
    if isinstance(answer.body, Mapping | list):
        kept = {name: value for name, value in headers.items() if name.lower() != "content-type"}
        return JSONResponse(dict(answer.body), answer.status, kept)
    return Response(answer.body, answer.status, dict(headers))
