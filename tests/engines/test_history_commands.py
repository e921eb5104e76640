"""`certvault history …` and `disputes` on the suite's vault, called in this process."""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.cli.program import program
from tests.conftest import House
from tests.flows.test_reuse import CONSTRUCTION, given, new_company
from tests.flows.test_uses import person
from vault.disputes import read_dispute, submit
from vault.errors import InputError
from vault.model.legal_time import legal_day

pytestmark = pytest.mark.engines

Run = Callable[..., Result]


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line with the suite's settings in its environment."""
    for name, value in house.settings.environment().items():
        monkeypatch.setenv(name, value)
    return lambda *arguments, **more: CliRunner().invoke(program, arguments, **more)


def order(company: dict[str, str]) -> dict[str, Any]:
    return {
        "kind": "court",
        "number": secrets.token_hex(8),
        "issuing_body": "样例市人民法院",
        "legal_basis": "民事诉讼法第七十条",
        "holder": {key: company[key] for key in ("code_type", "code")},
        "until": (legal_day(datetime.now(UTC)) + timedelta(days=9)).isoformat(),
    }


def test_an_order_is_recorded_once_from_a_file_or_the_input_and_listed(
    house: House, run: Run, tmp_path: Path
) -> None:
    company = new_company()
    given(house, CONSTRUCTION, company)
    wanted = order(company)
    file = tmp_path / "order.json"
    file.write_text(json.dumps(wanted), encoding="utf-8")
    first = json.loads(run("history", "defer", str(file), "--by", "w0120", "--json").stdout)
    again = run("history", "defer", "-", "--by", "w0120", "--json", input=json.dumps(wanted))
    assert (first["repeated"], json.loads(again.stdout)) == (False, {**first, "repeated": True})
    assert "was recorded before" in run("history", "defer", str(file), "--by", "w0120").stdout
    listed = json.loads(run("history", "list", "--by", "w0120", "--standing", "--json").stdout)
    assert {k: v for k, v in first.items() if k != "repeated"} in listed
    told = run("history", "list", "--by", "w0120").stdout
    assert wanted["number"] in told
    assert company["code"] not in told + str(listed)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"kind": "court"}'])
def test_an_order_that_is_none_is_refused(run: Run, content: str) -> None:
    assert isinstance(run("history", "defer", "-", "--by", "w0120", input=content).exception, InputError)


def test_open_disputes_are_listed_without_what_was_said(house: House, run: Run) -> None:
    company, at = new_company(), datetime.now(UTC)
    certificate = given(house, CONSTRUCTION, company)
    about = {"certificate_id": str(certificate.certificate_id), "kind": "other", "statement": "住所有误"}
    long_ago = at - timedelta(days=60)
    late = submit(house.wired.workshop, person(company), read_dispute(about), at=long_ago).dispute
    fresh = submit(
        house.wired.workshop, person(company), read_dispute({**about, "kind": "not_mine"}), at=at
    ).dispute
    everything = json.loads(run("disputes", "--json").stdout)
    overdue = json.loads(run("disputes", "--overdue", "--json").stdout)
    ids = [{each["dispute_id"] for each in found["disputes"]} for found in (everything, overdue)]
    assert {str(late.dispute_id), str(fresh.dispute_id)} <= ids[0]
    assert (str(late.dispute_id) in ids[1], str(fresh.dispute_id) in ids[1]) == (True, False)
    assert overdue["overdue"] == len(overdue["disputes"])
    told = run("disputes", "--overdue").stdout
    assert "days overdue" in told
    assert "住所有误" not in told + str(everything)


def test_the_backfill_can_be_repeated(house: House, run: Run) -> None:
    given(house, CONSTRUCTION, new_company())
    first = json.loads(run("history", "backfill", "--json").stdout)["events"]
    assert json.loads(run("history", "backfill", "--json").stdout)["events"] >= first > 0
    assert "events are filed" in run("history", "backfill", "--after", "1").stdout
