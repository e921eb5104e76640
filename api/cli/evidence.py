"""`verify evidence.zip`: a sealed file and all that proves it, without the vault."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from api.cli.frame import Exit, console, print_json, printable, read_file
from vault.errors import InputError
from vault.model.evidence import README, REPORT
from vault.model.origin import Origin, OriginKind, origin_json, origin_words, shown_origin

ZIP = b"PK\x03\x04"
_OWN_TRUST = (
    "NOT PROVEN: the parts belong together, by the trust that the file itself brings. Give --trust and "
    "--log-key, from somebody you trust, to know whose they are."
)
_SOME_OWN_TRUST = "Roots, log key or both are those that the file itself brings."
_NO_ORIGIN = "Origin: not proven. The entry of its issue in the log says it; that of a raised file does not."
_UNCHECKED = f"Not checked: {REPORT} and {README}, which nobody signed."


def verify_evidence(content: bytes, *, trust: Path | None, log_key: Path | None, as_json: bool) -> None:
    """Judges the sealed file and its proof, and ends with 0 only if both hold by trust that was given.

    Nobody signs the report in it: it is not read, and said to be unchecked.

    Raises:
        InputError: it is no evidence, or a file of trust is none.
    """
    from signing.confined import Judges
    from signing.trust import certificates_der
    from signing.trust_list import read_trust_list
    from signing.validate import Trust
    from vault.errors import SignatureError
    from vault.log_auditor import about_proof, proven_origin
    from vault.model.evidence import open_evidence
    from vault.model.verdict import Indication
    from vault.tlog.note import parse_verifier_key

    evidence = open_evidence(content)
    given = trust is not None and log_key is not None
    roots = certificates_der(evidence.roots if trust is None else read_file(trust))
    vkey = evidence.log_key if log_key is None else read_file(log_key)
    key = parse_verifier_key(vkey.decode(errors="replace"))
    sha256 = hashlib.sha256(evidence.document).hexdigest()
    with Judges(standing=1) as judges:
        reports = judges.examine(evidence.document, trust=Trust(roots), at=datetime.now(UTC)).seals
    sealed = bool(reports) and all(each.indication is Indication.TOTAL_PASSED for each in reports)
    proof = about_proof(evidence.proof, key, (), sha256=sha256)
    origin = proven_origin(evidence.proof) if proof.well else None
    listed, said_of_list = True, "The list is signed by the log's key."
    try:
        read_trust_list(evidence.statement_keys, log_key=key.public)
    except (InputError, SignatureError) as error:
        listed, said_of_list = False, error.detail
    said_of_trust = "Roots and log key came from elsewhere." if given else _SOME_OWN_TRUST
    checks: list[dict[str, Any]] = [
        {"name": "seals", "passed": sealed, "detail": "; ".join(_seal(each) for each in reports) or "none"},
        {"name": "log", "passed": proof.well, "detail": proof.sentence},
        {"name": "statement_keys", "passed": listed, "detail": said_of_list},
        {"name": "trust_given", "passed": given, "detail": said_of_trust},
    ]
    well = all(check["passed"] for check in checks)
    if as_json:
        print_json(
            {
                "sha256": sha256,
                "proven": well,
                "checks": checks,
                "origin": None if origin is None else shown_origin(origin_json(Origin(origin))),
                "unchecked": [REPORT, README],
            }
        )
    else:
        out = console()
        out.print(f"document.pdf, SHA-256 {sha256}", markup=False, soft_wrap=True)
        for check in checks[:3]:
            word = "passed" if check["passed"] else "FAILED"
            line = printable(f"  {word:<8} {check['name']:<15} {check['detail']}")
            out.print(line, markup=False, soft_wrap=True)
        out.print(_from_where(origin), markup=False, soft_wrap=True)
        out.print(_UNCHECKED, markup=False, soft_wrap=True)
        if not given:
            out.print(_OWN_TRUST, markup=False, soft_wrap=True)
    if not well:
        raise typer.Exit(Exit.PROBLEMS)


def _from_where(origin: OriginKind | None) -> str:
    if origin is None:
        return _NO_ORIGIN
    zh, en = origin_words(origin)
    return f"Origin, as the log has it: {en} {zh}"


def _seal(report: Any) -> str:  # noqa: ANN401 - imported when the command runs only
    sub = f" ({report.sub_indication})" if report.sub_indication else ""
    return f"{report.indication.value}{sub}, {report.signer}"
