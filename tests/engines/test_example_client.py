"""The example of an approval system's client, run as by somebody who copied that one file."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from api.cli.sample_document import plain_pdf
from tests.conftest import House
from tests.engines.test_serving import answering, free_port
from tests.programs import eventually, running
from tests.requests import example_request

pytestmark = pytest.mark.engines

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "approval_system.py"
DEVELOPER = {"role": "applicant", "code_type": "001", "code": "91990100MA9700026U"}


@dataclass(frozen=True)
class Desk:
    """Where the example is run: a folder, and what its environment says."""

    folder: Path
    port: int
    variables: dict[str, str]

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """The example with these arguments; its environment is that of a bare shell."""
        return subprocess.Popen(
            [sys.executable, str(EXAMPLE), *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **self.variables, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, status: int = 0, **variables: str) -> str:
        """What it printed; on stderr where it was to fail."""
        with self.start(*arguments, **variables) as example:
            printed, failed = example.communicate()
        assert example.returncode == status, failed
        return failed if status else printed

    def write(self, name: str, content: dict[str, Any]) -> str:
        """A file for it to read; its name."""
        (self.folder / name).write_text(json.dumps(content))
        return name


@contextmanager
def serving(house: House, desk: Desk) -> Iterator[None]:
    """A vault at the desk's address."""
    settings = {**house.settings.environment(), "CERTVAULT_PUBLIC_URL": desk.variables["VAULT"]}
    log = desk.folder / "serve.log"
    with running("serve", "--port", str(desk.port), "--processes", "1", settings=settings, output=log):
        eventually(answering(desk.port), "the server")
        yield


def new_desk(house: House, folder: Path) -> Desk:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    client = {"VAULT_ID": house.client.client_id, "VAULT_SECRET": house.client_secret}
    return Desk(folder, port, {"VAULT": address, **client})


@pytest.fixture(scope="module")
def desk(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = new_desk(house, tmp_path_factory.mktemp("example"))
    with serving(house, desk):
        yield desk


def test_it_waits_for_a_vault_that_is_being_restarted(house: House, tmp_path: Path) -> None:
    desk = new_desk(house, tmp_path)
    case = desk.write("case.json", example_request(house.catalogue))
    with desk.start("deposit", case) as example, serving(house, desk):
        printed, failed = example.communicate()
    assert example.returncode == 0, failed
    assert len(json.loads(printed)["receipts"]) == 1


def test_a_deposit_may_be_repeated(house: House, desk: Desk) -> None:
    case = desk.write("case.json", example_request(house.catalogue))
    first = desk.run("deposit", case)
    assert desk.run("deposit", case) == first
    assert len(json.loads(first)["receipts"]) == 1


def test_a_file_is_uploaded_first(house: House, desk: Desk) -> None:
    body = plain_pdf("批复", ["经研究，同意。"])
    (desk.folder / "permit.pdf").write_bytes(body)
    case = example_request(house.catalogue)
    case["results"][0]["document"] = {"sha256": hashlib.sha256(body).hexdigest()}
    receipts = json.loads(desk.run("deposit", desk.write("file.json", case), "permit.pdf"))["receipts"]
    assert receipts[0]["documents"][0]["size_bytes"] > len(body)


def test_what_is_wrong_is_said_in_the_vaults_words(house: House, desk: Desk) -> None:
    case = example_request(house.catalogue)
    case["results"][0]["type"] = "11990000MB98000126999"
    said = desk.run("deposit", desk.write("wrong.json", case), status=1)
    assert json.loads(said)["errors"][0]["pointer"] == "/results/0/type"


def test_a_wrong_secret_ends_it_at_once(house: House, desk: Desk) -> None:
    case = desk.write("case.json", example_request(house.catalogue))
    assert "invalid_client" in desk.run("deposit", case, status=1, VAULT_SECRET=desk.folder.name)


def test_a_check_says_what_to_ask_for(desk: Desk) -> None:
    question = {"service_item": "990100000117002", "case_number": "SL-2026-000119", "holders": [DEVELOPER]}
    lines = desk.run("check", desk.write("question.json", question)).splitlines()
    assert any(line.startswith("not_held escrow ") for line in lines)


def test_the_second_look_at_the_changes_shows_only_what_is_new(house: House, desk: Desk) -> None:
    desk.run("follow", "cursor.txt")
    receipts = json.loads(desk.run("deposit", desk.write("new.json", example_request(house.catalogue))))
    placed = partial(desk.run, "follow", "cursor.txt")
    change = json.loads(eventually(placed, "the change's place in the feed").splitlines()[0])
    assert (change["action"], change["certificate_id"]) == (
        "issue",
        receipts["receipts"][0]["certificate_id"],
    )
