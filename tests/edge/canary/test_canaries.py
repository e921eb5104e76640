"""None of what callers hand in or are handed stands in clear where it must not: docs/security.md.

Names and numbers are marked, every route is called with them in every place, well and badly; then everything
that the vault wrote anywhere is searched. A failure names kind, encoding and place; the number in brackets
says which text of its kind it was.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

import pytest

from tests.edge.canary.calls import Exchange, leaves, routes_of
from tests.edge.canary.ceilings import LIMITED
from tests.edge.canary.evidence import Evidence, unplanted
from tests.edge.canary.marks import IN_CLEAR_BY_DECISION, MADE_HERE, Kind
from tests.edge.canary.searching import Hit
from tests.edge.canary.story import GOOD
from tests.edge.canary.ways import STORY

# A minute on a quiet machine; what it takes on a busy one is no finding.
pytestmark = [pytest.mark.engines, pytest.mark.timeout(900)]

# What lies on a clerk's desk, or was typed there.
_ON_THE_DESK = {
    Kind.NAME,
    Kind.ID_NUMBER,
    Kind.CREDIT_CODE,
    Kind.CASE_NUMBER,
    Kind.CLERK,
    Kind.FACE,
    Kind.PURPOSE,
    Kind.SECRET,
}
_OWN_DESK = "the clerk's own desk again, with what they typed in its field, and for nobody else"
_DESK_SAYS_WHY = {
    "case": (422,),
    "paper": (404, 409, 422, 503),
    "queue": (422,),
    "revocation": (404,),
    "use": (404, 503),
    "verification": (404,),
}
# What may come back in an error to whoever sent it, and why.
DECIDED: dict[tuple[str, str, int], tuple[set[Kind], str]] = {
    **{
        ("POST", f"/desk/{form}", status): (_ON_THE_DESK, _OWN_DESK)
        for form, statuses in _DESK_SAYS_WHY.items()
        for status in statuses
    },
    ("POST", "/", 422): (
        {Kind.NAME, Kind.CERTIFICATE_NUMBER},
        "the number that was typed stands in the form again, for the code that is missing",
    ),
    ("POST", "/my/consents", 422): (
        {Kind.NAME, Kind.ID_NUMBER, Kind.CREDIT_CODE, Kind.SECRET, Kind.PURPOSE},
        "what the holder typed stands in their form again",
    ),
    ("POST", "/my/delegations", 422): (
        {Kind.NAME, Kind.ID_NUMBER, Kind.CREDIT_CODE, Kind.SECRET},
        "the code that the holder typed stands in their form again",
    ),
    ("POST", "/my/disputes", 422): (
        {Kind.FACE, Kind.CERTIFICATE_NUMBER, Kind.NAME, Kind.ID_NUMBER, Kind.CREDIT_CODE, Kind.SECRET},
        "what the holder typed stands in their form again, below the certificate that it is about",
    ),
    ("POST", "/v1/imports", 422): (
        {Kind.NAME, Kind.ID_NUMBER, Kind.CREDIT_CODE, Kind.SECRET, Kind.PURPOSE},
        "a mapping says which column is which field; a pointer has to name the column",
    ),
}
# Field names are the caller's own and no personal data by themselves; a pointer has to name the field.
NAMES_A_FIELD = {409, 422}
# Answers that nobody signs in for: they show a certificate to whoever has its code, and mask who holds it.
PUBLIC = ("/v1/verifications", "/v1/log/", "/v1/catalogue/", "/.well-known/", "/openapi.json", "/metrics")
PUBLIC_PAGES = {"/", "/v", "/docs", "/signin", "/signed-out", "/livez", "/readyz", "/version"}
NEVER_IN_PUBLIC = frozenset(Kind) - {
    Kind.CERTIFICATE_NUMBER,  # who verifies a document has it before them, and compares
    Kind.REASON,  # public text: decision 10
    Kind.CASE_NUMBER,  # on a usage copy, for whoever has the copy
    Kind.PURPOSE,  # the same
    Kind.CREDIT_CODE,  # an organisation's code is public: the registers publish it
}
# Answered without being asked for by anybody: no text of a caller's has a place in them.
BOUND_TO_FAIL = {400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 503}


def shown(hits: AbstractSet[Hit]) -> str:
    lines = sorted({f"{each.kind} as {each.how} in {each.place} ({each.mark})" for each in hits})
    return "\n".join(lines[:60])


# --- that everything was tried --------------------------------------------------------------------------


def test_every_route_has_a_way_that_succeeds(evidence: Evidence) -> None:
    tried = {e.route for e in evidence.exchanges if e.phase == GOOD and e.status < 400}
    missing = set(routes_of(evidence.story.app)) - tried
    assert not missing, f"no way in tests/edge/canary/ways.py for {sorted(missing)}"


def test_every_request_carried_a_canary(evidence: Evidence) -> None:
    carried = {(exchange.route, exchange.status < 400) for exchange, hits in evidence.sent if hits}
    for route in routes_of(evidence.story.app):
        assert (route, True) in carried, f"{route} never succeeded with a canary in it"
    failing = {route for route, good in carried if not good}
    never_fails = set(routes_of(evidence.story.app)) - failing
    assert {path for _, path in never_fails} <= FAIL_BY_NOTHING_SENT, never_fails


# Pages and figures without a parameter, a body or an engine: nothing that a caller sends changes them.
FAIL_BY_NOTHING_SENT = {
    "/",
    "/v",
    "/v-worker.js",
    "/v1/statement-keys",
    "/docs",
    "/openapi.json",
    "/livez",
    "/version",
    "/signin",
    "/signed-out",
    "/styleguide",
    "/.well-known/jwks.json",
    "/.well-known/oauth-authorization-server",
    "/v1/catalogue/types",
    "/v1/catalogue/service-items",
    "/v1/catalogue/materials",
}


def test_every_declared_field_is_in_a_way(evidence: Evidence) -> None:
    """A new field of a body needs a canary: in `story.py` or `ways.py`."""
    story = evidence.story
    sent: dict[tuple[str, str], set[str]] = {}
    for way in STORY:
        call = way(story)
        if isinstance(call.body, dict):
            names = {step for pointer, _ in leaves(call.body) for step in pointer.split("/")[1:]}
            sent.setdefault(call.route, set()).update(names)
    for path, operations in story.description["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            declared = set(_names(story.description, content.get("application/json", {}).get("schema", {})))
            missing = declared - sent.get((method.upper(), path), set())
            assert not missing, f"{method.upper()} {path}: no canary in {sorted(missing)}"


def _names(description: dict[str, Any], schema: dict[str, Any]) -> Iterator[str]:
    """The names of a schema's properties, and of those below."""
    if "$ref" in schema:
        found: dict[str, Any] = description
        for step in schema["$ref"].split("/")[1:]:
            found = found[step]
        yield from _names(description, found)
    for name, each in schema.get("properties", {}).items():
        yield name
        yield from _names(description, each)
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), schema.get("items", {})):
        if each:
            yield from _names(description, each)


def test_every_way_to_fail_was_met(evidence: Evidence) -> None:
    statuses = {e.status for e in evidence.exchanges if e.phase not in {GOOD, "planted"}}
    documented = {
        int(status)
        for operations in evidence.story.description["paths"].values()
        for operation in operations.values()
        for status in operation["responses"]
    }
    expected = BOUND_TO_FAIL | {status for status in documented if status >= 400}
    assert expected <= statuses, f"never met: {sorted(expected - statuses)}"


def test_every_limit_was_met(evidence: Evidence) -> None:
    met = {e.route for e in evidence.exchanges if e.status == 429}
    assert met == {*LIMITED, ("POST", "/v1/deposits")}


@pytest.mark.parametrize("kind", MADE_HERE)
def test_canaries_of_every_kind_were_sent(evidence: Evidence, kind: Kind) -> None:
    good = (hits for exchange, hits in evidence.sent if exchange.phase == GOOD)
    assert any(hit.kind is kind for hits in good for hit in hits)


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in MADE_HERE])
def test_what_the_vault_hands_out_is_looked_for(evidence: Evidence, kind: Kind) -> None:
    assert kind in evidence.story.marks.given.values()


# --- that nothing of it is left -------------------------------------------------------------------------


def test_none_is_in_a_log(evidence: Evidence) -> None:
    """Development mode, every library at DEBUG, and the server's and the worker's faults among the lines."""
    text = (evidence.story.vault.logs / "serve.log").read_text(encoding="utf-8")
    for told in ('"level": "debug"', '"route": "/v1/deposits"', "CheckViolation", "UndefinedTable"):
        assert told in text, "the log is not as talkative as was meant"
    found = unplanted(evidence.logs())
    assert not found, shown(found)


def test_none_is_in_the_metrics(evidence: Evidence) -> None:
    assert b"certvault_requests_total" in evidence.metrics
    found = unplanted(evidence.searcher.hits(evidence.metrics, "/metrics"))
    assert not found, shown(found)


def test_none_is_in_a_row_or_a_job(evidence: Evidence) -> None:
    """Read out of every table, those of the queue among them, so that nothing is hidden by compression."""
    hits = evidence.rows()
    assert "procrastinate_jobs" in {hit.place for hit in hits if hit.planted}
    found = {hit for hit in unplanted(hits) if hit.kind not in IN_CLEAR_BY_DECISION}
    assert not found, shown(found)


def test_only_what_is_decided_to_is_in_clear_in_the_database(evidence: Evidence) -> None:
    """Case numbers and reasons, each in its own tables. That they are seen shows that rows are read."""
    found = {(hit.kind, hit.place) for hit in evidence.rows() if not hit.planted}
    assert found == {
        (Kind.CASE_NUMBER, "cases"),
        (Kind.REASON, "status_events"),
        (Kind.REASON, "seal_events"),
        (Kind.REASON, "seal_grant_events"),
    }


def test_none_is_in_the_databases_files(evidence: Evidence) -> None:
    """Tables, indexes and write-ahead log after a CHECKPOINT, and the server's log."""
    hits = evidence.database_files()
    assert any("pg_wal" in hit.place for hit in hits if hit.planted)
    assert any("/base/" in hit.place for hit in hits if hit.planted)
    found = {hit for hit in unplanted(hits) if hit.kind not in IN_CLEAR_BY_DECISION}
    assert not found, shown(found)


def test_none_is_in_the_object_store(evidence: Evidence) -> None:
    """As it gives its objects out, and in its files. The planted page shows that PDFs are read through."""
    for hits in (evidence.objects(), evidence.object_files()):
        assert any("PDF page" in hit.how for hit in hits if hit.planted)
        found = unplanted(hits)
        assert not found, shown(found)


def test_there_was_something_to_find_in_the_object_store(evidence: Evidence) -> None:
    """Sealed files, copies and uploads lie there, each in its bucket: empty ones would hide nothing."""
    assert {"certvault-documents", "certvault-intake", "certvault-copies"} <= evidence.filled_buckets()


def test_none_is_in_the_published_log(evidence: Evidence) -> None:
    found = {hit for hit in evidence.objects() if hit.place == "bucket certvault-log" and not hit.planted}
    assert not found, shown(found)


def test_none_is_in_a_temporary_file(evidence: Evidence) -> None:
    found = unplanted(evidence.temporary_files())
    assert not found, shown(found)


def test_none_is_in_a_command_line_or_an_environment(evidence: Evidence) -> None:
    hits = evidence.processes()
    assert {hit.place for hit in hits if hit.planted} == {"cmdline", "environ"}
    found = unplanted(hits)
    assert not found, shown(found)


# --- that no error tells it -----------------------------------------------------------------------------


def test_no_error_repeats_what_was_sent(evidence: Evidence) -> None:
    """Problem documents and pages alike, their headers too; whoever sent it and whoever did not."""
    found = set()
    for exchange, hits in evidence.got:
        if exchange.status >= 400:
            found |= {hit for hit in hits if not _decided(exchange, hit)}
    assert not found, shown(found)


def test_an_error_that_tells_something_is_seen(evidence: Evidence) -> None:
    assert {hit.kind for hit in evidence.searcher.hits(evidence.planted.got, "")} == set(Kind)


def test_every_place_that_was_decided_is_one(evidence: Evidence) -> None:
    met = {
        (*exchange.route, exchange.status)
        for exchange, hits in evidence.got
        for hit in hits
        if exchange.status >= 400 and hit.kind is not Kind.STRAY
    }
    assert met == set(DECIDED), "take out what no longer comes back"


def test_what_nobody_signs_in_for_tells_nothing(evidence: Evidence) -> None:
    found = set()
    for exchange, hits in evidence.got:
        path = exchange.route[1]
        if exchange.status < 400 and (path.startswith(PUBLIC) or path in PUBLIC_PAGES):
            found |= {hit for hit in hits if hit.kind in NEVER_IN_PUBLIC}
    assert not found, shown(found)


def _decided(exchange: Exchange, hit: Hit) -> bool:
    if hit.kind is Kind.STRAY and exchange.status in NAMES_A_FIELD:
        return b'"pointer"' in exchange.got
    kinds, _ = DECIDED.get((*exchange.route, exchange.status), (set(), ""))
    return hit.kind in kinds
