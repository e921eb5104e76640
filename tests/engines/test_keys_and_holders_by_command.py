"""`certvault keys …` and `certvault holder …` as an operator types them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.embedded import EngineAddresses
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.flows.test_rotation import assert_found_everywhere, company, request_of
from tests.programs import COMMAND, PATIENCE_S, certvault, environment
from tests.vaults import own_vault

pytestmark = pytest.mark.engines


@pytest.fixture
def own(engines: EngineAddresses, tmp_path: Path) -> Iterator[House]:
    with own_vault(engines, tmp_path, "by_command") as house:
        yield house


def told(house: House, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command with `text` on its standard input."""
    return subprocess.run(
        [*COMMAND, *arguments],
        input=text,
        env=environment(house.settings.environment()),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_prepare_rotate_and_retire(own: House) -> None:
    (certificate,) = deposited(own, request_of(own, company(0))).certificates
    settings = own.settings.environment()
    prepared = certvault("keys", "prepare", "--suite", "sm4-gcm", "--json", settings=settings)
    assert json.loads(prepared.stdout)["index"] == 2, prepared.stderr
    rotated = certvault("keys", "rotate", "--json", settings=settings)
    assert json.loads(rotated.stdout) == {"index": 2, "wrapping": 2, "files_sealed": 0}, rotated.stderr
    listed = certvault("keys", "list", settings=settings).stdout
    assert "sm4-gcm" in listed
    assert "unused" in listed
    assert "Rows of older keys: none." in listed
    retired = certvault("keys", "retire", settings=settings)
    assert retired.stdout == "Retired: index key 1, wrapping key 1.\n", retired.stderr
    assert_found_everywhere(own, certificate)
    again = certvault("keys", "rotate", settings=settings)
    assert "Index key 3 and wrapping key 3 are active" in again.stdout, again.stderr


def test_a_hold_and_an_erasure_without_a_number_on_the_command_line(own: House) -> None:
    who = company(0)
    deposited(own, request_of(own, who))
    held = told(own, who["code"] + "\n", "holder", "hold", "--code-type", "001", "--reason", "样01执118")
    assert held.stdout == "The holder is under 1 legal hold.\n", held.stderr
    refused = told(own, who["code"], "holder", "erase", "--code-type", "001")
    assert refused.returncode == 1
    assert refused.stderr == "certvault: The holder is under 1 legal hold(s): release them first.\n"
    told(own, who["code"], "holder", "release", "--code-type", "001", "--reason", "settled")
    kept = told(own, who["code"], "holder", "erase", "--code-type", "001", "--json")
    assert kept.returncode == 1
    assert "under retention" in kept.stderr
    wrong = told(own, "91990100MA00000000", "holder", "erase", "--code-type", "001")
    assert wrong.returncode == 2
    for done in (held, refused, kept, wrong):
        assert who["code"] not in done.stdout + done.stderr
        assert "91990100MA00000000" not in done.stdout + done.stderr
