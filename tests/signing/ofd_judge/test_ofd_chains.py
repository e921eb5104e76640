"""Seals under the development authority: an issuing CA that no seal carries, and what it has revoked."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from signing.judge.revocation import RevocationKnowledge
from signing.national.authority import national_crl
from signing.national.sealing_key import NationalSealingKey
from signing.ofd_judge import judge_ofd
from signing.trust import IssuedKey
from signing.validate import Trust
from tests.signing.national.workshop import NOW, PASSPHRASE, NationalWorkshop, new_national_workshop
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
def sealed(national: NationalWorkshop) -> bytes:
    keeper = Keeper(b"", national.key.certificate, national.key)
    seal = Seal(maker=keeper, signers=(keeper,), made_at=NOW).encoded()
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
