"""Portable evidence: from the vault, and checked where nobody has ever heard of it."""

import io
import json
import ssl
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from api.cli.program import program
from signing.log_note import sign_checkpoint, verifier_key
from signing.trust import new_development_authority
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.edge.test_the_log_over_http import sequenced
from tests.requests import example_request
from tests.signing.statements import log_key
from vault.errors import InputError
from vault.model.canonical import canonical_json
from vault.model.evidence import (
    DOCUMENT,
    LOG_KEY,
    NAMES,
    PART_MAX_BYTES,
    PROOF,
    README,
    REPORT,
    ROOTS,
    STATEMENT_KEYS,
    open_evidence,
)
from vault.tlog.checkpoint import Checkpoint
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.proof_file import ProofFile, parse_proof_file

pytestmark = pytest.mark.engines

# A citizen's machine: what only the vault needs is not there.
VAULT_ONLY = ("sqlalchemy", "psycopg", "minio", "fastapi", "starlette", "procrastinate", "uvicorn", "typst")
BARE = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {VAULT_ONLY!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
from api.cli import main
main()
"""


@pytest.fixture
def evidence(house: House, caller: Caller, bearer: dict[str, str]) -> bytes:
    """That of a fresh certificate."""
    request = example_request(house.catalogue)
    sequenced(house)
    receipt = caller("POST", "/v1/deposits", json=request, headers=bearer).json()["receipts"][0]
    address = f"/v1/certificates/{receipt['certificate_id']}/evidence"
    early = caller("GET", address, headers=bearer)
    assert early.status_code == 404
    assert "promised" in early.json()["detail"]
    sequenced(house)
    answer = caller("GET", address, headers=bearer)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].endswith('.evidence.zip"')
    assert caller("GET", address).status_code == 401
    return answer.content


@pytest.fixture
def trust(house: House, tmp_path: Path) -> tuple[str, ...]:
    """Roots and log key, as somebody got them over another way."""
    roots, vkey = tmp_path / "roots.pem", tmp_path / "log.vkey"
    roots.write_text("".join(ssl.DER_cert_to_PEM_cert(root) for root in house.wired.workshop.trust_roots))
    vkey.write_text(str(verifier_key(house.wired.workshop.log_key, "vault.example/v1/log/2026")))
    return ("--trust", str(roots), "--log-key", str(vkey))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["verify", *arguments])


def kept(folder: Path, content: bytes) -> str:
    path = folder / "evidence.zip"
    path.write_bytes(content)
    return str(path)


def changed(content: bytes, name: str, part: bytes) -> bytes:
    """The same zip with another part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for each in old.namelist():
            new.writestr(each, part if each == name else old.read(each))
    return out.getvalue()


def test_a_machine_that_never_saw_the_vault_proves_it(
    evidence: bytes, trust: tuple[str, ...], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BARE, "verify", kept(tmp_path, evidence), *trust, "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["proven"] is True
    assert all(check["passed"] for check in shown["checks"])
    assert shown["origin"]["kind"] == "born_sealed"
    assert shown["unchecked"] == [REPORT, README]


def test_a_sealed_file_is_judged_there_too(evidence: bytes, trust: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "licence.pdf").write_bytes(open_evidence(evidence).document)
    done = subprocess.run(
        [sys.executable, "-c", BARE, "verify", str(tmp_path / "licence.pdf"), *trust[:2]],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2]), "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert "TOTAL-PASSED" in done.stdout


def test_its_own_trust_proves_nothing(evidence: bytes, tmp_path: Path) -> None:
    done = run(kept(tmp_path, evidence))
    assert done.exit_code == 1
    assert "NOT PROVEN" in done.output
    assert "Origin, as the log has it: Sealed electronically when it was issued. 签发时即" in done.output
    assert "FAILED" not in done.output


def test_its_parts_say_what_they_are(evidence: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(evidence)) as packed:
        assert tuple(packed.namelist()) == NAMES
        assert "certvault verify evidence.zip" in packed.read(README).decode()
        report = json.loads(packed.read(REPORT))
        assert f"Nothing proves {REPORT}" in packed.read(README).decode()
    assert report["verdict"] == "genuine"
    assert "*" in report["certificate"]["holders"][0]["name"]


def test_another_file_another_log_and_a_changed_proof_are_refused(
    evidence: bytes, trust: tuple[str, ...], tmp_path: Path
) -> None:
    whole = open_evidence(evidence)
    another = changed(evidence, DOCUMENT, whole.document[:-20] + b" " + whole.document[-19:])
    proof = changed(evidence, PROOF, whole.proof.replace(b"index ", b"index 1", 1))
    for content in (another, proof):
        done = run(kept(tmp_path, content), *trust)
        assert done.exit_code == 1
        assert "FAILED" in done.output
        assert "Origin: not proven." in done.output
    (tmp_path / "other.vkey").write_text(str(verifier_key(log_key(), "vault.example/v1/log/2026")))
    other = run(kept(tmp_path, evidence), *trust[:2], "--log-key", str(tmp_path / "other.vkey"))
    assert other.exit_code == 1
    assert "FAILED   log" in other.output


def test_what_a_stranger_puts_into_it_does_not_count_against_what_was_given(
    evidence: bytes, trust: tuple[str, ...], tmp_path: Path
) -> None:
    vkey = str(verifier_key(log_key(), "vault.example/v1/log/2026")).encode()
    content = changed(changed(evidence, LOG_KEY, vkey), ROOTS, b"no roots")
    assert run(kept(tmp_path, content), *trust).exit_code == 0


def test_a_changed_report_is_not_checked_and_the_command_says_so(
    evidence: bytes, trust: tuple[str, ...], tmp_path: Path
) -> None:
    done = run(kept(tmp_path, changed(evidence, REPORT, b'{"verdict": "anything"}')), *trust)
    assert done.exit_code == 0, done.output
    assert f"Not checked: {REPORT} and {README}" in done.output


def test_a_bad_list_of_statement_keys_is_told_for_what_it_is(
    evidence: bytes, trust: tuple[str, ...], tmp_path: Path
) -> None:
    note = open_evidence(evidence).statement_keys
    for bad, why in ((b"no note", "signature lines"), (note.replace(b'"keys":[', b'"keys":[ '), "signature")):
        done = run(kept(tmp_path, changed(evidence, STATEMENT_KEYS, bad)), *trust)
        assert done.exit_code == 1
        (line,) = [line for line in done.output.splitlines() if "statement_keys" in line]
        assert "FAILED" in line
        assert "The list is signed" not in line
        assert why in line


@pytest.mark.parametrize("given", [slice(0, 2), slice(2, 4)])
def test_half_of_the_trust_proves_nothing(
    evidence: bytes, trust: tuple[str, ...], tmp_path: Path, given: slice
) -> None:
    path = kept(tmp_path, evidence)
    done = run(path, *trust[given])
    assert done.exit_code == 1
    assert "NOT PROVEN" in done.output
    shown = json.loads(run(path, *trust[given], "--json").output)
    assert shown["proven"] is False
    assert [check["name"] for check in shown["checks"] if not check["passed"]] == ["trust_given"]
    assert "came from elsewhere" not in shown["checks"][-1]["detail"]


def test_by_another_vaults_roots_the_seal_is_nobodys(
    evidence: bytes, trust: tuple[str, ...], tmp_path: Path
) -> None:
    passphrase = b"nothing is kept in this"
    (tmp_path / "other.pem").write_bytes(
        new_development_authority(passphrase=passphrase, at=datetime.now(UTC)).certificate_pem
    )
    done = run(kept(tmp_path, evidence), "--trust", str(tmp_path / "other.pem"), *trust[2:])
    assert done.exit_code == 1
    assert "FAILED   seals" in done.output
    assert "passed   log" in done.output


def test_a_vault_is_not_asked_about_evidence(evidence: bytes, tmp_path: Path) -> None:
    done = run(kept(tmp_path, evidence), "--url", "https://vault.example")
    assert isinstance(done.exception, InputError)
    assert "--url" in str(done.exception)


def test_a_name_in_it_is_not_obeyed_by_the_terminal(
    evidence: bytes, trust: tuple[str, ...], tmp_path: Path
) -> None:
    leaf = json.loads(parse_proof_file(open_evidence(evidence).proof).extra)
    content = canonical_json({**leaf, "identifier": "\x9b2J\x1b[2J"})
    key = log_key()
    origin = "strange.example/log"
    note = sign_checkpoint(key, Checkpoint(origin, 1, leaf_hash(content))).encode()
    (tmp_path / "strange.vkey").write_text(str(verifier_key(key, origin)))
    strange = changed(evidence, PROOF, ProofFile(content, 0, (), note).encode())
    done = run(kept(tmp_path, strange), *trust[:2], "--log-key", str(tmp_path / "strange.vkey"))
    assert "\ufffd2J" in done.output
    assert not set("\x9b\x1b") & set(done.output)


def test_what_is_no_evidence_is_refused(evidence: bytes, tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        for name in NAMES:
            bomb.writestr(name, bytes(PART_MAX_BYTES + 1) if name == DOCUMENT else b"")
    more = io.BytesIO(evidence)
    with zipfile.ZipFile(more, "a") as packed:
        packed.writestr("more.txt", "x")
    for content in (
        b"PK\x03\x04",
        evidence[:-30],
        evidence[: len(evidence) // 2],
        out.getvalue(),
        more.getvalue(),
    ):
        with pytest.raises(InputError):
            open_evidence(content)
        assert isinstance(run(kept(tmp_path, content)).exception, InputError)
