"""An SM2 signature in a PDF, as some vendors put it there: we make none, and judge what we are given."""

from functools import partial
from hashlib import new

import pytest

from signing import cms, der, seal
from signing.confined import Judges
from signing.examination import examine
from signing.judge import chain
from signing.judge.revocation import RevocationKnowledge
from signing.judge.trust import Trust
from signing.keys import SignatureAlgorithm
from signing.national.authority import national_crl
from signing.pades import update
from signing.sm2 import engine
from signing.sm2.engine import Engine
from signing.validate import judge_pdf
from tests.signing.national.workshop import NOW, PASSPHRASE, NationalWorkshop
from tests.signing.workshop import Workshop, tiny_pdf
from vault.model.verdict import CheckResult, Indication, SealReport

SM2 = SignatureAlgorithm.SM2_SM3


@pytest.fixture
def sealed(national: NationalWorkshop, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """By SM2 with SM3, as it should be."""
    return sealed_by_sm2(national, workshop, monkeypatch, named="1.2.156.10197.1.501")


def sealed_by_sm2(
    national: NationalWorkshop, workshop: Workshop, monkeypatch: pytest.MonkeyPatch, *, named: str
) -> bytes:
    """Our writer, taught what it refuses: SM3 for the digest, SM2 for the signature under this name."""
    sm3 = der.sequence(der.oid("1.2.156.10197.1.401"))
    monkeypatch.setitem(cms._SIGNATURE_ALGORITHMS, SM2, der.sequence(der.oid(named)))  # noqa: SLF001 - see above
    monkeypatch.setattr(cms, "SHA256_ALGORITHM", sm3)
    monkeypatch.setattr(update, "sha256", partial(new, "sm3"))
    seal._prepared.cache_clear()  # noqa: SLF001 - what was prepared before would stay
    sealing = Workshop(workshop.authority, {SM2: national.key}, workshop.tsa)  # type: ignore[dict-item]  # another kind
    content = sealing.seal(tiny_pdf(), algorithm=SM2).content
    seal._prepared.cache_clear()  # noqa: SLF001 - and afterwards
    return content


def judged(content: bytes, trust: Trust) -> SealReport:
    (report,) = judge_pdf(content, trust=trust, at=NOW)
    return report


def failed(report: SealReport) -> set[str]:
    return {check.name for check in report.checks if check.result is CheckResult.FAILED}


def test_it_passes_under_its_own_root(sealed: bytes, national: NationalWorkshop) -> None:
    crls = [
        national_crl(a, PASSPHRASE, at=NOW) for a in (national.authority.issuing, national.authority.root)
    ]
    knowledge = RevocationKnowledge(crls=tuple(crls), required=True)
    report = judged(sealed, Trust((national.root.der,), knowledge=knowledge))
    assert failed(report) == set()
    assert report.indication is Indication.TOTAL_PASSED
    assert "SM2 with SM3." in {check.detail for check in report.checks}


def test_it_is_undecided_under_other_roots(sealed: bytes, workshop: Workshop) -> None:
    report = judged(sealed, workshop.trust)
    assert failed(report) == {"chain"}
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        "NO_CERTIFICATE_CHAIN_FOUND",
    )


def test_a_changed_file_and_a_changed_value_fail(sealed: bytes, national: NationalWorkshop) -> None:
    trust = Trust((national.root.der,))
    changed = sealed.replace(b"595", b"596", 1)
    assert failed(judged(changed, trust)) == {"digest"}
    start = sealed.index(b"/Contents<") + len(b"/Contents<")
    value = bytes.fromhex(sealed[start : sealed.index(b">", start)].decode()).rstrip(b"\0")
    last = start + 2 * len(value) - 2  # the signature value stands last in a CMS without time-stamp
    forged = sealed[:last] + (b"00" if sealed[last : last + 2] != b"00" else b"01") + sealed[last + 2 :]
    report = judged(forged, trust)
    assert failed(report) == {"signature"}
    assert (report.indication, report.sub_indication) == (Indication.TOTAL_FAILED, "SIG_CRYPTO_FAILURE")


def test_a_confined_judge_decides_it_too(sealed: bytes, national: NationalWorkshop) -> None:
    trust = Trust((national.root.der,))
    here = examine(sealed, trust=trust, at=NOW)
    assert here.seals[0].indication is Indication.TOTAL_PASSED
    with Judges(1) as judges:
        assert judges.examine(sealed, trust=trust, at=NOW) == here


def _forget_links() -> None:
    """What was verified is not verified again in the same process."""
    for known in (chain._issued, chain._path):  # noqa: SLF001 - their caches
        known.cache_clear()


def test_without_an_engine_it_is_undecided(
    sealed: bytes, national: NationalWorkshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_at_hand() -> Engine:
        raise engine.incapable("There is none.")

    monkeypatch.setattr(engine, "chosen_engine", none_at_hand)
    _forget_links()
    report = judged(sealed, Trust((national.root.der,)))
    _forget_links()
    assert failed(report) == {"signature", "chain"}
    assert (report.indication, report.sub_indication) == (
        Indication.INDETERMINATE,
        "CRYPTO_CONSTRAINTS_FAILURE",
    )


@pytest.mark.parametrize(
    ("named", "taken"),
    [
        ("1.2.156.10197.1.301.1", True),  # as GB/T 35275 names it
        ("1.2.840.10045.4.3.2", False),  # ECDSA with SHA-256
        ("1.2.156.10197.1.504", False),  # RSA with SM3
    ],
)
def test_the_algorithm_must_be_named_as_sm2(
    *,
    named: str,
    taken: bool,
    national: NationalWorkshop,
    workshop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = sealed_by_sm2(national, workshop, monkeypatch, named=named)
    report = judged(content, Trust((national.root.der,)))
    assert failed(report) == (set() if taken else {"signature"})
    assert report.sub_indication == (None if taken else "CRYPTO_CONSTRAINTS_FAILURE")
