"""Requests that fail, made from those that succeed: every place of every route, every way to be refused."""

import http.client
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import cycle
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
from psycopg import connect, sql

from tests.edge.canary.calls import Call, everywhere, leaves, with_leaf
from tests.edge.canary.marks import Kind
from tests.edge.canary.story import GOOD, SESSION, Story
from tests.edge.canary.ways import RENEWING, STORY
from vault import signin

# Kept in clear by decision: whoever puts a name there publishes it. Canaries of their own kinds stand there
# in every request. An ID number is refused in a reason; a case number may look like anything.
CASE_NUMBER = "/case/number"
PUBLIC_LEAVES = {
    ("POST", "/v1/deposits"): {CASE_NUMBER},
    ("POST", "/v1/certificates/{certificate_id}/status"): {"/reason"},
    ("POST", "/v1/certificates/{certificate_id}/inspections"): {"/remark"},
    ("POST", "/v1/seal-grants/{grant_id}/end"): {"/reason"},
    ("POST", "/v1/seals/{seal_id}/stop"): {"/reason"},
    ("POST", "/v1/seals/{seal_id}/resumption"): {"/reason"},
}
PLACED = (Kind.NAME, Kind.ID_NUMBER, Kind.CREDIT_CODE, Kind.SECRET)
# Two cores: while the server works on one request, the next is made.
HANDS = 3
Tried = set[tuple[tuple[str, str], str]]
_CLAIMED_BYTES = 10**9
# Everything that a request may write to or read from; what the worker needs to live is left alone.
_READ = (
    "certificates",
    "holders",
    "materials",
    "uses",
    "cases",
    "webhooks",
    "people",
    "log_leaves",
    "seals",
    "seal_grants",
    "consents",
    "delegations",
    "presentations",
    "desks",
)


def renew(story: Story) -> None:
    """A new case, use, webhook and session, and a code of the provider's that is not redeemed yet."""
    phase, story.phase = story.phase, GOOD
    for way in RENEWING:
        call = everywhere(way(story), story.marks)
        answer = story.send(call)
        assert answer.status_code < httpx.codes.BAD_REQUEST, f"{call.route}: {answer.text}"
    story.phase = phase


def everything(story: Story, phase: str, *, hands: int = 1) -> None:
    """Every way once more, whatever comes of it; so many requests at once."""
    story.phase = phase
    if hands == 1:
        for call in calls(story):
            story.send(call)
        return
    with ThreadPoolExecutor(hands) as pool:
        list(pool.map(story.send, list(calls(story))))


def placed(story: Story) -> None:
    """Canaries in one place after the other: path, query, header, each JSON field and a field too many."""
    story.phase = "a canary in each place"
    tried: Tried = set()
    with ThreadPoolExecutor(HANDS) as pool:
        for call in calls(story):
            list(pool.map(story.send, list(_with_places(story, call, tried))))


def unknown_callers(story: Story) -> None:
    """Nobody, and somebody with a token, a secret or a cookie that is not ours."""
    for call in calls(story):
        nobody = {name: value for name, value in call.headers.items() if name != "authorization"}
        story.phase = "without credentials"
        story.send(replace(call, headers=nobody, cookies={}))
        story.phase = "with foreign credentials"
        cookies = {**call.cookies, SESSION: story.mark(Kind.SECRET)}
        for scheme in ("Bearer", "Basic", ""):
            told = f"{scheme} {story.mark(Kind.SECRET)}".strip()
            story.send(replace(call, headers={**nobody, "authorization": told}, cookies=cookies))


def bodies(story: Story) -> None:
    """Bodies of another kind, that cannot be read, or are too large."""
    for call in (each for each in calls(story) if each.has_body or each.route[0] in {"POST", "PUT"}):
        story.phase = "wrong media type"
        text = story.mark(Kind.NAME).encode()
        plain = replace(call, body=None, data=None, files=None)
        named = b"text/plain; name=" + text
        for media_type in (named, story.mark(Kind.STRAY).encode(), b"multipart/form-data"):
            headers: dict[str, str | bytes] = {**call.headers, "content-type": media_type}
            story.send(replace(plain, content=text, headers=headers))
        story.phase = "malformed body"
        for kind in ("application/json", "application/x-www-form-urlencoded", "application/pdf"):
            for content in (b'{"' + text + b'": "' + text, b"\xff" + text, b"%PDF-1.7\n" + text):
                story.send(replace(plain, content=content, headers={**call.headers, "content-type": kind}))
        story.phase = "too large"
        _claim_too_much(story, call)


def refusals(story: Story) -> None:
    """Not permitted (403), in conflict with what is there (409), and addresses that nobody has."""
    story.phase = "refused"
    marks, narrow = story.marks, new_client(story, "narrow", frozenset())
    deposit = Call(("POST", "/v1/deposits"), headers=story.client(), body=story.deposit())
    changed = with_leaf(deposit.body, "/results/0/fields/domicile", story.mark(Kind.FACE))
    for call in (
        replace(deposit, headers=narrow),  # 403
        deposit,
        replace(deposit, body=changed),  # 409
        Call(("POST", "/v1/webhooks"), headers=story.client(), body={"url": story.receiver.url}),
        Call(("POST", "/v1/webhooks"), headers=story.client(), body={"url": story.receiver.url}),  # 409
        Call(("GET", "/v1/changes"), query={"after": "999999.00000000"}, headers=story.client()),  # 409
        Call(("POST", "/"), data={"number": story.mark(Kind.NAME), "code": ""}),  # 422
        Call(("POST", "/v1/uses/redemptions"), headers=narrow, body={"code": story.use["code"]}),
        Call(("POST", "/v1/uses/redemptions"), headers=story.client(), body={"code": story.use["code"]}),
        *(Call((method, f"/{marks.new(kind)}")) for method in ("GET", "PUT") for kind in PLACED),
        *(Call(("GET", f"{mount}/{marks.new(Kind.NAME)}")) for mount in ("/static", "/docs/assets")),
        Call(("PATCH", "/v1/deposits"), headers=story.client(), content=story.mark(Kind.NAME).encode()),
    ):
        story.send(everywhere(call, marks))
        browser = {**call.headers, "accept": "text/html", "sec-fetch-site": "cross-site"}
        story.send(everywhere(replace(call, headers=browser), marks))
    for call in calls(story):
        foreign = {**call.headers, "sec-fetch-site": "cross-site", "accept": "text/html"}
        story.send(replace(call, headers=foreign))  # 403 where a browser's form or session is at stake


def new_client(story: Story, client_id: str, authorities: frozenset[str]) -> dict[str, str | bytes]:
    """The header of another approval system, bound to these authorities; nothing is granted to it."""
    workshop, marks = story.vault.house.wired.workshop, story.marks
    made = signin.add_client(workshop, client_id, "x", authorities, at=datetime.now(UTC))
    token = httpx.post(
        f"{story.vault.base_url}/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(client_id, marks.adopt(Kind.CLIENT_SECRET, made.secret)),
        trust_env=False,
    ).json()["access_token"]
    marks.adopt(Kind.BEARER, token.rsplit(".", 1)[1])
    return {"authorization": f"Bearer {token}"}


@contextmanager
def nothing_can_be_written(database_url: str) -> Iterator[None]:
    """Every row that would be written breaks a rule; what PostgreSQL says then has the whole row in it."""
    with connect(database_url, autocommit=True) as db:
        rows = db.execute(
            # A divided table's rule is that of its parts, too.
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND NOT relispartition"
            " AND relname NOT LIKE 'procrastinate%%' AND relname <> 'alembic_version'"
        ).fetchall()
        tables = [str(name) for (name,) in rows]
        add = "ALTER TABLE {} ADD CONSTRAINT canary CHECK (false) NOT VALID"
        for table in tables:
            db.execute(sql.SQL(add).format(sql.Identifier(table)))
        try:
            yield
        finally:
            for table in tables:
                drop = sql.SQL("ALTER TABLE {} DROP CONSTRAINT canary")
                db.execute(drop.format(sql.Identifier(table)))


@contextmanager
def nothing_can_be_found(database_url: str) -> Iterator[None]:
    """The tables bear other names: every statement fails, and is shown in what fails."""
    with connect(database_url, autocommit=True) as db:
        rename = sql.SQL("ALTER TABLE {} RENAME TO {}")
        for table in _READ:
            db.execute(rename.format(sql.Identifier(table), sql.Identifier(f"{table}_away")))
        try:
            yield
        finally:
            for table in _READ:
                db.execute(rename.format(sql.Identifier(f"{table}_away"), sql.Identifier(table)))


def calls(story: Story) -> Iterator[Call]:
    """Every way of the story, marked."""
    return (everywhere(way(story), story.marks) for way in STORY)


def _with_places(story: Story, call: Call, tried: Tried) -> Iterator[Call]:
    """Each parameter that the description names or the call has, and each field of its body."""
    kinds = cycle(PLACED)
    declared = story.declared(call.route)
    for name, value in call.at.items():
        for text in (story.mark(next(kinds)), story.mark(next(kinds)), *_unknown(value)):
            yield replace(call, at={**call.at, name: text})
    for name in sorted({*call.query, *declared["query"]}):
        for kind in (next(kinds), next(kinds)):
            yield replace(call, query={**call.query, name: story.mark(kind)})
    for name in sorted({"accept", "if-none-match", *declared["header"]}):
        yield replace(call, headers={**call.headers, name.lower(): story.mark(Kind.NAME).encode()})
    for name in call.data or {}:
        yield replace(call, data={**(call.data or {}), name: story.mark(next(kinds))})
    if call.body is not None:
        yield from _with_leaves(story, call, tried)


def _unknown(value: str) -> tuple[str, ...]:
    """In the place of an id, one that nobody has."""
    try:
        UUID(value)
    except ValueError:
        return ()
    return (str(uuid4()),)


def _with_leaves(story: Story, call: Call, tried: Tried) -> Iterator[Call]:
    """Each field with a canary, as a text and as the wrong thing; each object with a field too many."""
    public, kinds = PUBLIC_LEAVES.get(call.route, set()), cycle((Kind.ID_NUMBER, Kind.NAME))
    for pointer, _ in leaves(call.body):
        # What stands second in a list is no other place than what stands first.
        place, parent = re.sub(r"/\d+", "/0", pointer), pointer.rpartition("/")[0]
        if (call.route, place) in tried:
            continue
        above = place.rpartition("/")[0] + "/"
        new_object = (call.route, above) not in tried
        tried |= {(call.route, place), (call.route, above)}
        if new_object:
            extra = story.mark(Kind.STRAY)
            yield replace(call, body=_with_field(call.body, parent, extra, story.mark(Kind.NAME)))
        if pointer in public:
            if pointer != CASE_NUMBER:
                yield replace(call, body=with_leaf(call.body, pointer, story.mark(Kind.ID_NUMBER)))
            continue
        for new in (story.mark(next(kinds)), [story.mark(Kind.NAME)]):
            body = with_leaf(call.body, pointer, new)
            if call.route == ("POST", "/v1/deposits"):
                body["case"]["number"] = story.mark(Kind.CASE_NUMBER)
            yield replace(call, body=body)


def _with_field(body: Any, parent: str, name: str, value: str) -> Any:  # noqa: ANN401 - JSON is any value
    """A copy with a field that nobody knows, in the object at this pointer."""
    place: Any = body
    for step in parent.split("/")[1:]:
        place = place[int(step) if isinstance(place, list) else step]
    if not isinstance(place, dict):
        return [value]
    return with_leaf(body, f"{parent}/{name}", value)


def _claim_too_much(story: Story, call: Call) -> None:
    """A head that announces more than any body may have. httpx would not lie so."""
    address = urlsplit(story.vault.base_url)
    assert address.hostname is not None
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
    headers = {name: value for name, value in call.headers.items() if isinstance(value, str)}
    headers["content-length"] = str(_CLAIMED_BYTES)
    connection.putrequest(call.route[0], call.path)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    connection.send(story.mark(Kind.NAME).encode())
    found = connection.getresponse()
    answer = httpx.Response(found.status, headers=found.getheaders(), content=found.read())
    connection.close()
    request = httpx.Request(call.route[0], f"{story.vault.base_url}{call.path}", headers=headers)
    story.browser.keep(story.phase, request, answer)
