"""`client …`, `token-key rotate` and `statement-key rotate` on the suite's vault, called in this process."""

import json
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from joserfc.jwk import ECKey
from typer.testing import CliRunner, Result

from api.cli.program import program
from tests.conftest import House
from tests.unit.api.calling import key_folder
from vault.errors import Conflict, InputError, NotFound

pytestmark = pytest.mark.engines

Run = Callable[..., Result]
AUTHORITY = "11990100MB9900021U"
HOME = "11100000MB03271699001"


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line with the suite's settings in its environment."""
    for name, value in house.settings.environment().items():
        monkeypatch.setenv(name, value)
    return lambda *arguments: CliRunner().invoke(program, arguments)


@pytest.fixture
def client_id() -> str:
    """Of a client that is not there yet."""
    return "cli-" + secrets.token_hex(4)


@pytest.fixture
def jwks(tmp_path: Path) -> Path:
    """A file with one public key, called 2026."""
    path = tmp_path / "water.jwks.json"
    key = ECKey.generate_key("P-256", {"kid": "2026"})
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}), encoding="utf-8")
    return path


def test_a_client_is_added_with_its_keys_and_types_and_shown(run: Run, client_id: str, jwks: Path) -> None:
    add = ("client", "add", client_id, "--name", "水务审批系统", "--authority", AUTHORITY, "--type", HOME)
    added = run(*add, "--jwks", str(jwks), "--json")
    assert json.loads(added.stdout) == {"client_id": client_id, "keys": ["2026"]}
    shown = json.loads(run("client", "show", client_id, "--json").stdout)
    assert (shown["types"], shown["authorities"], shown["secrets"]) == ([HOME], [AUTHORITY], [])
    assert shown["keys"] == [{"kid": "2026", "expires_at": None}]
    assert shown in json.loads(run("client", "list", "--json").stdout)
    assert "1 keys" in run("client", "show", client_id).stdout
    assert client_id in run("client", "list").stdout
    assert isinstance(run("client", "rotate", client_id).exception, Conflict), "no secret beside keys"


def test_a_secret_is_shown_once_and_gives_way_to_keys(run: Run, client_id: str, jwks: Path) -> None:
    made = json.loads(
        run("client", "add", client_id, "--name", "x", "--authority", AUTHORITY, "--json").stdout
    )
    assert made["client_secret"] not in run("client", "show", client_id, "--json").stdout
    assert json.loads(run("client", "rotate", client_id, "--json").stdout)["client_secret"]
    run("client", "rotate", client_id, "--jwks", str(jwks))
    shown = json.loads(run("client", "show", client_id, "--json").stdout)
    assert len(shown["secrets"]) == 2
    assert all(each["expires_at"] is not None for each in shown["secrets"])
    run("client", "disable", client_id)
    assert json.loads(run("client", "show", client_id, "--json").stdout)["disabled_at"] is not None


def test_what_cannot_be_is_refused_and_adds_nothing(
    run: Run, client_id: str, jwks: Path, tmp_path: Path
) -> None:
    private = tmp_path / "private.json"
    private.write_text(json.dumps(ECKey.generate_key("P-256").as_dict(private=True)), encoding="utf-8")
    add = ("client", "add", client_id, "--name", "x", "--authority", AUTHORITY)
    for more in (("--jwks", str(private)), ("--type", "no such type"), ("--authority", "x")):
        assert isinstance(run(*add, *more).exception, InputError), more
    assert isinstance(run(*add, "--jwks", str(jwks) + "x").exception, NotFound)
    assert isinstance(run("client", "show", client_id).exception, NotFound)


def test_a_token_key_is_rotated_and_says_from_when(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = key_folder()
    monkeypatch.setenv("CERTVAULT_SECRETS", str(folder))
    made = json.loads(run("token-key", "rotate", "--json").stdout)
    assert set(made) == {"kid", "signs_from", "removed"}
    assert isinstance(run("token-key", "rotate").exception, Conflict)
    now = run("token-key", "rotate", "--compromised").stdout
    assert "Removed: token.key.pem" in now
    assert len(list(folder.iterdir())) == 1


def test_a_statement_key_is_rotated_and_says_from_when(
    run: Run, house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    copied = tmp_path / "secrets"
    shutil.copytree(house.settings.secrets, copied)
    monkeypatch.setenv("CERTVAULT_SECRETS", str(copied))
    made = json.loads(run("statement-key", "rotate", "--json").stdout)
    assert set(made) == {"kid", "signs_from", "ended"}
    assert isinstance(run("statement-key", "rotate").exception, Conflict)
    now = run("statement-key", "rotate", "--compromised").stdout
    assert "Ended, public half kept: " in now
    assert len(list((copied / "statements").glob("*.key.pem"))) == 1
    assert len(list((copied / "statements").glob("*.revoked-*.pub.pem"))) == 2


def test_a_client_asks_by_function_or_by_consent(run: Run, client_id: str) -> None:
    law = "《不动产登记暂行条例》第二十五条"
    add = ("client", "add", "--name", "样例", "--json")
    assert run(*add, f"{client_id}-a", "--authority", AUTHORITY, "--legal-basis", law).exit_code == 0
    assert run(*add, f"{client_id}-b", "--by-consent", "91350100M000100Y43").exit_code == 0
    assert run(*add, f"{client_id}-c", "--authority", AUTHORITY).exit_code == 0
    assert run(*add, f"{client_id}-d", "--legal-basis", law).exit_code == 0
    shown = {
        letter: json.loads(run("client", "show", f"{client_id}-{letter}", "--json").stdout)
        for letter in "abcd"
    }
    assert (shown["a"]["legal_basis"], shown["a"]["by_consent"]) == (law, None)
    assert (shown["b"]["legal_basis"], shown["b"]["by_consent"]) == (None, "91350100M000100Y43")
    assert "个人信息保护法" in shown["c"]["legal_basis"]
    assert (shown["d"]["legal_basis"], shown["d"]["authorities"]) == (law, [])
    assert "by consent, as 91350100M000100Y43" in run("client", "show", f"{client_id}-b").stdout
    assert "by function" in run("client", "show", f"{client_id}-a").stdout


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--by-consent", "91350100M000100Y43", "--legal-basis", "x"),
        ("--by-consent", "91350100M000100Y43", "--authority", AUTHORITY),
        ("--by-consent", "91350100M000100Y4X"),
        ("--legal-basis", ""),
        ("--legal-basis", "x" * 201),
    ],
)
def test_a_client_without_a_footing_is_refused(run: Run, client_id: str, options: tuple[str, ...]) -> None:
    assert run("client", "add", client_id, "--name", "样例", *options).exit_code != 0
    assert isinstance(run("client", "show", client_id).exception, NotFound)
