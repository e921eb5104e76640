"""Disputes: their states as a table, and a clock that counts working days."""

from datetime import UTC, date, datetime
from itertools import product

import pytest

from vault.disputes import read_decision, read_dispute
from vault.errors import InputError
from vault.model.dispute import TRANSITIONS, Decision, DisputeState, dispute_note, due_on
from vault.model.history_entry import access_id

CERTIFICATE = "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        (date(2026, 11, 23), date(2026, 12, 21)),  # Monday: four weeks
        (date(2026, 11, 27), date(2026, 12, 25)),  # Friday
        (date(2026, 11, 28), date(2026, 12, 25)),  # Saturday counts from Monday
        (date(2026, 11, 29), date(2026, 12, 25)),
    ],
)
def test_the_clock_counts_working_days(opened: date, due: date) -> None:
    assert due_on(opened) == due


def test_the_states_and_what_leads_from_one_to_the_next() -> None:
    permitted = {
        (DisputeState.SUBMITTED, Decision.ACCEPT),
        (DisputeState.SUBMITTED, Decision.REJECT),
        (DisputeState.ACCEPTED, Decision.RESOLVE),
    }
    assert {pair for pair in product(DisputeState, Decision) if pair in TRANSITIONS} == permitted


def test_what_verifiers_are_told_has_chinas_day() -> None:
    assert dispute_note(None) is None
    told = dispute_note(datetime(2026, 11, 22, 20, tzinfo=UTC))
    assert told == {
        "status": "under_dispute",
        "label": {"zh": "存在异议", "en": "under dispute"},
        "since": "2026-11-23",
    }


def dispute(**changes: object) -> dict[str, object]:
    return {
        "certificate_id": CERTIFICATE,
        "access_id": None,
        "kind": "wrong_data",
        "statement": "住所有误",
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"certificate_id": None}, [""]),
        ({"access_id": access_id(1)}, ["", "/kind"]),
        ({"certificate_id": "118"}, ["/certificate_id"]),
        ({"certificate_id": None, "access_id": "118", "kind": "other"}, ["/access_id"]),
        ({"certificate_id": None, "access_id": access_id(1)}, ["/kind"]),
        ({"kind": "unlawful_access"}, ["/kind"]),
        ({"statement": "  "}, ["/statement"]),
        ({"statement": "x" * 2001, "kind": "no"}, ["/kind", "/statement"]),
        ({"statement": "a\u202eb"}, ["/statement"]),
    ],
)
def test_a_bad_dispute_names_its_fields(changes: dict[str, object], pointers: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        read_dispute(dispute(**changes))
    assert [p.pointer for p in refused.value.problems] == pointers


def test_a_statement_may_have_lines() -> None:
    assert read_dispute(dispute(statement=" 一\n二 ")).statement == "一\n二"


@pytest.mark.parametrize(
    ("request_", "pointers"),
    [
        ({"decision": "reject"}, ["/reason"]),
        ({"decision": "resolve"}, ["/reason", "/outcome"]),
        ({"decision": "accept", "outcome": "upheld"}, ["/outcome"]),
        ({"decision": "accept", "reason": " "}, ["/reason"]),
        ({"decision": "resolve", "reason": "x" * 501, "outcome": "upheld"}, ["/reason"]),
        ({"decision": "reject", "reason": "a\u202eb"}, ["/reason"]),
    ],
)
def test_a_bad_decision_names_its_fields(request_: dict[str, object], pointers: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        read_decision(request_)
    assert [p.pointer for p in refused.value.problems] == pointers
