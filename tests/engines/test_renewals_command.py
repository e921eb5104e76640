"""`certvault renewals …` and the worker's rounds on the suite's vault, called in this process."""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from procrastinate import App
from sqlalchemy import text
from typer.testing import CliRunner, Result

from api.cli.program import program
from api.raise_job import SEAL_QUEUE, raise_for_a_while
from api.worker import queue_app
from storage.imports import begin_run, end_run
from storage.tables import import_runs
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.requests import example_request
from vault.errors import InputError
from vault.model.certificate import CertificateRecord, SealLevel, files_of
from vault.model.imports import ImportMode
from vault.model.scope import VAULT
from vault.raising import walk

pytestmark = pytest.mark.engines

Run = Callable[..., Result]


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line with the suite's settings in its environment."""
    for name, value in house.settings.environment().items():
        monkeypatch.setenv(name, value)
    walk(house.wired.workshop, at=datetime.now(UTC), progress=lambda _: None)
    return lambda *arguments, **more: CliRunner().invoke(program, arguments, **more)


def certificate(house: House) -> CertificateRecord:
    """One whose file is due before all others."""
    (found,) = deposited(house, example_request(house.catalogue)).certificates
    with house.owner.writing(VAULT) as db:
        first = "UPDATE seal_terms SET due_at = '2000-01-01' WHERE certificate_id = :id"
        db.execute(text(first), {"id": found.certificate_id})
    return found


def state(house: House, of: CertificateRecord, column: str) -> object:
    with house.owner.reading(VAULT) as db:
        query = text(f"SELECT {column} FROM seal_terms WHERE certificate_id = :id")  # noqa: S608 - ours
        return db.execute(query, {"id": of.certificate_id}).scalar_one()


def test_an_option_that_would_say_nothing_is_refused(run: Run) -> None:
    for options in (("--due-before", "2000-02-01"), ("--json",), ("--data", "/nowhere")):
        for subcommand in ("raise", "retry"):
            done = run("renewals", *options, subcommand)
            assert isinstance(done.exception, InputError)
            assert "behind it" in str(done.exception)


def test_what_is_due_is_shown_by_month_and_raised(house: House, run: Run) -> None:
    waits = certificate(house)
    before = json.loads(run("renewals", "--json", "--due-before", "2000-02-01").stdout)
    assert before["target"] == "B-LTA"
    assert before["due"] == [{"month": "2000-01", "state": "waiting", "level": "B-T", "count": 1}]
    assert "2000-01" in run("renewals").stdout
    done = run("renewals", "raise", "--json")
    assert json.loads(done.stdout)["raised"] >= 1
    assert state(house, waits, "level") == "B-LTA"
    assert json.loads(run("renewals", "--json", "--due-before", "2000-02-01").stdout)["due"] == []


def test_what_was_given_up_is_told_with_its_reason_and_tried_again(house: House, run: Run) -> None:
    lost = certificate(house)
    with house.owner.writing(VAULT) as db:
        given_up = "UPDATE seal_terms SET state = 'failed', failure = 'It is odd.' WHERE certificate_id = :id"
        db.execute(text(given_up), {"id": lost.certificate_id})
    told = run("renewals", "--json")
    assert told.exit_code == 1
    (failed,) = [each for each in json.loads(told.stdout)["failed"] if each["why"] == "It is odd."]
    assert (failed["given_up"], failed["count"]) == (True, 1)
    assert "It is odd." in run("renewals").stdout
    assert json.loads(run("renewals", "retry", "--json").stdout) == {"retried": 1}
    assert "raised" in run("renewals", "raise").stdout
    assert state(house, lost, "state") == "resting"
    assert run("renewals").exit_code == 0


def test_the_worker_knows_the_rounds_and_they_raise(house: House) -> None:
    app: App = queue_app(house.wired.workshop, "postgresql://nowhere.example/x", lambda _: None)
    assert {name for name, task in app.tasks.items() if task.queue == SEAL_QUEUE} == {
        "raise_seals_0",
        "raise_seals_1",
        "raise_seals_2",
        "walk_seals",
    }
    waits = certificate(house)
    with house.wired.workshop.database.writing(VAULT) as db:  # imports that other tests killed
        db.execute(import_runs.update().values(finished_at=datetime.now(UTC)))
        run = begin_run(
            db,
            client_id=house.client.client_id,
            mode=ImportMode.CHECK,
            digest=secrets.token_bytes(32),
            name="r.csv",
            source=None,
            at=datetime.now(UTC),
        )
    assert raise_for_a_while(house.wired.workshop).files == 0  # an import has the machine to itself
    with house.wired.workshop.database.writing(VAULT) as db:
        end_run(db, run, datetime.now(UTC))
    assert raise_for_a_while(house.wired.workshop).raised >= 1
    assert state(house, waits, "level") == SealLevel.B_LTA.value
    assert files_of(waits) == waits.documents
