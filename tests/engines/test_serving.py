"""`serve` and `worker` on the suite's vault: children that come back, ports, and the second look."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text, update

from api.edge import TOKENS_OUTLIVE_KEY
from api.token_keys import rotate
from api.worker import NICENESS
from storage.history import UPKEEP_QUEUE, defer_job
from storage.tables import documents
from tests.conftest import House
from tests.files import copy_bytes, copy_name, filed
from tests.flows.test_deposit import case_of, deposited
from tests.programs import certvault, children_of, environment, eventually, kill, running
from tests.requests import example_request, new_case_number
from vault.deposit.committing import SECOND_LOOK_TASK
from vault.model.certificate import CertificateRecord
from vault.model.scope import VAULT
from vault.uses import make_use, read_use, revoke_by_maker

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


def test_running_processes_take_up_a_new_token_key_without_a_restart(house: House, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    shutil.copytree(house.settings.secrets, secrets)
    settings = {**house.settings.environment(), "CERTVAULT_SECRETS": str(secrets)}
    port = free_port()
    told = ("serve", "--port", str(port), "--processes", "2")

    def published() -> list[str]:
        answer = httpx.get(f"http://127.0.0.1:{port}/.well-known/jwks.json", trust_env=False)
        return [key["kid"] for key in answer.json()["keys"]]

    with running(*told, settings=settings, output=tmp_path / "serve.log"):
        eventually(answering(port), "the server")
        [old] = published()
        new = rotate(secrets, outlive=TOKENS_OUTLIVE_KEY, at_once=False, at=datetime.now(UTC)).kid
        eventually(lambda: published() == [old, new], "the new key")
        last = rotate(secrets, outlive=TOKENS_OUTLIVE_KEY, at_once=True, at=datetime.now(UTC)).kid
        eventually(lambda: published() == [last], "the end of the others")


def test_production_neither_starts_nor_knows_the_local_identity_provider(house: House) -> None:
    settings = {
        **house.settings.environment(),
        "CERTVAULT_MODE": "production",
        "CERTVAULT_PUBLIC_URL": "https://vault.example",
    }
    book = house.settings.secrets / "local-provider.json"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        child = [
            sys.executable,
            "-P",
            "-m",
            "api.child",
            str(os.getpid()),
            "provider",
            str(descriptor),
            str(book),
        ]
        done = subprocess.run(
            child,
            env=environment(settings),
            pass_fds=[descriptor],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 1
    assert "for development only" in done.stderr
    served = certvault("serve", "--port", str(free_port()), settings=settings)
    assert served.returncode == 2
    assert "https only" in served.stderr, "its address is plain http"
    modules = "import sys, api.app, api.serving, api.worker; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-P", "-c", modules],
        env=environment(settings),
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert not [name for name in loaded if name.startswith(("authlib", "api.local_provider"))]


def test_no_database_is_told_apart_from_a_problem(house: House) -> None:
    nowhere = f"postgresql://certvault:none@127.0.0.1:{free_port()}/certvault"
    settings = {**house.settings.environment(), "CERTVAULT_DATABASE_URL": nowhere}
    for command in ("worker", "fsck"):
        done = certvault(command, settings=settings)
        assert done.returncode == 3, done.stderr
        assert done.stderr == "certvault: The database does not answer; try again shortly.\n"


def renamed(house: House, certificate: CertificateRecord, name: str | None) -> None:
    statement = update(documents).where(documents.c.certificate_id == certificate.certificate_id)
    with house.owner.writing(VAULT) as db:
        db.execute(statement.values(object_name=name))


def test_the_worker_looks_again_and_shows_what_is_lost(house: House, tmp_path: Path) -> None:
    workshop = house.wired.workshop
    answers = [deposited(house, example_request(house.catalogue)) for _ in range(2)]
    kept, lost = (str(case_of(house, answered)) for answered in answers)
    gone = answers[1].certificates[0]
    name = filed(house, gone).name
    renamed(house, gone, f"00/{gone.certificate_id}/never-stored")
    at = datetime.now(UTC)
    with workshop.database.writing(VAULT) as db:
        for case_id in (kept, lost):
            arguments = {"case_id": case_id}
            defer_job(db, queue=UPKEEP_QUEUE, task=SECOND_LOOK_TASK, arguments=arguments, at=at)

    def statuses(case_id: str) -> list[str]:
        query = text(
            "SELECT status::text FROM procrastinate_jobs"
            " WHERE args = jsonb_build_object('case_id', CAST(:case_id AS text))"
            " AND scheduled_at <= :at"
        )
        with workshop.database.reading(VAULT) as db:
            return list(db.execute(query, {"case_id": case_id, "at": at}).scalars())

    log = tmp_path / "worker.log"
    assert statuses(kept) == statuses(lost) == ["todo"]
    try:
        with running("worker", settings=house.settings.environment(), output=log) as worker:
            eventually(lambda: statuses(kept) == [] and statuses(lost) == ["failed"], "both jobs")
            assert worker.poll() is None
            assert (
                os.getpriority(os.PRIO_PROCESS, worker.pid) == os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
            )
    finally:
        renamed(house, gone, name)
    assert worker.returncode == 0
    errors = [line for line in log.read_text(encoding="utf-8").splitlines() if '"level": "error"' in line]
    assert len(errors) == 1
    assert f"1 objects are missing or changed: {gone.documents[0].sha256}" in errors[0]


def test_the_worker_takes_a_revoked_copy_away(house: House, tmp_path: Path) -> None:
    workshop, at = house.wired.workshop, datetime.now(UTC)
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    wanted = {
        "certificate_id": str(certificate.certificate_id),
        "case_number": new_case_number(),
        "service_item": "990100000117002",
        "purpose": "样例",
        "copy": True,
    }
    made = make_use(workshop, house.client, read_use(workshop.shelf, house.client, wanted, at=at), at=at)
    name = copy_name(house, made.use)
    assert copy_bytes(house, made.use)
    revoke_by_maker(workshop, house.client, made.use.use_id, at=at)
    with running("worker", settings=house.settings.environment(), output=tmp_path / "worker.log"):
        eventually(lambda: name not in {c.name for c in workshop.blobs.copies()}, "the copy to go")
