"""What holds for every route there is, and for every one that will be: headers, caps on bodies, forms."""

import asyncio
import re
from collections.abc import Iterator

import pytest
from fastapi.routing import iter_route_contexts
from starlette.types import Message

from api.limits import body_max_bytes
from tests.unit.api.calling import app_without_engines, call

APP = app_without_engines(public_url="https://vault.example")
CHUNK = b" " * 65_536


def routes() -> Iterator[tuple[str, str, bool]]:
    """Method, a path that the route takes, and whether it is a page."""
    for route in iter_route_contexts(APP.routes):
        path = re.sub(r"\{sha256[^}]*\}", "0" * 64, route.path_format or route.path or "")
        path = re.sub(r"\{[^}]*id[^}]*\}", "00000000-0000-0000-0000-000000000001", path)
        path = re.sub(r"\{[^}]*\}", "x", path)
        is_page = not getattr(route.original_route, "include_in_schema", True)
        for method in sorted(route.methods or {"GET"}):
            yield method, path, is_page


ROUTES = sorted(set(routes()))
# The same for everybody, and asked for at every token: others may keep them for a minute.
FOR_EVERYBODY = {"/.well-known/jwks.json", "/.well-known/oauth-authorization-server"}
WRITING = [(method, path) for method, path, _ in ROUTES if method not in {"GET", "HEAD"}]


def test_the_list_of_routes_is_not_empty_by_mistake() -> None:
    paths = {path for _, path, _ in ROUTES}
    assert {"/", "/v", "/v1/deposits", "/v1/verifications", "/oauth/token", "/signin/x", "/docs"} <= paths
    assert len(WRITING) > 15


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in ROUTES])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_every_answer_tells_browsers_what_they_may_not_do(method: str, path: str, accept: str) -> None:
    answer = call(APP, method, path, headers={"accept": accept})
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["strict-transport-security"].startswith("max-age=31536000")
    assert headers["referrer-policy"] in {"same-origin", "no-referrer"}
    # The page that scans, and its form that was sent empty: it comes again.
    scans = path == "/"
    assert ("camera=(self)" if scans else "camera=()") in headers["permissions-policy"]
    assert headers["cache-control"] == ("public, max-age=60" if path in FOR_EVERYBODY else "no-store")
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in policy
    # The API's reference comes from elsewhere and styles itself as it runs; it runs no inline script.
    styles_itself = "style-src 'self' 'unsafe-inline';" if path == "/docs" else ""
    compiles = "script-src 'self' 'wasm-unsafe-eval';" if scans else ""
    assert "unsafe" not in policy.replace(styles_itself, "").replace(compiles, "")
    if headers.get("content-type", "").startswith("text/html"):
        assert "form-action 'self'" in policy
        assert "base-uri 'none'" in policy
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)
    if answer.status_code >= 500:
        assert "Traceback" not in answer.text


def answered(method: str, path: str, headers: dict[str, str]) -> tuple[int, int]:
    """The status, and how many bytes of an endless body were taken for it."""
    taken = 0
    statuses: list[int] = []

    async def receive() -> Message:
        nonlocal taken
        taken += len(CHUNK)
        return {"type": "http.request", "body": CHUNK, "more_body": True}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("vault.example", 443),
    }
    asyncio.run(APP(scope, receive, send))
    return statuses[0], taken


@pytest.mark.parametrize(("method", "path"), WRITING)
def test_a_body_that_announces_too_much_is_refused_unread(method: str, path: str) -> None:
    too_much = {"content-length": str(body_max_bytes(path) + 1), "content-type": "application/octet-stream"}
    assert answered(method, path, too_much) == (413, 0)


@pytest.mark.parametrize(("method", "path"), WRITING)
@pytest.mark.parametrize(
    "media",
    [
        "application/json",
        "application/pdf",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ],
)
def test_an_endless_body_is_read_to_its_cap_at_most(method: str, path: str, media: str) -> None:
    status, taken = answered(method, path, {"transfer-encoding": "chunked", "content-type": media})
    cap = body_max_bytes(path, media)
    assert taken <= cap + len(CHUNK)
    if taken > cap:
        assert status == 413


@pytest.mark.parametrize(("method", "path"), [(m, p) for m, p, page in ROUTES if page and m == "POST"])
def test_every_form_of_a_page_comes_from_our_own_pages(method: str, path: str) -> None:
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://elsewhere.example"}):
        assert call(APP, method, path, data={"a": "b"}, headers=headers).status_code == 403
