"""Templates, languages, and errors as pages."""

import hashlib
from datetime import datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.edge import Edge
from api.pages.texts import TEXTS, Language, text
from api.problems import Problem

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
LANGUAGE_COOKIE = "lang"
LANGUAGE_COOKIE_MAX_AGE_S = 365 * 24 * 3600
LEGAL_TIME = ZoneInfo("Asia/Shanghai")
# Addresses of programs: their errors are never pages, whatever the Accept header says.
_PROGRAM_PREFIXES = ("/v1/", "/oauth/", "/.well-known/", "/openapi.json", "/metrics")
_DIGEST_CHARS = 12


class Pages:
    """Renders templates. One for each application."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["day"] = _day
        self._environment.filters["moment"] = _moment
        self._environment.globals["asset"] = _versioned_assets()

    def render(
        self,
        request: Request,
        template: str,
        /,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **values: Any,  # noqa: ANN401 - whatever the template shows
    ) -> HTMLResponse:
        """A page in the caller's language; `?lang=` chooses one and is remembered."""
        language = _language(request)
        html = self._environment.get_template(template).render(
            **values,
            t=partial(text, language=language),
            knows=TEXTS.__contains__,
            language=language,
            # Where the other language is found. An address that is none of ours is not repeated.
            path=request.url.path if status != HTTPStatus.NOT_FOUND else "/",
        )
        response = HTMLResponse(html, status, headers)
        if request.query_params.get("lang") == language:
            response.set_cookie(
                LANGUAGE_COOKIE,
                language,
                max_age=LANGUAGE_COOKIE_MAX_AGE_S,
                httponly=True,
                samesite="lax",
                secure=self._edge.settings.public_url.startswith("https:"),
            )
        return response

    def problem_page(self, request: Request, problem: Problem) -> HTMLResponse | None:
        """The problem as a page for a browser on a page; None for programs."""
        path = request.url.path
        if path.startswith(_PROGRAM_PREFIXES) or "text/html" not in request.headers.get("accept", ""):
            return None
        headers = {k: v for k, v in (problem.headers or {}).items() if k != "WWW-Authenticate"}
        return self.render(request, "problem.html", status=problem.status, headers=headers, problem=problem)


def pages_of(request: Request) -> Pages:
    """The application's pages."""
    return cast("Pages", request.app.state.pages)


def _language(request: Request) -> Language:
    wanted = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return Language.EN if wanted == Language.EN else Language.ZH


def _day(moment: str) -> str:
    """A time in RFC 3339 as the date that it was in China."""
    return datetime.fromisoformat(moment).astimezone(LEGAL_TIME).date().isoformat()


def _moment(moment: str) -> str:
    """A time in RFC 3339 as clock time in China."""
    return datetime.fromisoformat(moment).astimezone(LEGAL_TIME).strftime("%Y-%m-%d %H:%M:%S")


def _versioned_assets() -> dict[str, str]:
    """Addresses of static files with a digest, so that a browser fetches a changed file again."""
    return {
        file.name: f"/static/{file.name}?v={hashlib.sha256(file.read_bytes()).hexdigest()[:_DIGEST_CHARS]}"
        for file in STATIC.iterdir()
    }
