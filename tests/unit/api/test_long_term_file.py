"""The file of the long-term seals: what cannot be meant is told at the start."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.long_term_file import read_long_term
from signing.trust import certificates_der, new_development_authority
from vault.errors import InputError
from vault.model.certificate import SealLevel
from vault.model.long_term import GRACE, MARGIN, LongTermPolicy, OverBudget

SOURCE = {"issuer": "ca.pem", "ocsp": "http://ocsp.example", "crl": "https://crl.example/ca.crl"}
GOOD: dict[str, Any] = {
    "target": "B-LTA",
    "sources": [SOURCE],
    "margin_days": 90,
    "grace_minutes": 1500,
    "outage": {"hours": 4, "documents": 500, "then": "mark"},
    "algorithms": {"sha256": "2029-06-30"},
}


def written(folder: Path, content: object) -> Path:
    authority = new_development_authority(passphrase=b"only for tests", at=datetime.now(UTC))
    (folder / "ca.pem").write_bytes(authority.certificate_pem)
    (folder / "two.pem").write_bytes(authority.certificate_pem * 2)
    path = folder / "long-term.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_policy_is_read_as_it_is_written(tmp_path: Path) -> None:
    policy, (source,) = read_long_term(written(tmp_path, GOOD))
    assert policy.target is SealLevel.B_LTA
    assert (policy.margin, policy.grace) == (timedelta(days=90), timedelta(hours=25))
    assert (policy.budget.longest, policy.budget.documents) == (timedelta(hours=4), 500)
    assert policy.budget.then is OverBudget.MARK
    assert policy.lifetimes == {"sha256": datetime(2029, 6, 30, tzinfo=UTC)}
    assert (source.ocsp_url, source.crl_url) == (SOURCE["ocsp"], SOURCE["crl"])
    assert (source.issuer,) == certificates_der((tmp_path / "ca.pem").read_bytes())


def test_what_is_left_out_is_what_the_release_says(tmp_path: Path) -> None:
    policy, sources = read_long_term(written(tmp_path, {"target": "B-T"}))
    assert policy == LongTermPolicy(SealLevel.B_T)
    assert (policy.margin, policy.grace, policy.budget.then) == (MARGIN, GRACE, OverBudget.REFUSE)
    assert sources == ()


BAD: dict[str, tuple[object, str]] = {
    "no JSON": ("{", "not JSON"),
    "no target": ({}, "target"),
    "a target that is none": ({"target": "B-X"}, "target"),
    "B-LTA without sources": ({"target": "B-LTA"}, "needs sources"),
    "a source that nobody can ask": ({**GOOD, "sources": [{"issuer": "ca.pem"}]}, "ocsp or a crl"),
    "another scheme": ({**GOOD, "sources": [{**SOURCE, "crl": "file:///etc/passwd"}]}, "http"),
    "an issuer that is not there": ({**GOOD, "sources": [{**SOURCE, "issuer": "no.pem"}]}, "not readable"),
    "two issuers in one file": ({**GOOD, "sources": [{**SOURCE, "issuer": "two.pem"}]}, "one certificate"),
    "an algorithm that is none": ({**GOOD, "algorithms": {"sha1": "2029-06-30"}}, "unknown: sha1"),
    "no margin": ({**GOOD, "margin_days": 0}, "margin_days"),
    "a budget that is none": ({**GOOD, "outage": {"hours": 0}}, "hours"),
    "an unknown word": ({**GOOD, "sources_": []}, "sources_"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_meant_is_told(tmp_path: Path, name: str) -> None:
    content, says = BAD[name]
    with pytest.raises(InputError, match=says):
        read_long_term(written(tmp_path, content))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not readable"):
        read_long_term(tmp_path / "nothing.json")
