"""None of what callers hand in or are handed stands in clear where it must not."""

from collections.abc import Set

import pytest

from tests.edge.canary.evidence import Evidence, unplanted
from tests.edge.canary.marks import IN_CLEAR_BY_DECISION
from tests.edge.canary.searching import Hit

pytestmark = pytest.mark.engines


def shown(hits: Set[Hit]) -> str:
    return "\n".join(sorted({f"{h.kind} as {h.how} in {h.place} ({h.mark})" for h in hits})[:60])


def test_none_is_in_a_log(evidence: Evidence) -> None:
    found = unplanted(evidence.logs())
    assert not found, shown(found)


def test_none_is_in_the_metrics(evidence: Evidence) -> None:
    found = unplanted(evidence.searcher.hits(evidence.metrics, "/metrics"))
    assert not found, shown(found)


def test_none_is_in_a_row(evidence: Evidence) -> None:
    found = {hit for hit in unplanted(evidence.rows()) if hit.kind not in IN_CLEAR_BY_DECISION}
    assert not found, shown(found)


def test_none_is_in_the_databases_files(evidence: Evidence) -> None:
    found = {hit for hit in unplanted(evidence.database_files()) if hit.kind not in IN_CLEAR_BY_DECISION}
    assert not found, shown(found)


def test_none_is_in_the_object_store(evidence: Evidence) -> None:
    found = unplanted(evidence.objects() | evidence.object_files())
    assert not found, shown(found)


def test_none_is_in_a_temporary_file(evidence: Evidence) -> None:
    found = unplanted(evidence.temporary_files())
    assert not found, shown(found)


def test_none_is_in_a_command_line_or_an_environment(evidence: Evidence) -> None:
    found = unplanted(evidence.processes())
    assert not found, shown(found)


def test_errors(evidence: Evidence) -> None:
    found = set()
    from collections import Counter
    print(Counter((e.phase, e.status) for e in evidence.exchanges))
    for e in evidence.exchanges:
        if e.status >= 400:
            found |= {(str(e), h.kind, h.how) for h in evidence.searcher.hits(e.got, str(e)) if not h.planted}
    assert not found, "\n".join(map(str, sorted(found)[:100]))
