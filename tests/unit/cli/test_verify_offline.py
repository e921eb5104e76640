"""`certvault verify --offline` as somebody without network types it."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from api.cli.program import program
from signing.log_note import verifier_key
from signing.trust_list import write_trust_list
from signing.typeset import qr_modules
from tests.signing.statements import AS_OF, STATEMENT, listed, log_key, statement_key, trust, url_of
from vault.errors import InputError, NotFound, SignatureError
from vault.model.certificate import Status
from vault.model.origin import OriginKind, origin_words
from vault.model.statement import Covers, DocumentMark

KEY, LOG = statement_key(), log_key()
# The command reads the clock: a statement and a list of now.
NOW = datetime.now(UTC).replace(microsecond=0)
FRESH = replace(STATEMENT, as_of=NOW, valid_from=NOW.date().replace(year=2020), valid_to=None)
TEXT = url_of(FRESH, KEY)


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(program, ["verify", *arguments, "--offline"], input=given)


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    path = tmp_path / "trust.note"
    path.write_bytes(
        write_trust_list(trust(listed(KEY, signs_from=AS_OF.replace(year=2020)), made_at=NOW), LOG)
    )
    return path


@pytest.fixture
def vkey(tmp_path: Path) -> Path:
    path = tmp_path / "log.vkey"
    path.write_text(f"{verifier_key(LOG, 'vault.example/v1/log/2026')}\n")
    return path


def test_a_genuine_code_is_shown_with_its_age(listing: Path, vkey: Path) -> None:
    done = run(TEXT, "--trust", str(listing), "--log-key", str(vkey))
    assert done.exit_code == 0, done.output
    assert "https://vault.example: genuine, and in force as of then" in done.output
    assert "Status as of " in done.output
    assert re.search(r" \d+ minutes? old: valid\.", done.output)  # since this module was imported
    assert "样例****公司" in done.output
    assert "long-term 长期" in done.output
    assert "was not checked" not in done.output


def test_without_the_logs_key_it_says_what_was_not_checked(listing: Path) -> None:
    assert "own signature was not checked" in run(TEXT, "--trust", str(listing)).output


def test_the_same_for_programs(listing: Path) -> None:
    done = run(TEXT, "--trust", str(listing), "--json")
    shown = json.loads(done.output)
    assert (shown["verdict"], shown["reason"], shown["trust_list_signed"]) == ("genuine", None, False)
    assert shown["certificate"]["identifier"] == STATEMENT.identifier
    assert shown["certificate"]["status_as_of"] == NOW.isoformat()
    assert 0 <= shown["age_s"] < 300
    assert {check["name"] for check in shown["checks"]} == {
        *("key", "signature", "time", "in_force", "trust_list", "address")
    }


@pytest.mark.parametrize("kind", OriginKind)
def test_where_its_file_comes_from_is_always_told(listing: Path, kind: OriginKind) -> None:
    text = url_of(replace(FRESH, origin=kind), KEY)
    zh, en = origin_words(kind)
    done = run(text, "--trust", str(listing))
    assert done.exit_code == 0, done.output  # a digital copy is as genuine; its reader is told
    assert f"  origin       {en} {zh}\n" in done.output
    shown = json.loads(run(text, "--trust", str(listing), "--json").output)
    assert shown["certificate"]["origin"]["kind"] == kind.value
    assert (shown["certificate"]["origin"]["words"], shown["certificate"]["origin"]["words_en"]) == (zh, en)
    found = {check["name"]: check["result"] for check in shown["checks"]}
    assert found.get("origin") == ORIGIN_CHECK[kind]


ORIGIN_CHECK = {
    OriginKind.BORN_SEALED: None,
    OriginKind.TYPESET_ANEW: "passed",
    OriginKind.SCAN_ATTESTED: "passed",
    OriginKind.SCAN_UNVERIFIED: "unknown",
}


def test_that_the_list_is_signed_is_said_to_programs_too(listing: Path, vkey: Path) -> None:
    done = run(TEXT, "--trust", str(listing), "--log-key", str(vkey), "--json")
    assert json.loads(done.output)["trust_list_signed"] is True


def test_the_bare_text_is_no_file_however_long_it_is(listing: Path) -> None:
    text = unquote(TEXT.partition("&s=")[2])
    assert len(text) > 255  # bytes, which a file's name may have
    assert run(text, "--trust", str(listing)).exit_code == 0
    done = CliRunner().invoke(program, ["verify", text])
    assert isinstance(done.exception, InputError)
    assert "--offline" in str(done.exception)


def test_what_a_list_without_a_signature_holds_is_not_obeyed_by_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "trust.note"
    path.write_bytes(write_trust_list(replace(trust(listed(KEY)), vault="\x1b[2Jhttps://vault.example"), LOG))
    done = run(TEXT, "--trust", str(path))
    assert "\ufffd[2Jhttps://vault.example: " in done.output
    assert "\x1b" not in done.output


def test_a_code_is_read_from_a_picture_a_file_and_standard_input(listing: Path, tmp_path: Path) -> None:
    rows = qr_modules(TEXT)
    side = len(rows) + 8
    picture = Image.new("L", (side, side), 255)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            picture.putpixel((x + 4, y + 4), 0 if dark else 255)
    picture.resize((side * 4, side * 4), Image.Resampling.NEAREST).save(tmp_path / "qr.png")
    (tmp_path / "qr.txt").write_text(TEXT + "\n")
    for what, given in ((tmp_path / "qr.png", None), (tmp_path / "qr.txt", None), ("-", TEXT + "\n")):
        assert run(str(what), "--trust", str(listing), given=given).exit_code == 0, what
    Image.new("L", (50, 50), 255).save(tmp_path / "none.png")
    none = run(str(tmp_path / "none.png"), "--trust", str(listing))
    assert isinstance(none.exception, InputError)
    (tmp_path / "half.png").write_bytes((tmp_path / "qr.png").read_bytes()[:90])
    assert isinstance(run(str(tmp_path / "half.png"), "--trust", str(listing)).exception, InputError)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (url_of(replace(FRESH, status=Status.WITHDRAWN), KEY), "genuine, and not in force"),
        (url_of(FRESH, statement_key()), "not proven: ask the vault"),
        ("https://vault.example/v#t=abc", "NOT GENUINE"),
        ("no code at all", "NOT GENUINE"),
    ],
)
def test_everything_else_ends_with_one(listing: Path, text: str, words: str) -> None:
    done = run(text, "--trust", str(listing))
    assert done.exit_code == 1
    assert words in done.output


def test_a_file_is_held_against_the_code(listing: Path, tmp_path: Path) -> None:
    unsealed = b"%PDF-1.7\n%%EOF\n"
    mark = DocumentMark(Covers.UNSEALED, hashlib.sha256(unsealed).digest()[:12])
    text = url_of(replace(FRESH, document=mark), KEY)
    (tmp_path / "right.pdf").write_bytes(unsealed + b"more\n%%EOF\n")
    (tmp_path / "wrong.pdf").write_bytes(b"%PDF-1.7 \n%%EOF\n")
    right = run(text, "--trust", str(listing), "--document", str(tmp_path / "right.pdf"))
    wrong = run(text, "--trust", str(listing), "--document", str(tmp_path / "wrong.pdf"))
    assert (right.exit_code, wrong.exit_code) == (0, 1)
    assert "The file is not the one that is stated." in wrong.output


def test_what_is_missing_or_none_is_told(listing: Path, vkey: Path, tmp_path: Path) -> None:
    assert isinstance(run(TEXT).exception, InputError)
    assert isinstance(run(TEXT, "--trust", str(listing), "--url", "https://x").exception, InputError)
    assert isinstance(run(TEXT, "--trust", str(tmp_path / "absent")).exception, NotFound)
    assert isinstance(run(TEXT, "--trust", str(vkey)).exception, InputError)
    (tmp_path / "other.vkey").write_text(str(verifier_key(log_key(), "vault.example/v1/log/2026")))
    other = run(TEXT, "--trust", str(listing), "--log-key", str(tmp_path / "other.vkey"))
    assert isinstance(other.exception, SignatureError)
    plain = CliRunner().invoke(program, ["verify", str(listing), "--document", str(listing)])
    assert isinstance(plain.exception, InputError)
