"""Custody at a terminal: import, grant, approve, list, stop and resume, as people type them."""

import json
import os
import pwd
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from api.cli.frame import exit_of
from api.cli.program import program
from tests.conftest import House
from tests.desks import Desk
from tests.flows.test_seal_import import PASSWORD, as_pkcs12, issued
from tests.requests import example_request
from tests.tokens import PIN, Token
from vault import signin
from vault.errors import VaultError
from vault.model.actors import Role

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

    def custodian(self) -> tuple[str, ...]:
        """The options of a new custodian."""
        login, password = f"custodian-{secrets.token_hex(4)}", secrets.token_hex(8)
        signin.add_person(
            self.house.wired.workshop,
            login=login,
            password=password,
            name="印样",
            roles=frozenset({Role.SEAL_CUSTODIAN}),
            organisation=None,
            code=None,
            at=datetime.now(UTC),
        )
        return "--as", login, "--password-file", self.secret(password)


@pytest.fixture
def terminal(house: House, tmp_path: Path) -> Terminal:
    return Terminal(house, tmp_path)


def test_a_seal_is_brought_in_granted_by_two_stopped_and_resumed_by_two(
    house: House, desk: Desk, terminal: Terminal, tmp_path: Path
) -> None:
    p12 = tmp_path / "seal.p12"
    p12.write_bytes(as_pkcs12(house, issued(house, desk.seal.authority)))
    brought = terminal(
        *("seal", "import", str(p12), "--authority", desk.seal.authority, "--json"),
        *("--password-file", terminal.secret(PASSWORD)),
    )
    seal_id = json.loads(brought)["seal_id"]
    one, other = terminal.custodian(), terminal.custodian()
    client = desk.client.client_id
    grant = ("seal", "grant", seal_id, "--client", client, "--daily-cap", "3", "--type", desk.kind.code)
    (made,) = json.loads(terminal(*grant, *one, "--json"))
    assert (made["state"], made["made"]["via"]) == ("proposed", ACCOUNT)
    assert "another" in terminal("seal", "approve", made["grant_id"], *one, code=1)
    wrong = ("--as", other[1], "--password-file", terminal.secret("wrong"))
    assert "password is wrong" in terminal("seal", "approve", made["grant_id"], *wrong, code=1)
    assert made["grant_id"] in terminal("seal", "approve", made["grant_id"], *other)
    (certificate,) = desk.deposit(example_request(house.catalogue)).certificates
    assert certificate.documents[0].seal_id == seal_id
    (shown,) = [s for s in json.loads(terminal("seal", "list", "--json")) if s["seal_id"] == seal_id]
    assert (shown["state"], shown["daily_cap"], shown["used_today"]) == ("in_use", 3, 1)
    (listed,) = [g for g in json.loads(terminal("seal", "grants", "--json")) if g["seal_id"] == seal_id]
    assert (listed["state"], listed["used_today"]) == ("approved", 1)
    assert seal_id in terminal("seal", "grants")

    assert "is stopped" in terminal("seal", "stop", seal_id, "--reason", "样例")
    assert "was stopped before" in terminal("seal", "stop", seal_id)
    (stopped,) = [s for s in json.loads(terminal("seal", "list", "--json")) if s["seal_id"] == seal_id]
    assert (stopped["state"], stopped["latest"]["reason"]) == ("stopped", "样例")
    assert stopped["latest"]["actor"] == ACCOUNT.replace("cli:", "os:")
    assert "Nobody proposes" in terminal("seal", "resume", seal_id, *other, code=1)
    terminal("seal", "resume", seal_id, "--reason", "样例：已查清", *one)
    terminal("seal", "resume", seal_id, *other)
    assert "in_use" in terminal("seal", "list")
    terminal("seal", "end", made["grant_id"], "--reason", "样例", *one)
    assert made["grant_id"] not in terminal("seal", "grants")
    terminal("seal", "stop", seal_id)


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


def test_what_cannot_be_granted_is_told_in_a_sentence(desk: Desk, terminal: Terminal) -> None:
    someone = terminal.custodian()
    options = ("--client", desk.client.client_id, "--daily-cap", "3", *someone)
    assert "no seal nowhere" in terminal("seal", "grant", "nowhere", *options, code=1)
    told = terminal("seal", "grant", desk.seal.seal_id, *options, "--type", "nothing", code=2)
    assert "issues no type nothing" in told
