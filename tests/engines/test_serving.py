"""`serve` and `worker` on the suite's vault: children that come back, ports, and the second look."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text, update

from storage.history import defer_job
from storage.tables import documents
from tests.conftest import House
from tests.files import filed
from tests.flows.test_deposit import case_of, deposited
from tests.programs import certvault, children_of, eventually, kill, running
from tests.requests import example_request
from vault.deposit.committing import SECOND_LOOK_QUEUE, SECOND_LOOK_TASK
from vault.model.certificate import CertificateRecord

pytestmark = pytest.mark.engines


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def answering(port: int) -> Callable[[], bool]:
    def answers() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False).is_success
        except httpx.HTTPError:
            return False

    return answers


def test_a_server_process_that_dies_is_started_again(house: House, tmp_path: Path) -> None:
    port = free_port()
    log = tmp_path / "serve.log"
    told = ("serve", "--port", str(port), "--processes", "1")
    with running(*told, settings=house.settings.environment(), output=log) as serve:
        eventually(answering(port), "the server")
        (first,) = children_of(serve.pid)
        kill(first)
        eventually(lambda: children_of(serve.pid).keys() - {first}, "another child")
        eventually(answering(port), "the server again")
        assert serve.poll() is None
    assert serve.returncode == 0
    assert children_of(serve.pid) == {}
    assert "server 1 ended with status -9" in log.read_text(encoding="utf-8")


def test_the_killed_parent_of_a_server_leaves_none_behind(house: House, tmp_path: Path) -> None:
    port = free_port()
    told = ("serve", "--port", str(port), "--processes", "2")
    with running(*told, settings=house.settings.environment(), output=tmp_path / "serve.log") as serve:
        eventually(answering(port), "the server")
        assert sorted(children_of(serve.pid).values()) == ["server", "server"]
        kill(serve.pid)
        serve.wait()
        eventually(lambda: not children_of(serve.pid), "the children's end")
        assert not answering(port)()


def test_serve_does_not_take_another_port_than_it_was_told(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = certvault("serve", "--port", str(port), settings=house.settings.environment())
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert f"port {port}" in done.stderr


def test_serve_says_which_setting_is_missing(house: House) -> None:
    settings = house.settings.environment()
    secret = settings.pop("CERTVAULT_S3_SECRET_KEY")
    settings["CERTVAULT_RETENTION_DAYS"] = "none"
    done = certvault("serve", settings=settings)
    assert done.returncode == 2
    assert "CERTVAULT_S3_SECRET_KEY: Field required" in done.stderr
    assert "CERTVAULT_RETENTION_DAYS: " in done.stderr
    assert secret not in done.stderr
    assert settings["CERTVAULT_DATABASE_URL"] not in done.stderr


def test_no_database_is_told_apart_from_a_problem(house: House) -> None:
    nowhere = f"postgresql://certvault:none@127.0.0.1:{free_port()}/certvault"
    settings = {**house.settings.environment(), "CERTVAULT_DATABASE_URL": nowhere}
    for command in ("worker", "fsck"):
        done = certvault(command, settings=settings)
        assert done.returncode == 3, done.stderr
        assert done.stderr == "certvault: The database does not answer; try again shortly.\n"


def renamed(house: House, certificate: CertificateRecord, name: str | None) -> None:
    statement = update(documents).where(documents.c.certificate_id == certificate.certificate_id)
    with house.wired.workshop.database.writing() as db:
        db.execute(statement.values(object_name=name))


def test_the_worker_looks_again_and_shows_what_is_lost(house: House, tmp_path: Path) -> None:
    workshop = house.wired.workshop
    answers = [deposited(house, example_request(house.catalogue)) for _ in range(2)]
    kept, lost = (str(case_of(house, answered)) for answered in answers)
    gone = answers[1].certificates[0]
    name = filed(house, gone).name
    renamed(house, gone, f"00/{gone.certificate_id}/never-stored")
    at = datetime.now(UTC)
    with workshop.database.writing() as db:
        for case_id in (kept, lost):
            arguments = {"case_id": case_id}
            defer_job(db, queue=SECOND_LOOK_QUEUE, task=SECOND_LOOK_TASK, arguments=arguments, at=at)

    def statuses(case_id: str) -> list[str]:
        query = text(
            "SELECT status::text FROM procrastinate_jobs"
            " WHERE args = jsonb_build_object('case_id', CAST(:case_id AS text))"
            " AND scheduled_at <= :at"
        )
        with workshop.database.reading() as db:
            return list(db.execute(query, {"case_id": case_id, "at": at}).scalars())

    log = tmp_path / "worker.log"
    assert statuses(kept) == statuses(lost) == ["todo"]
    try:
        with running("worker", settings=house.settings.environment(), output=log) as worker:
            eventually(lambda: statuses(kept) == [] and statuses(lost) == ["failed"], "both jobs")
            assert worker.poll() is None
    finally:
        renamed(house, gone, name)
    assert worker.returncode == 0
    errors = [line for line in log.read_text(encoding="utf-8").splitlines() if '"level": "error"' in line]
    assert len(errors) == 1
    assert f"1 objects are missing or changed: {gone.documents[0].sha256}" in errors[0]
