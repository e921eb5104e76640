"""Help, exit codes and what commands do without a vault."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from api.cli.frame import Exit, exit_of, find_settings
from api.cli.program import program
from api.settings import RUNNING_FILE, Settings, parse_settings, write_settings
from tests.programs import certvault
from tests.signing.ofd_judge import attacks
from tests.signing.ofd_judge.making import ours, packed
from tests.signing.ofd_judge.people import people
from vault.errors import Conflict, InputError, IntegrityError, Unavailable, VaultError


def leaves(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401 - typer's own
    """Every command that does something, with the words that call it."""
    subcommands = getattr(command, "commands", None)
    if subcommands is None:
        yield path, command
        return
    for name, sub in subcommands.items():
        yield from leaves(sub, *path, name)


COMMANDS = dict(leaves(typer.main.get_command(program)))


def test_every_command_of_the_issue_is_there() -> None:
    names = {" ".join(path) for path in COMMANDS}
    assert names >= {
        *(
            "up",
            "demo",
            "serve",
            "worker",
            "db upgrade",
            "doctor",
            "verify",
            "fsck",
            "reconcile",
            "openapi",
            "version",
        ),
        *("catalogue check", "catalogue apply", "catalogue export", "directory export"),
        *("client add", "client rotate", "client disable", "client list", "client show", "token-key rotate"),
        "statement-key rotate",
        *("seal new", "seal list", "seal stop"),
        *("webhook add", "webhook list", "webhook rotate", "webhook remove", "webhook failed"),
        *("webhook replay", "changes list", "changes backfill"),
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_by_an_example(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    assert (command.epilog or "").startswith(f"Example: certvault {' '.join(path)}")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unavailable("The database does not answer."), Exit.UNAVAILABLE),
        (InputError("Expected something else."), Exit.USAGE),
        (Conflict("Taken."), Exit.PROBLEMS),
        (IntegrityError("Lost."), Exit.PROBLEMS),
    ],
)
def test_exit_codes_tell_whose_fault_it_is(error: VaultError, code: Exit) -> None:
    assert exit_of(error) is code


def test_help_needs_none_of_the_heavy_libraries() -> None:
    done = certvault("--help")
    assert done.returncode == 0
    loaded = certvault_modules()
    assert not loaded & {"sqlalchemy", "fastapi", "pydantic", "pikepdf", "pyhanko", "typst", "cryptography"}


def certvault_modules() -> set[str]:
    """The libraries that the command line loads before it runs a command."""
    import subprocess  # noqa: PLC0415 - a child process sees only its own modules
    import sys  # noqa: PLC0415 - as above

    code = "import sys, api.cli; print(*{name.partition('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_a_wrong_use_is_told_with_status_2() -> None:
    assert certvault("no-such-command").returncode == 2
    assert certvault("up", "--processes", "0").returncode == 2


def test_the_description_needs_no_engine() -> None:
    done = certvault("openapi")
    assert done.returncode == 0, done.stderr
    assert "/v1/deposits" in json.loads(done.stdout)["paths"]


def test_a_broken_catalogue_is_told_by_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "city.yaml").write_text("name: [\n", encoding="utf-8")
    done = certvault("catalogue", "check", str(tmp_path), "--json")
    assert done.returncode == 1
    problems = json.loads(done.stdout)
    assert "city.yaml" in {problem["file"] for problem in problems}
    assert certvault("catalogue", "check").returncode == 0


def test_a_file_without_a_seal_does_not_verify(tmp_path: Path) -> None:
    root = tmp_path / "no.pem"
    root.write_text("no certificate", encoding="utf-8")
    plain = tmp_path / "plain.pdf"
    plain.write_bytes(b"%PDF-1.4\n%%EOF\n")
    broken_trust = certvault("verify", str(plain), "--trust", str(root))
    assert broken_trust.returncode == 2
    assert "trust file" in broken_trust.stderr
    assert certvault("verify", str(tmp_path / "absent.pdf"), "--trust", str(root)).returncode == 2


def test_an_ofd_is_judged_by_roots_that_are_given(tmp_path: Path) -> None:
    roots, good, tricky = (tmp_path / name for name in ("roots.pem", "good.ofd", "tricky.ofd"))
    roots.write_bytes(people().root_pem)
    good.write_bytes(packed(ours()))
    tricky.write_bytes(attacks.two_of_one_name())
    done = certvault("verify", str(good), "--trust", str(roots))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seal 1: TOTAL-PASSED" in done.stdout
    assert "signature 2: TOTAL-PASSED" in done.stdout
    refused = certvault("verify", str(tricky), "--trust", str(roots), "--json")
    assert refused.returncode == 1
    seals = json.loads(refused.stdout)["seals"]
    told = {check["name"]: check["result"] for check in seals[0]["checks"]}
    assert (seals[0]["indication"], told["package"]) == ("INDETERMINATE", "failed")


def test_settings_survive_their_file(tmp_path: Path) -> None:
    given = Settings.model_validate(
        {
            "mode": "development",
            "database_url": "postgresql://certvault:a'b c$d@127.0.0.1/certvault",
            "s3_endpoint": "http://127.0.0.1:8333",
            "s3_access_key": "key",
            "s3_secret_key": 'quo"te\\d',
            "public_url": "http://127.0.0.1:8700",
            "secrets": tmp_path,
            "trust": tmp_path / "with blank.pem",
        }
    )
    assert parse_settings(write_settings(given)) == given


def test_settings_left_by_a_killed_vault_are_not_believed(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / RUNNING_FILE).write_text("CERTVAULT_MODE=development\n", encoding="ascii")
    with pytest.raises(Unavailable, match="No vault is running"):
        find_settings(tmp_path)
