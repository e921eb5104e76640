"""Seals under the development authority: an issuing CA that no seal carries, and what it has revoked."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from signing.judge.revocation import RevocationKnowledge
from signing.national.authority import national_crl
from signing.national.certificates import read_certificate
from signing.national.sealing_key import NationalSealingKey, load_national_key
from signing.ofd_judge import judge_ofd
from signing.trust import IssuedKey
from signing.validate import Trust
from tests.signing.national.workshop import NOW, PASSPHRASE, NationalWorkshop, issue, new_national_workshop
from tests.signing.ofd_judge.attacks import one_seal
from tests.signing.ofd_judge.making import Seal, Sealing
from tests.signing.ofd_judge.people import Person
from vault.model.verdict import CheckResult, Indication, SealReport

LATER = NOW + timedelta(hours=1)


@dataclass(frozen=True)
class Keeper(Person):
    """A person whose key the vault holds."""

    key: NationalSealingKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """A DER value."""
        return self.key.sign(message)


@pytest.fixture(scope="module")
def national() -> NationalWorkshop:
    return new_national_workshop()


@pytest.fixture(scope="module")
def sealed(national: NationalWorkshop, makers_key: NationalSealingKey) -> bytes:
    return sealed_by(national, makers_key)


@pytest.fixture(scope="module")
def makers_key(national: NationalWorkshop) -> NationalSealingKey:
    issued = issue(national.authority)
    return load_national_key(issued.key_pem, PASSPHRASE, issued.certificate_pem)


def sealed_by(national: NationalWorkshop, maker: NationalSealingKey, made_at: datetime = NOW) -> bytes:
    """Sealed with the workshop's key, by a seal that this maker made."""
    keeper = Keeper(b"", national.key.certificate, national.key)
    seal = Seal(maker=Keeper(b"", maker.certificate, maker), signers=(keeper,), made_at=made_at).encoded()
    return one_seal(Sealing(signer=keeper, seal=seal, at=NOW))


def judged(content: bytes, trust: Trust) -> SealReport:
    (report,) = judge_ofd(content, trust=trust, at=LATER)
    return report


def result_of(report: SealReport, name: str) -> CheckResult:
    return next(check.result for check in report.checks if check.name == name)


def test_the_issuing_authority_stands_among_what_is_trusted(
    national: NationalWorkshop, sealed: bytes
) -> None:
    root, issuing = national.root.der, national.issuing.der
    for trust in (
        Trust((), national=(root, issuing)),
        Trust((root, issuing)),
        Trust((), national=(issuing,)),  # then it is the root
    ):
        assert judged(sealed, trust).indication is Indication.TOTAL_PASSED
    alone = judged(sealed, Trust((root,)))
    assert (alone.indication, alone.sub_indication) == (
        Indication.INDETERMINATE,
        "NO_CERTIFICATE_CHAIN_FOUND",
    )
    assert result_of(alone, "seal_maker") is result_of(alone, "chain") is CheckResult.FAILED


def test_revoked_certificates_of_signers_are_told(national: NationalWorkshop, sealed: bytes) -> None:
    def crl(issuer: IssuedKey, *revoked: int) -> bytes:
        return national_crl(issuer, PASSPHRASE, at=LATER, revoked=dict.fromkeys(revoked, LATER))

    authority, chain = national.authority, (national.root.der, national.issuing.der)
    of_root = crl(authority.root)
    good = judged(sealed, Trust((), national=chain, national_crls=(of_root, crl(authority.issuing))))
    assert result_of(good, "revocation") is CheckResult.PASSED
    listed = crl(authority.issuing, national.signer.serial)
    revoked = judged(sealed, Trust((), national=chain, national_crls=(of_root, listed)))
    assert (revoked.indication, revoked.sub_indication) == (Indication.INDETERMINATE, "REVOKED_NO_POE")
    required = Trust((), knowledge=RevocationKnowledge(required=True), national=chain)
    unknown = judged(sealed, required)
    assert (unknown.indication, unknown.sub_indication) == (Indication.INDETERMINATE, "TRY_LATER")


def test_a_revoked_seal_maker_makes_no_seals(
    national: NationalWorkshop, sealed: bytes, makers_key: NationalSealingKey
) -> None:
    """Nor did: when a seal was made is its maker's own word."""
    serial = read_certificate(makers_key.certificate).serial
    listed = national_crl(national.authority.issuing, PASSPHRASE, at=LATER, revoked={serial: LATER})
    chain = (national.root.der, national.issuing.der)
    report = judged(sealed, Trust((), national=chain, national_crls=(listed,)))
    assert (report.indication, report.sub_indication) == (Indication.INDETERMINATE, "REVOKED_NO_POE")
    assert result_of(report, "seal_maker") is CheckResult.FAILED


def test_nobody_makes_a_seal_for_himself_or_in_times_to_come(
    national: NationalWorkshop, makers_key: NationalSealingKey
) -> None:
    trust = Trust((), national=(national.root.der, national.issuing.der))
    own, early = sealed_by(national, national.key), sealed_by(national, makers_key, LATER + timedelta(days=9))
    for content in (own, early):
        report = judged(content, trust)
        assert report.indication is Indication.INDETERMINATE
        assert result_of(report, "seal_maker") is CheckResult.FAILED
