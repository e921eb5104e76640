"""Hostile and odd files of others: each gets the verdict that its manifest expects, in the confined judge.

The folder is not part of the project: without it these tests are skipped, loudly.
"""

import csv
import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.confined import Judges
from signing.examination import Examined
from signing.intake import admit_pdf, check_pdf
from signing.judge.fields import signed_fields
from signing.opening import open_pdf
from signing.validate import Trust, judge_pdf
from vault.errors import DocumentRefused
from vault.model.verdict import Indication

CORPUS = Path(
    os.environ.get("CERTVAULT_CORPUS") or Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
)
ANSWERED_WITHIN_S = 30.0
# Its authority and time-stamps are trusted; nobody else's are.
TRUSTED = ("made-pdf/ca.pem", "made-pdf/tsa.pem")
# Expected valid with their authority trusted: signed again as the standard permits.
MUST_PASS = {"made-pdf/certified-P2-then-sign-precreated-field.pdf", "made-pdf/two-approvals.pdf"}
# Labelled valid for the rules on revisions only: the signature value itself is a stub or another file's.
_REVISIONS = "itext/validation__DocumentRevisionsValidatorTest"
STUBS = {
    "pyhanko/base.pdf": "its /Contents is no CMS",
    f"{_REVISIONS}__catalogReferenceInRandomPlace.pdf": "its digest is wrong",
}
# Labelled as a script, and only text with an address.
HARMLESS = {"corkami/objstm-AsciiHex.pdf"}

pytestmark = pytest.mark.skipif(
    not (CORPUS / "MANIFEST.tsv").is_file(),
    reason="NO CORPUS: set CERTVAULT_CORPUS to the folder of hostile files",
)


def manifest() -> list[Mapping[str, str]]:
    if not (CORPUS / "MANIFEST.tsv").is_file():
        return []
    with (CORPUS / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def der(name: str) -> bytes:
    return x509.load_pem_x509_certificate((CORPUS / name).read_bytes()).public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def judges() -> Iterator[Judges]:
    with Judges(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def answers(judges: Judges) -> dict[str, Examined]:
    """Every file's, each within its time; what is not answered in time is no answer."""
    trust, at, found = Trust(tuple(der(name) for name in TRUSTED)), datetime.now(UTC), {}
    for row in manifest():
        began = time.monotonic()
        found[row["file"]] = judges.examine((CORPUS / row["file"]).read_bytes(), trust=trust, at=at)
        assert time.monotonic() - began < ANSWERED_WITHIN_S, row["file"]
    return found


def test_the_manifest_is_whole(answers: dict[str, Examined]) -> None:
    assert len(answers) == len(manifest()) > 0


@pytest.mark.parametrize("expected", sorted({row["expected"] for row in manifest()} - {"valid", "unknown"}))
def test_nothing_but_what_is_valid_passes(expected: str, answers: dict[str, Examined]) -> None:
    passed = [
        row["file"]
        for row in manifest()
        if row["expected"] == expected
        and any(seal.indication is Indication.TOTAL_PASSED for seal in answers[row["file"]].seals)
    ]
    assert passed == []


def test_what_is_valid_passes_or_is_undecided_and_is_never_called_broken(
    answers: dict[str, Examined],
) -> None:
    broken = {
        row["file"]
        for row in manifest()
        if row["expected"] == "valid"
        and any(seal.indication is Indication.TOTAL_FAILED for seal in answers[row["file"]].seals)
    }
    assert broken == set(STUBS)
    for name in MUST_PASS:
        assert {seal.indication for seal in answers[name].seals} == {Indication.TOTAL_PASSED}, name


def test_every_file_was_judged_to_its_end(answers: dict[str, Examined]) -> None:
    stopped = [
        name
        for name, found in answers.items()
        if any(c.name == "judged" for s in found.seals for c in s.checks)
    ]
    assert stopped == []


def carried(content: bytes) -> tuple[bytes, ...]:
    """Every certificate that the signatures of a file carry."""
    found = set()
    try:
        with open_pdf(content) as pdf:
            for signed in signed_fields(pdf.Root):
                data = asn1_cms.ContentInfo.load(bytes(signed.signature.Contents))["content"]
                found |= {choice.chosen.dump() for choice in data["certificates"]}
        for one in found:
            x509.load_der_x509_certificate(one)
    except Exception:  # noqa: BLE001 - what cannot be read carries nothing
        return ()
    return tuple(found)


def test_no_tampered_file_passes_even_where_its_own_signers_are_trusted() -> None:
    """The structure alone must tell: an attacker may have a certificate of a trusted authority."""
    passed = []
    for row in manifest():
        if row["expected"] not in {"tampered", "tampered-or-malformed", "malformed", "malicious", "policy"}:
            continue
        content = (CORPUS / row["file"]).read_bytes()
        for root in (roots := carried(content)):
            certificate = x509.load_der_x509_certificate(root)
            half = (certificate.not_valid_after_utc - certificate.not_valid_before_utc) / 2
            reports = judge_pdf(content, trust=Trust(roots), at=certificate.not_valid_before_utc + half)
            if any(report.indication is Indication.TOTAL_PASSED for report in reports):
                passed.append(row["file"])
    assert passed == []


def test_the_gate_refuses_or_takes_and_never_breaks() -> None:
    let_in: dict[str, list[str]] = {}
    reasons: set[str] = set()
    for row in manifest():
        content = (CORPUS / row["file"]).read_bytes()
        if row["file"] in HARMLESS:
            continue
        for gate in (check_pdf, admit_pdf):
            try:
                gate(content)
                let_in.setdefault(row["class"], []).append(row["file"])
            except DocumentRefused as refusal:
                reasons.add(refusal.detail)
    assert "" not in reasons
    for kind in (
        "JavaScript or launch",
        "launch action (RCE)",
        "polyglot",
        "header/signature position polyglot tricks",
        "DoS (deflate bomb)",
        "information disclosure",
        "information disclosure: credential-theft",
        "information disclosure: local-file-leakage",
        "information disclosure: url-invocation",
        "embedded attachment",
        "zip feature or trick",
    ):
        assert kind not in let_in, kind
