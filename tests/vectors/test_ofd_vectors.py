"""The published vectors for OFD get the answers that they name, and so do vectors made anew."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from signing.ofd_judge import judge_ofd
from signing.trust import certificates_der
from signing.validate import ListedSeal, Trust
from tests.vectors.ofd_making import OFD_FILES, make_ofd
from vault.model.verdict import CheckResult

VECTORS = json.loads((OFD_FILES / "vectors.json").read_text())


def trust_of(folder: Path) -> Trust:
    lines = json.loads((folder / "seals.json").read_text())
    seals = tuple(
        ListedSeal(each["certificate_sha256"], each["authority"], datetime.fromisoformat(each["since"]))
        for each in lines
    )
    return Trust(certificates_der((folder / "roots.pem").read_bytes()), seals)


def check(folder: Path, vector: Mapping[str, Any]) -> None:
    """Holds what we answer against what is expected."""
    content = (folder / vector["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == vector["sha256"]
    reports = judge_ofd(content, trust=trust_of(folder), at=datetime.fromisoformat(vector["at"]))
    assert [report.indication.value for report in reports] == vector["indications"]
    failed = {c.name for report in reports for c in report.checks if c.result is CheckResult.FAILED}
    assert failed == set(vector["failed"])


@pytest.mark.parametrize("vector", VECTORS, ids=[each["file"] for each in VECTORS])
def test_a_published_vector_gets_its_answer(vector: dict[str, Any]) -> None:
    check(OFD_FILES, vector)


def test_every_file_is_named() -> None:
    known = {"vectors.json", "roots.pem", "seals.json", *(each["file"] for each in VECTORS)}
    assert {file.name for file in OFD_FILES.iterdir()} == known


def test_vectors_made_anew_get_the_same_answers(tmp_path: Path) -> None:
    make_ofd(tmp_path)
    made = json.loads((tmp_path / "vectors.json").read_text())
    assert [each["file"] for each in made] == [each["file"] for each in VECTORS]
    for vector in made:
        check(tmp_path, vector)
