"""Custody at a terminal: import, list and stop, as operators type them."""

import json
import os
import pwd
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.cli.frame import exit_of
from api.cli.program import program
from storage.seals import platform_seal_in_use
from tests.conftest import House
from tests.desks import Desk
from tests.flows.test_seal_import import PASSWORD, as_pkcs12, issued
from tests.requests import example_request
from tests.tokens import PIN, Token
from vault.errors import VaultError

pytestmark = pytest.mark.engines

ACCOUNT = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"


class Terminal:
    """certvault with the house's settings, in this process; passwords in files."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """What a command prints, or its error's sentence; it ends with this code."""
        done = CliRunner().invoke(program, list(arguments), env=self.house.settings.environment())
        error = done.exception
        found = exit_of(error) if isinstance(error, VaultError) else done.exit_code
        assert found == code, (done.output, error)
        return error.detail if isinstance(error, VaultError) else done.stdout

    def secret(self, text: str) -> str:
        """A file with a password in it."""
        path = self.folder / secrets.token_hex(4)
        path.write_text(text + "\n")
        return str(path)


@pytest.fixture
def terminal(house: House, tmp_path: Path) -> Terminal:
    return Terminal(house, tmp_path)


def listed(terminal: Terminal, seal_id: str, *, what: str = "list") -> dict[str, Any]:
    (found,) = [row for row in json.loads(terminal("seal", what, "--json")) if row["seal_id"] == seal_id]
    assert isinstance(found, dict)
    return found


def test_a_seal_is_brought_in_listed_and_stopped(
    house: House, desk: Desk, terminal: Terminal, tmp_path: Path
) -> None:
    p12 = tmp_path / "seal.p12"
    p12.write_bytes(as_pkcs12(house, issued(house, desk.seal.authority)))
    brought = terminal(
        *("seal", "import", str(p12), "--authority", desk.seal.authority, "--json"),
        *("--password-file", terminal.secret(PASSWORD)),
    )
    seal_id = json.loads(brought)["seal_id"]
    grant = desk.granted(cap=3, seal_id=seal_id)
    (certificate,) = desk.deposit(example_request(house.catalogue)).certificates
    assert certificate.documents[0].seal_id == seal_id
    shown = listed(terminal, seal_id)
    assert (shown["state"], shown["purpose"], shown["daily_cap"], shown["used_today"]) == (
        "in_use",
        None,
        3,
        1,
    )
    granted = listed(terminal, seal_id, what="grants")
    assert (granted["grant_id"], granted["state"], granted["used_today"]) == (
        str(grant.grant_id),
        "approved",
        1,
    )
    assert seal_id in terminal("seal", "grants")

    assert "is stopped" in terminal("seal", "stop", seal_id, "--reason", "样例")
    assert "was stopped before" in terminal("seal", "stop", seal_id)
    stopped = listed(terminal, seal_id)
    assert (stopped["state"], stopped["latest"]["reason"]) == ("stopped", "样例")
    assert (stopped["latest"]["actor"], stopped["latest"]["via"]) == (ACCOUNT.replace("cli:", "os:"), ACCOUNT)
    assert "stopped" in terminal("seal", "list")


def test_the_platforms_seal_is_brought_in_for_usage_copies(
    house: House, terminal: Terminal, tmp_path: Path
) -> None:
    operator = house.catalogue.city.operator
    p12 = tmp_path / "platform.p12"
    p12.write_bytes(as_pkcs12(house, issued(house, operator.code)))
    brought = terminal(
        *("seal", "import", str(p12), "--authority", operator.code, "--platform", operator.name, "--json"),
        *("--password-file", terminal.secret(PASSWORD)),
    )
    seal_id = json.loads(brought)["seal_id"]
    with house.wired.workshop.database.reading() as db:
        assert platform_seal_in_use(db, datetime.now(UTC)) == seal_id
    assert listed(terminal, seal_id)["purpose"] == "usage-copy"
    terminal("seal", "stop", seal_id)
    with house.wired.workshop.database.reading() as db:
        assert platform_seal_in_use(db, datetime.now(UTC)) not in {seal_id, None}


@pytest.mark.parametrize("command", ["grant", "approve", "end", "resume"])
def test_nothing_that_needs_a_person_is_done_at_a_terminal(terminal: Terminal, command: str) -> None:
    """Who has a shell is not therefore two custodians: they sign in, and act over HTTP."""
    terminal("seal", command, code=2)


def test_a_key_on_a_token_is_brought_in_by_its_uri(
    house: House, desk: Desk, terminal: Terminal, token: Token, tmp_path: Path
) -> None:
    key = issued(house, desk.seal.authority)
    certificate = tmp_path / "seal.pem"
    certificate.write_bytes(key.certificate_pem)
    uri = token.take(key, PASSWORD.encode())
    options = ("--authority", desk.seal.authority, "--certificate", str(certificate))
    pin = ("--password-file", terminal.secret(PIN))
    brought = json.loads(terminal("seal", "import", uri, *options, *pin, "--json"))
    terminal("seal", "stop", brought["seal_id"])
    assert "PIN does not belong" in terminal("seal", "import", f"{uri}&pin-value={PIN}", *options, code=2)
