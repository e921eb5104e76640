"""Errors as problem documents (RFC 9457): one table from `vault.errors` to status and title.

`type` is `urn:certvault:problem:<kind>`, stable for programs; `detail` is a sentence for people; `errors`
names each bad field by its JSON pointer (RFC 6901). No document repeats what the caller sent.
"""

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from vault.errors import (
    Conflict,
    DocumentRefused,
    FieldProblem,
    InputError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    TooLarge,
    TooMany,
    Unavailable,
    VaultError,
)

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:certvault:problem:"
# Enough to see what is wrong with a request, few enough that an answer stays smaller than what caused it.
ERRORS_MAX = 100
INCIDENT_BYTES = 8

_log = logging.getLogger("certvault.api")


class MalformedRequestError(VaultError):
    """The body cannot be read at all: no JSON, no form, or not in UTF-8."""

    kind = "malformed-request"


class MediaTypeError(VaultError):
    """The body is of a kind that this address does not take."""

    kind = "unsupported-media-type"


# Status and title by class; an error takes the row of its nearest ancestor. What has no row is our own fault.
_TABLE: Mapping[type[VaultError], tuple[int, str]] = {
    MalformedRequestError: (400, "The request cannot be read"),
    NotAuthenticated: (401, "Not signed in"),
    NotPermitted: (403, "Not permitted"),
    NotFound: (404, "Not found"),
    Conflict: (409, "In conflict with what is recorded"),
    TooLarge: (413, "Too large"),
    MediaTypeError: (415, "Unsupported media type"),
    InputError: (422, "The request is not valid"),
    DocumentRefused: (422, "The document was refused"),
    TooMany: (429, "Too many requests"),
    Unavailable: (503, "Not available now"),
}
# What the framework itself answers with, by status.
_HTTP_KINDS = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 415: "unsupported-media-type"}
_INTERNAL_DETAIL = (
    "Something went wrong on our side. Nothing you sent caused it; name the incident to support."
)


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document before it is written. `incident` is the id under which the log has the cause."""

    status: int
    kind: str
    title: str
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] | None = None
    incident: str | None = None

    def document(self) -> dict[str, Any]:
        """The JSON of RFC 9457, clause 3, with the extensions `errors` and `incident`."""
        document: dict[str, Any] = {
            "type": TYPE_PREFIX + self.kind,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = list(self.errors[:ERRORS_MAX])
        if self.incident is not None:
            document["incident"] = self.incident
        return document


AsPage = Callable[[Request, Problem], Response | None]


class ProblemWriter:
    """Turns whatever was raised into an answer; `as_page` may answer a browser with a page instead."""

    def __init__(self, as_page: AsPage) -> None:
        self._as_page = as_page

    def install(self, app: FastAPI) -> None:
        """Registers this for everything that a route or the framework raises."""
        for raised in (VaultError, RequestValidationError, HTTPException):
            app.add_exception_handler(raised, self.answer)

    async def answer(self, request: Request, error: Exception) -> Response:
        """The answer to `error`, as a page where the caller is a browser on a page, else as JSON."""
        problem = problem_of(error)
        return self._as_page(request, problem) or json_response(problem)


class CatchAll:
    """Middleware: an exception that nobody expected becomes a 500 with an incident id, logged once."""

    def __init__(self, app: ASGIApp, writer: ProblemWriter) -> None:
        self._app = app
        self._writer = writer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on; answers in its place where it raises before it answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if started:
                raise
            response = await self._writer.answer(Request(scope, receive), error)
            await response(scope, receive, send)


def problem_of(error: Exception) -> Problem:
    """The problem that an exception stands for; one that is ours to mend is logged with an incident id."""
    match error:
        case VaultError():
            return _of_vault_error(error)
        case RequestValidationError():
            return _of_validation(error)
        case HTTPException(__cause__=VaultError() as cause):
            # FastAPI wraps what reading a body raised.
            return _of_vault_error(cause)
        case HTTPException():
            return _of_http(error)
        case _:
            return _internal(error)


def json_response(problem: Problem) -> Response:
    """The problem as `application/problem+json`."""
    content = json.dumps(problem.document(), ensure_ascii=False).encode()
    headers = dict(problem.headers or {})
    return Response(content, problem.status, headers, media_type=MEDIA_TYPE)


def _of_vault_error(error: VaultError) -> Problem:
    row = next((_TABLE[c] for c in type(error).__mro__ if c in _TABLE), None)
    if row is None:
        return _internal(error)
    problem = Problem(row[0], error.kind, row[1], error.detail)
    match error:
        case InputError(problems=problems) | Conflict(problems=problems) | NotPermitted(problems=problems):
            return replace(problem, errors=[_field(p) for p in problems])
        case Unavailable(retry_after_s=seconds) | TooMany(retry_after_s=seconds):
            return replace(problem, headers={"Retry-After": str(seconds)})
        case NotAuthenticated():
            return replace(problem, headers={"WWW-Authenticate": 'Bearer realm="certvault"'})
        case _:
            return problem


def _of_http(error: HTTPException) -> Problem:
    status = HTTPStatus(error.status_code)
    kind = _HTTP_KINDS.get(status, "http-error")
    details = {
        404: "There is nothing at this address.",
        405: "This address does not take this method; the Allow header names those that it takes.",
        413: "The body is too large.",
    }
    detail = details.get(status, status.description or status.phrase)
    return Problem(status, kind, status.phrase, detail, headers=error.headers)


def _internal(error: Exception) -> Problem:
    incident = secrets.token_hex(INCIDENT_BYTES)
    _log.error("incident", exc_info=error, extra={"incident": incident})
    return Problem(500, "internal", "Internal error", _INTERNAL_DETAIL, incident=incident)


def _field(problem: FieldProblem) -> dict[str, str]:
    return {"pointer": problem.pointer, "detail": problem.detail}


# --- what the models found wrong, in our words ------------------------------------------------------


def _of_validation(error: RequestValidationError) -> Problem:
    status, title = _TABLE[InputError]
    errors = [_field_of_validation(item) for item in error.errors()[:ERRORS_MAX]]
    detail = "one field is wrong." if len(errors) == 1 else f"{len(errors)} fields are wrong."
    return Problem(status, InputError.kind, title, f"The request was refused: {detail}", errors)


def _field_of_validation(item: Mapping[str, Any]) -> dict[str, str]:
    place, *path = item["loc"]
    pointer = "".join(f"/{escaped(str(step))}" for step in path)
    found = {"pointer": pointer, "detail": _sentence(item)}
    return found if place == "body" else {**found, "in": str(place)}


def escaped(step: str) -> str:
    """One step of a JSON pointer (RFC 6901, clause 3)."""
    return step.replace("~", "~0").replace("/", "~1")


# By the kind of error that pydantic names. `got` is the JSON kind that came, `length` its length.
_SENTENCES = {
    "missing": "Expected this field, got none.",
    "extra_forbidden": "There is no such field here: take it out, or look for a slip of the pen.",
    "string_type": "Expected a text, got {got}.",
    "int_parsing": "Expected a whole number, got another text.",
    "int_type": "Expected a whole number, got {got}.",
    "bool_type": "Expected true or false, got {got}.",
    "list_type": "Expected a list, got {got}.",
    "dict_type": "Expected an object, got {got}.",
    "model_type": "Expected an object, got {got}.",
    "model_attributes_type": "Expected an object, got {got}.",
    "uuid_parsing": "Expected a UUID, got another text.",
    "uuid_type": "Expected a UUID, got {got}.",
    "string_too_short": "Expected at least {min_length} characters, got {length}.",
    "string_too_long": "Expected at most {max_length} characters, got {length}.",
    "too_short": "Expected at least {min_length} entries, got {length}.",
    "too_long": "Expected at most {max_length} entries, got {length}.",
    "string_pattern_mismatch": "Expected a text of the form {pattern}, got another.",
    "enum": "Expected {expected}, got something else.",
    "literal_error": "Expected {expected}, got something else.",
}
_OTHERWISE = "Expected another value here, got {got}."
_KINDS: Mapping[type, str] = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
    bytes: "no JSON",
}


def _sentence(item: Mapping[str, Any]) -> str:
    """What was expected and what kind of thing came; never the thing itself."""
    given = item.get("input")
    length = len(given) if isinstance(given, str | list | dict) else 0
    got = _KINDS.get(type(given), "something else")
    template = _SENTENCES.get(item["type"], _OTHERWISE)
    return template.format(**{**(item.get("ctx") or {}), "got": got, "length": length})
