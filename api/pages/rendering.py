"""Templates, languages, and errors as pages."""

import hashlib
from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from api.edge import Edge
from api.pages.places import places_of
from api.pages.texts import TEXTS, Language, text
from api.problems import Problem

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
LANGUAGE_COOKIE = "lang"
TYPE_COOKIE = "type"
CHOICE_MAX_AGE_S = 365 * 24 * 3600
LARGE, NORMAL = "large", "normal"
# Which part of a page is shown stays when the language is switched; nothing else that is asked is repeated.
_PARTS = {"access", "before", "certificate", "under"}
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
        """A page in the caller's language and size of type; `?lang=` and `?type=` choose, and are remembered.

        `person`, among the values: who is signed in, for the ways in the head of the page. `here`: where the
        other language of this page is found, if not at the address that was asked for.
        """
        language, size = language_of(request), _type_size(request)
        here = values.pop("here", None) or _here(request, status)
        html = self._environment.get_template(template).render(
            **values,
            t=partial(text, language=language),
            knows=TEXTS.__contains__,
            language=language,
            type_size=size,
            written=partial(_written, language=language),
            path=request.url.path,
            places=places_of(values.get("person")),
            switch=partial(_switch, here),
        )
        response = HTMLResponse(html, status, headers)
        self._remember(request, response, "lang", LANGUAGE_COOKIE, language)
        self._remember(request, response, "type", TYPE_COOKIE, size)
        return response

    def _remember(
        self, request: Request, response: HTMLResponse, parameter: str, cookie: str, chosen: str
    ) -> None:
        if request.query_params.get(parameter) != chosen:
            return
        response.set_cookie(
            cookie,
            chosen,
            max_age=CHOICE_MAX_AGE_S,
            httponly=True,
            samesite="lax",
            secure=self._edge.settings.public_url.startswith("https:"),
        )

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


def language_of(request: Request) -> Language:
    """The language that the caller chose, now or before; Chinese where they chose none."""
    wanted = request.query_params.get("lang") or request.cookies.get(LANGUAGE_COOKIE)
    return Language.EN if wanted == Language.EN else Language.ZH


def _type_size(request: Request) -> str:
    wanted = request.query_params.get("type") or request.cookies.get(TYPE_COOKIE)
    return LARGE if wanted == LARGE else NORMAL


def _here(request: Request, status: int) -> str:
    """The address of this page, without what chooses its language and type.

    An address that is none of ours is not repeated, nor what was asked for where it could not be had.
    """
    if status == HTTPStatus.NOT_FOUND:
        return "/"
    if status != HTTPStatus.OK or request.method != "GET":
        return request.url.path
    kept = [(name, value) for name, value in request.query_params.multi_items() if name in _PARTS]
    return request.url.path + (f"?{urlencode(kept)}" if kept else "")


def _switch(here: str, **chosen: str) -> str:
    """This page's address with another language or type."""
    return f"{here}{'&' if '?' in here else '?'}{urlencode(chosen)}"


def _written(day: str, *, language: Language) -> str:
    """A date as it stands in a sentence."""
    at = date.fromisoformat(day)
    return f"{at.year}年{at.month}月{at.day}日" if language is Language.ZH else f"{at:%-d %B %Y}"


def _day(moment: str) -> str:
    """A time in RFC 3339 as the date that it was in China."""
    return datetime.fromisoformat(moment).astimezone(LEGAL_TIME).date().isoformat()


def _moment(moment: str) -> str:
    """A time in RFC 3339 as clock time in China."""
    return datetime.fromisoformat(moment).astimezone(LEGAL_TIME).strftime("%Y-%m-%d %H:%M:%S")


def _versioned_assets() -> dict[str, str]:
    """Addresses of static files with a digest, so that a browser fetches a changed file again."""
    names = [file.relative_to(STATIC).as_posix() for file in STATIC.rglob("*") if file.is_file()]
    return {
        name: f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:_DIGEST_CHARS]}"
        for name in names
    }
