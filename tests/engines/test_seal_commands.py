"""Custody at a terminal: import, list and stop, as operators type them."""

import json
import os
import pwd
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import HttpUrl
from typer.testing import CliRunner

from api.cli.frame import exit_of
from api.cli.program import program
from api.cli.seal_list_commands import KINDS
from api.edge import Mode
from storage.seals import ATTESTATION, NATIONAL, NATIONAL_CLOSING, USAGE_COPY, find_seal, platform_seal_in_use
from tests.conftest import House
from tests.desks import Desk
from tests.flows.test_national_seals import PASSWORD as SM2_PASSWORD
from tests.flows.test_national_seals import issued as issued_by_sm2
from tests.flows.test_seal_import import PASSWORD, as_pkcs12, issued
from tests.requests import example_request
from tests.tokens import PIN, Token
from vault.errors import VaultError
from vault.founding import SecretsFolder
from vault.model.scope import VAULT

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
    with house.wired.workshop.database.reading(VAULT) as db:
        assert platform_seal_in_use(db, datetime.now(UTC)) == seal_id
    assert listed(terminal, seal_id)["purpose"] == "usage-copy"
    terminal("seal", "stop", seal_id)
    with house.wired.workshop.database.reading(VAULT) as db:
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


def test_a_national_seal_is_made_exported_inspected_and_brought_in_elsewhere(
    house: House, desk: Desk, terminal: Terminal, tmp_path: Path
) -> None:
    uscc = desk.seal.authority
    made = json.loads(
        terminal("seal", "new", uscc, "--national", "--centre", "证照专用章", "--picture", "png", "--json")
    )
    seal_id, esl = made["seal_id"], tmp_path / "seal.esl"
    assert (listed(terminal, seal_id)["purpose"], listed(terminal, seal_id)["algorithm"]) == (
        "national",
        "sm2-sm3",
    )
    assert "national (OFD)" in terminal("seal", "list")
    terminal("seal", "export", seal_id, str(esl))
    assert "there already" in terminal("seal", "export", seal_id, str(esl), code=1)
    picture = tmp_path / "seal.png"
    shown = json.loads(terminal("seal", "inspect", seal_id, "--picture", str(picture), "--json"))
    assert (shown["version"], shown["vendor"], shown["picture"]["type"]) == (4, "CERTVAULT", "png")
    assert (shown["picture"]["width_mm"], picture.read_bytes()[:4]) == (42, b"\x89PNG")
    assert shown["name"] == f"{desk.seal.authority_name}(证照专用章)"
    assert [(each["name"], each["result"]) for each in shown["checks"]] == [
        ("seal_version", "passed"),
        ("maker_signature", "passed"),
        ("maker_certificate", "passed"),
        ("seal_validity", "passed"),
    ]
    told = terminal("seal", "inspect", str(esl))
    assert shown["number"] in told
    assert "unknown: No national roots are given" in told

    # Its key is opened with the vault's passphrase, as if both had come from somewhere else.
    secrets_ = SecretsFolder(house.settings.secrets)
    key = secrets_.seals / f"{seal_id}.key.pem"
    chain = tmp_path / "chain.pem"
    with house.wired.workshop.database.reading(VAULT) as db:
        row = find_seal(db, seal_id)
    assert row is not None
    chain.write_text(row.certificate_pem)
    options = ("--authority", uscc, "--certificate", str(chain), "--password-file", str(secrets_.passphrase))
    assert "already" in terminal("seal", "import", str(key), "--esl", str(esl), *options, code=1)
    trailing = tmp_path / "trailing.esl"
    trailing.write_bytes(esl.read_bytes() + b"\0")
    assert "left over" in terminal("seal", "import", str(key), "--esl", str(trailing), *options, code=2)
    assert "left over" in terminal("seal", "inspect", str(trailing), code=2)
    assert "Expected --esl" in terminal("seal", "import", str(key), "--national", *options, code=2)
    terminal("seal", "stop", seal_id)
    assert listed(terminal, seal_id)["state"] == "stopped"


def test_a_seal_that_was_changed_is_told(terminal: Terminal, tmp_path: Path) -> None:
    national = [row for row in json.loads(terminal("seal", "list", "--json")) if row["purpose"] == "national"]
    esl = tmp_path / "seal.esl"
    terminal("seal", "export", national[0]["seal_id"], str(esl))
    content = esl.read_bytes()
    number = json.loads(terminal("seal", "inspect", str(esl), "--json"))["number"].encode()
    esl.write_bytes(content.replace(number, number[::-1][:-1] + b"X", 1))
    shown = json.loads(terminal("seal", "inspect", str(esl), "--json", code=1))
    failed = [each["name"] for each in shown["checks"] if each["result"] == "failed"]
    assert failed == ["maker_signature"]


def test_a_national_seal_is_made_with_a_makers_key(
    house: House, desk: Desk, terminal: Terminal, tmp_path: Path
) -> None:
    signer, maker = (issued_by_sm2(house, code) for code in (desk.seal.authority, "91350100M000100Y43"))
    files = {}
    for name, one in (("signer", signer), ("maker", maker)):
        for kind, content in (("key", one.key_pem), ("pem", one.certificate_pem)):
            path = files[name, kind] = tmp_path / f"{name}.{kind}"
            path.write_bytes(content)
    password = terminal.secret(SM2_PASSWORD)
    options = (
        *("--maker-key", str(files["maker", "key"]), "--maker-certificate", str(files["maker", "pem"])),
        *("--maker-password-file", password),
    )
    uscc = desk.seal.authority
    assert "takes --maker-key" in terminal("seal", "new", uscc, "--national", *options, code=2)
    whose = (
        *("--key", str(files["signer", "key"]), "--certificate", str(files["signer", "pem"])),
        *("--password-file", password),
    )
    assert "Keys are for --national" in terminal("seal", "new", uscc, *options, *whose, code=2)
    made = json.loads(terminal("seal", "new", uscc, "--national", *options, *whose, "--json"))
    shown = json.loads(terminal("seal", "inspect", made["seal_id"], "--json"))
    assert "91350100M000100Y43" in shown["maker"]["subject"]
    terminal("seal", "stop", made["seal_id"])


def test_the_key_that_closes_ofds_is_made_and_brought_in(
    house: House, terminal: Terminal, tmp_path: Path
) -> None:
    operator = house.catalogue.city.operator
    made = json.loads(
        terminal("seal", "platform", operator.code, "--name", operator.name, "--national", "--json")
    )
    assert listed(terminal, made["seal_id"])["purpose"] == "national-closing"
    assert "closes OFDs" in terminal("seal", "list")
    assert "no national seal" in terminal("seal", "inspect", made["seal_id"], code=1)
    issued_one = issued_by_sm2(house, operator.code)
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    key.write_bytes(issued_one.key_pem)
    chain.write_bytes(issued_one.certificate_pem)
    brought = json.loads(
        terminal(
            *("seal", "import", str(key), "--national", "--platform", operator.name, "--json"),
            *("--authority", operator.code, "--certificate", str(chain)),
            *("--password-file", terminal.secret(SM2_PASSWORD)),
        )
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        newest = platform_seal_in_use(db, datetime.now(UTC), NATIONAL_CLOSING)
    assert newest == brought["seal_id"]
    for seal_id in (made["seal_id"], brought["seal_id"]):
        terminal("seal", "stop", seal_id)


def test_in_production_nobody_makes_a_seal_without_a_makers_key(terminal: Terminal, desk: Desk) -> None:
    settings = terminal.house.settings.model_copy(
        update={"mode": Mode.PRODUCTION, "public_url": HttpUrl("https://vault.example"), "providers": None}
    )
    elsewhere = Terminal(replace(terminal.house, settings=settings), terminal.folder)
    told = elsewhere("seal", "new", desk.seal.authority, "--national", code=2)
    assert "licensed seal maker" in told


def test_the_list_has_a_word_for_every_purpose() -> None:
    assert set(KINDS) == {None, ATTESTATION, USAGE_COPY, NATIONAL, NATIONAL_CLOSING}
