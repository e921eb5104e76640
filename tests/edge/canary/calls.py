"""One request to the running vault, marked wherever a caller can put text, and what came of it."""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from tests.edge.canary.marks import Kind, Marks

JSON = "application/json"
_PARAMETER = re.compile(r"\{(\w+)(?::path)?\}")


@dataclass(frozen=True, slots=True)
class Call:
    """A request before it is sent. `route`: method and path template; `at`: what stands in the template.

    `body`: JSON; `content`, `data` and `files`: as httpx takes them. `who`: whose credentials it carries.
    `learn` is told a good answer.
    """

    route: tuple[str, str]
    at: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str | bytes] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    data: dict[str, str] | None = None
    files: dict[str, Any] | None = None
    learn: Callable[[httpx.Response], None] | None = None

    @property
    def path(self) -> str:
        """The path with everything filled in."""
        return _PARAMETER.sub(lambda found: quote(self.at[found[1]], safe="/"), self.route[1])

    @property
    def has_body(self) -> bool:
        """Whether it sends anything."""
        return any(each is not None for each in (self.body, self.content, self.data, self.files))


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request as it went over the wire, and its answer."""

    phase: str
    route: tuple[str, str]
    status: int
    sent: bytes
    got: bytes

    def __str__(self) -> str:
        """How a finding names it."""
        return f"{self.phase}: {self.route[0]} {self.route[1]} → {self.status}"


class Browser:
    """Sends calls and keeps every exchange."""

    def __init__(self, base_url: str, app: FastAPI) -> None:
        # A server that refuses a body unread closes the connection: each request has one of its own.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(base_url=base_url, trust_env=False, timeout=60.0, limits=limits)
        self._patterns = [
            (method, path, re.compile(_template(path) + r"\Z")) for method, path in routes_of(app)
        ]
        self.exchanges: list[Exchange] = []

    def send(self, call: Call, phase: str, *, origin: str = "") -> httpx.Response:
        """One request, answered. `origin`: of another server than the usual."""
        headers = {name: _header(value) for name, value in call.headers.items()}
        if call.cookies:
            headers["cookie"] = _header("; ".join(f"{name}={value}" for name, value in call.cookies.items()))
        # By hand: httpx would merge what it remembers of earlier answers.
        self._client.cookies.clear()
        query = f"?{urlencode(call.query)}" if call.query else ""
        request = self._client.build_request(
            call.route[0],
            origin + call.path + query,
            headers=[(name.encode(), value) for name, value in headers.items()],
            json=call.body,
            content=call.content,
            data=call.data,
            files=call.files,
        )
        answer = self._client.send(request)
        self.keep(phase, request, answer)
        return answer

    def keep(self, phase: str, request: httpx.Request, answer: httpx.Response) -> None:
        """Notes an exchange."""
        head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items()).encode("latin-1")
        sent_head = b"".join(name + b": " + value + b"\n" for name, value in request.headers.raw)
        self.exchanges.append(
            Exchange(
                phase,
                self.route_of(request.method, request.url.path),
                answer.status_code,
                request.url.raw_path + b"\n" + sent_head + b"\n" + request.read(),
                head + b"\n" + answer.content,
            )
        )

    def route_of(self, method: str, path: str) -> tuple[str, str]:
        """The route that takes this; the path itself where none does."""
        return next(
            ((method, known) for m, known, form in self._patterns if m == method and form.match(path)),
            (method, "(unmatched)"),
        )

    def close(self) -> None:
        """Closes connections."""
        self._client.close()


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """Every route, in the order in which they are tried: of the API, of pages, of signing in; no mounts."""
    found = []
    for route in iter_route_contexts(app.routes):
        path = route.path_format or route.path or ""
        found += [(m, path) for m in sorted(route.methods or ()) if m != "HEAD" and path]
    return found


def everywhere(call: Call, marks: Marks) -> Call:
    """The call with canaries in each place that every request has: query, headers, cookies."""
    stray = {name: marks.new(Kind.STRAY) for name in ("query", "agent", "referer", "id", "cookie", "header")}
    headers: dict[str, str | bytes] = {
        "user-agent": stray["agent"],
        "referer": f"http://{stray['referer']}.example/{quote(marks.new(Kind.NAME))}",
        "x-forwarded-for": "203.0.113.9",
        "x-request-id": stray["id"],
        "x-canary": marks.new(Kind.NAME).encode(),
        **call.headers,
    }
    if "authorization" in headers:
        clerk = {"staff_number": marks.new(Kind.STRAY), "name": marks.new(Kind.CLERK)}
        headers.setdefault("acting-for", urlencode(clerk))
    query = {**call.query, "canary": marks.new(Kind.NAME), stray["query"]: marks.new(Kind.ID_NUMBER)}
    cookies = {**call.cookies, "canary": stray["cookie"]}
    return replace(call, headers=headers, query=query, cookies=cookies)


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - JSON is any value
    """Every value in a JSON value that holds no other, by its pointer."""
    match value:
        case dict():
            for name, each in value.items():
                yield from leaves(each, f"{pointer}/{name}")
        case list():
            for number, each in enumerate(value):
                yield from leaves(each, f"{pointer}/{number}")
        case _:
            yield pointer, value


def with_leaf(value: Any, pointer: str, new: Any) -> Any:  # noqa: ANN401 - JSON is any value
    """A copy with another value at this pointer."""
    changed = copy.deepcopy(value)
    *way, last = pointer.split("/")[1:]
    place = changed
    for step in way:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = new
    return changed


def _header(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _template(path: str) -> str:
    parts = re.split(r"(\{\w+(?::path)?\})", path)
    return "".join(
        (".+" if part.endswith(":path}") or part in {"{path}", "{number}"} else "[^/]+")
        if part.startswith("{")
        else re.escape(part)
        for part in parts
    )
