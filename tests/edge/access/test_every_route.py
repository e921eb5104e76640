"""Every route of `/openapi.json`, asked by everybody: who may is answered, the others as the rules say.

Expected is what `refusal` says of the same somebody and the same thing: nothing here is copied from answers.
"""

from typing import Any

import httpx
import pytest

from tests.edge.access.expectations import EXPECTATIONS, Cell
from tests.edge.access.scene import NAMES, Scene, Thing
from tests.unit.api.calling import app_without_engines, call
from vault.errors import NotAuthenticated, NotFound, NotPermitted
from vault.model.access import Actor, Context, Kind, Resource, refusal
from vault.model.access.rules import RULES, Refusal, Rule, Who
from vault.model.actors import Role

pytestmark = pytest.mark.engines

DOCUMENT: dict[str, Any] = call(app_without_engines(), "GET", "/openapi.json").json()
ROUTES = {
    f"{method.upper()} {path}": operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
STATUSES = {NotAuthenticated: 401, NotPermitted: 403, NotFound: 404}


def test_every_route_is_declared_and_none_that_is_not_there() -> None:
    assert set(EXPECTATIONS) == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_takes_the_credentials_that_its_rule_speaks_of(route: str) -> None:
    """A route that lost its credentials, or took others, would be found here before anybody asks it."""
    rule = RULES[EXPECTATIONS[route].action]
    declared = {name for way in ROUTES[route].get("security", []) for name in way} - {"client_secret"}
    wanted = set()
    if not is_open(rule):
        wanted |= {"approval_system"} if any(line.who is Who.CLIENT for line in rule.lines) else set()
        wanted |= {"session"} if any(isinstance(line.who, Role) for line in rule.lines) else set()
    assert declared == wanted


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("route", ROUTES)
def test_who_gets_what(scene: Scene, route: str, name: str) -> None:
    cell = EXPECTATIONS.get(route)
    assert cell is not None, "a route without an expectation: write its line in expectations.py"
    actor = scene.visitors[name].actor
    if is_open(RULES[cell.action]):
        answer = ask(scene, name, route, cell, None)
        assert answer.status_code == scene.answered_anyone.setdefault(route, answer.status_code)
        assert answer.status_code not in {401, 403}
        return
    thing = None if cell.on is None else scene.thing(cell.on)
    expected = status_of(actor, cell, thing, scene.context_of(name))
    if expected is None and cell.spare and cell.on is not None:
        thing = scene.spare(cell.on)
    answer = ask(scene, name, route, cell, thing)
    if expected is not None:
        assert answer.status_code == expected, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert thing is None or thing.mark not in answer.text
        if expected == 404 and thing is not None:
            missing = Thing(thing.resource, thing.missing, thing.missing, thing.mark)
            absent = ask(scene, name, route, cell, missing)
            assert (absent.status_code, absent.json()) == (404, answer.json())
        return
    assert answer.status_code in {200, 201, 204}, answer.text
    if cell.shows is not None and thing is not None:
        told = (cell.mark or thing.mark) in answer.text
        assert told is (refusal(actor, cell.shows, thing.resource, scene.context_of(name)) is None)


def test_nothing_of_the_first_holder_was_changed_by_those_who_were_refused(scene: Scene) -> None:
    """Runs after the table, in the order of this file; alone it says the same of an untouched scene."""
    path = f"/v1/certificates/{scene.certificate.mark}"
    found = scene.call("depositor", "GET", path).json()
    assert (found["status"], [event["action"] for event in found["history"]]) == ("valid", ["issue"])
    assert scene.call("depositor", "GET", f"/v1/uses/{scene.use.mark}/copy").status_code == 200
    kept = scene.call("depositor", "GET", "/v1/webhooks").text
    assert scene.webhook.mark in kept


def test_another_sites_page_cannot_make_a_clerks_browser_ask(scene: Scene) -> None:
    for route, cell in EXPECTATIONS.items():
        security = ROUTES[route].get("security", [])
        if route.startswith("GET") or {"session": []} not in security:
            continue
        thing = None if cell.on is None else scene.thing(cell.on)
        for name in ("clerk here", "holder"):
            answer = ask(scene, name, route, cell, thing, headers={"sec-fetch-site": "cross-site"})
            assert answer.status_code == 403, route


def is_open(rule: Rule) -> bool:
    return any(line.who is Who.ANYONE for line in rule.lines)


def status_of(actor: Actor, cell: Cell, thing: Thing | None, context: Context) -> int | None:
    """What the rules have this answered with; None: it is permitted."""
    refused = None if cell.before is None else refusal(actor, cell.before, None, context)
    if refused is not None:
        return STATUSES[type(refused)]
    if cell.shows is None and thing is not None:
        refused = refusal(actor, cell.action, thing.resource, context)
    else:
        own = Resource(Kind.CASE, by=getattr(actor, "actor", None))
        refused = refusal(actor, cell.action, own, context)
        # A list is answered, and tells of nothing that one may not know of.
        if isinstance(refused, NotFound) and RULES[cell.action].refusal is Refusal.HIDES:
            refused = None
    if cell.named and isinstance(refused, NotFound):
        return 422
    return None if refused is None else STATUSES[type(refused)]


def ask(
    scene: Scene,
    name: str,
    route: str,
    cell: Cell,
    thing: Thing | None,
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    method, path = route.split(" ", 1)
    places = {**cell.path(scene), **({} if thing is None else thing.place)}
    request = dict(cell.send(scene, thing))
    request["headers"] = {**request.get("headers", {}), **(headers or {})}
    return scene.call(name, method, path.format_map(places), **request)
