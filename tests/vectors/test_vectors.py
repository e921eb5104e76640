"""The published vectors get the answers that they name, and so do vectors made anew."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from signing.judge.revocation import RevocationKnowledge
from signing.log_note import open_checkpoint
from signing.trust import certificates_der
from signing.validate import ListedSeal, Trust, judge_pdf
from tests.vectors.making import FILES, make
from vault.log_auditor import about_checkpoint
from vault.log_auditor.following import Followed
from vault.model.certificate import Status
from vault.model.in_force import why_not_in_force
from vault.model.lifecycle import OutOfForce
from vault.model.verdict import CheckResult, SealReport, SignatureKind
from vault.tlog.note import parse_verifier_key
from vault.verify.strange import entitled

VECTORS = json.loads((FILES / "vectors.json").read_text())
# What the issue asks for, each in a file that names it.
WANTED = (
    "altered",
    "incremental-update",
    "sneaky-field",
    "wrong-issuer-for-the-type",
    "revoked-before-sealing-with-proven-time",
    "revoked-before-sealing-without-proven-time",
    "revoked-after-sealing-with-proven-time",
    "revoked-after-sealing-without-proven-time",
    "revocation-unreachable",
    "superseded",
    "suspended",
    "expired",
    "log-fork",
)


@dataclass(frozen=True)
class Folder:
    """Vectors with what is to be trusted."""

    path: Path

    def trust(self, vector: Mapping[str, Any]) -> Trust:
        """Roots, the seal list, and the answers on revocation that are at hand for this vector."""
        lines = json.loads((self.path / "seals.json").read_text())
        seals = tuple(
            ListedSeal(each["certificate_sha256"], each["authority"], datetime.fromisoformat(each["since"]))
            for each in lines
        )
        by_kind: dict[str, list[bytes]] = {".crl": [], ".ocsp": []}
        for name in vector["answers"]:
            by_kind[Path(name).suffix].append((self.path / name).read_bytes())
        answers = RevocationKnowledge(
            tuple(by_kind[".ocsp"]), tuple(by_kind[".crl"]), vector["revocation_required"]
        )
        roots = certificates_der((self.path / "roots.pem").read_bytes())
        return Trust(tuple(roots), seals, answers)


def check(folder: Folder, vector: Mapping[str, Any]) -> None:
    """Holds what we answer against what is expected."""
    {"seal": check_seal, "record": check_record, "log": check_log}[vector["of"]](folder, vector)


def check_seal(folder: Folder, vector: Mapping[str, Any]) -> None:
    report = judged_seal(folder, vector)
    assert (report.indication, report.sub_indication) == (vector["indication"], vector["sub_indication"])
    not_passed = {each.name for each in report.checks if each.result is not CheckResult.PASSED}
    assert set(vector["not_passed"]) <= not_passed
    assert report.authority == vector["authority"]


def judged_seal(folder: Folder, vector: Mapping[str, Any]) -> SealReport:
    """What the judge says of the seal."""
    content = (folder.path / vector["file"]).read_bytes()
    moment = datetime.fromisoformat(vector["at"])
    reports = judge_pdf(content, trust=folder.trust(vector), at=moment)
    return next(each for each in reports if each.kind is SignatureKind.SEAL)


def check_record(folder: Folder, vector: Mapping[str, Any]) -> None:
    record = json.loads((folder.path / vector["file"]).read_text())
    since = record["status_since"]
    ended = None if since is None else OutOfForce(date.fromisoformat(since), None, None)
    first, last = (date.fromisoformat(record[name]) for name in ("valid_from", "valid_to"))
    why = why_not_in_force(Status(record["status"]), ended, first, last, on=date.fromisoformat(vector["on"]))
    assert (None if why is None else why.reason) == vector["reason"]


def check_log(folder: Folder, vector: Mapping[str, Any]) -> None:
    key = parse_verifier_key((folder.path / "log.vkey").read_text())
    ours = open_checkpoint((folder.path / vector["beside"]).read_bytes(), key)
    followed = Followed(ours.checkpoint.origin, ours, 0, lambda _: {})
    theirs = (folder.path / vector["file"]).read_bytes()
    answer = about_checkpoint(theirs, key, (followed,))
    assert answer.well is vector["consistent"]
    assert "two people differently" in answer.sentence


@pytest.mark.parametrize("vector", VECTORS, ids=[each["file"] for each in VECTORS])
def test_a_published_vector_gets_its_answer(vector: dict[str, Any]) -> None:
    check(Folder(FILES), vector)


def test_every_wanted_vector_is_there() -> None:
    names = [each["file"] for each in VECTORS]
    assert all(any(name.startswith(wanted) for name in names) for wanted in WANTED)
    assert len(names) == len(set(names))
    known = {*names, *(name for each in VECTORS for name in each.get("answers", ()))}
    known |= {"vectors.json", "roots.pem", "seals.json", "log.vkey", "log-fork-one-side.note"}
    assert {str(file.relative_to(FILES)) for file in FILES.rglob("*") if file.is_file()} == known


def test_vectors_made_anew_get_the_same_answers(tmp_path: Path) -> None:
    left = tmp_path / "answers" / "of-a-vector-that-was.crl"
    left.parent.mkdir()
    left.write_bytes(b"")
    make(tmp_path)
    made = json.loads((tmp_path / "vectors.json").read_text())
    assert [each["file"] for each in made] == [each["file"] for each in VECTORS]
    for vector in made:
        check(Folder(tmp_path), vector)
    assert not left.exists()


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("genuine.pdf", CheckResult.PASSED),
        ("wrong-issuer-for-the-type.pdf", CheckResult.FAILED),
        ("signer-on-no-list-of-seals.pdf", CheckResult.FAILED),
    ],
)
def test_a_wrong_issuer_is_told_by_whose_seal_it_is(name: str, result: CheckResult) -> None:
    """The seal may be a good one: the vault says that its owner is not who issued this."""
    (vector,) = (each for each in VECTORS if each["file"] == name)
    assert entitled(judged_seal(Folder(FILES), vector), vector["issued_by"]).result is result
