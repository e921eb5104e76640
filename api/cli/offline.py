"""`verify --offline`: what a QR code states, checked with no network."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from api.cli.frame import Exit, console, names_file, print_json, printable, read_file
from vault.errors import InputError
from vault.model.origin import Origin, origin_json, origin_words, shown_origin

if TYPE_CHECKING:
    from signing.offline import OfflineReport
    from vault.model.statement import Statement

STANDARD_INPUT = "-"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"RIFF")
_WORDS = {
    "genuine": "genuine, and in force as of then",
    "not_in_force": "genuine, and not in force",
    "not_proven": "not proven: ask the vault",
    "not_genuine": "NOT GENUINE",
}


def verify_offline(
    what: str, *, trust: Path, document: Path | None, log_key: Path | None, as_json: bool
) -> None:
    """Judges a QR's text, or that in a picture, and ends with 0 only if it is genuine and in force.

    Raises:
        InputError: a file cannot be read, or the trust list is none.
        SignatureError: the log's key has not signed the trust list.
    """
    from signing.offline import OfflineVerdict, judge_offline, status_line
    from signing.trust_list import read_trust_list
    from vault.tlog.note import parse_verifier_key

    at = datetime.now(UTC)
    key = None if log_key is None else parse_verifier_key(read_file(log_key).decode(errors="replace")).public
    listed = read_trust_list(read_file(trust), log_key=key)
    content = None if document is None else read_file(document)
    report = judge_offline(_text(what), listed, at=at, document=content)
    if as_json:
        print_json({**_json(report), "trust_list_signed": key is not None})
    else:
        out = console()
        out.print(f"{printable(listed.vault)}: {_WORDS[report.verdict.value]}", markup=False, soft_wrap=True)
        if report.statement is not None:
            for label, value in _lines(report.statement):
                out.print(f"  {label:<12} {value}", markup=False, soft_wrap=True)
            out.print(status_line(report.statement, at), markup=False, soft_wrap=True)
        for check in report.checks:
            line = printable(f"  {check.result.value:<8} {check.name:<12} {check.detail}")
            out.print(line, markup=False, soft_wrap=True)
        if key is None:
            out.print("The trust list's own signature was not checked: give the log's key with --log-key.")
    if report.verdict is not OfflineVerdict.GENUINE:
        raise typer.Exit(Exit.PROBLEMS)


def _text(what: str) -> str:
    """The QR's text: as it was given, from a file or standard input, or read from a picture."""
    from signing.qr_reading import read_codes

    if what == STANDARD_INPUT:
        content = sys.stdin.buffer.read()
    elif "#" not in what and names_file(what):
        content = read_file(Path(what))
    else:
        return what.strip("\r\n")
    if not content.startswith(_PICTURES):
        return content.decode(errors="replace").strip("\r\n")
    codes = read_codes(content)
    if len(codes) != 1:
        raise InputError(f"Expected one QR code in the picture, found {len(codes)}.")
    return codes[0]


def _lines(statement: "Statement") -> tuple[tuple[str, str], ...]:
    more = "" if statement.holders == 1 else f" and {statement.holders - 1} more"
    return (
        ("type", statement.type_name),
        ("identifier", statement.identifier),
        ("holder", (statement.holder or "(not shown)") + more),
        ("authority", statement.authority_name),
        ("issued on", statement.issued_on.isoformat()),
        ("valid from", statement.valid_from.isoformat()),
        ("valid to", "long-term 长期" if statement.valid_to is None else statement.valid_to.isoformat()),
        ("origin", " ".join(reversed(origin_words(statement.origin)))),
    )


def _json(report: "OfflineReport") -> dict[str, Any]:
    stated = report.statement
    return {
        "verdict": report.verdict.value,
        "reason": report.reason,
        "checks": [{"name": c.name, "result": c.result.value, "detail": c.detail} for c in report.checks],
        "certificate": None
        if stated is None
        else {
            "identifier": stated.identifier,
            "type_name": stated.type_name,
            "issuing_authority_name": stated.authority_name,
            "holder": stated.holder,
            "holders": stated.holders,
            "issued_on": stated.issued_on.isoformat(),
            "valid_from": stated.valid_from.isoformat(),
            "valid_to": None if stated.valid_to is None else stated.valid_to.isoformat(),
            "status": stated.status.value,
            "status_as_of": stated.as_of.isoformat(),
            "origin": shown_origin(origin_json(Origin(stated.origin))),
        },
        "age_s": None if report.age is None else int(report.age.total_seconds()),
        "trust_list_age_s": int(report.list_age.total_seconds()),
    }
