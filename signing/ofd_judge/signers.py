"""O6, second half: who signed and with whose seal, when, and what is known of their certificates."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from signing.judge.findings import FATAL, Findings, SubIndication, failure
from signing.judge.message import load_certificate
from signing.judge.not_revoked import find_not_revoked
from signing.judge.ranges import CoveredBytes
from signing.judge.seal_list import check_listed
from signing.judge.stamp import CLOCK_SKEW_MAX, check_order, document_time
from signing.judge.trust import Trust
from signing.national.certificates import NationalCertificate, read_certificate
from signing.national.path import check_national_path, check_national_revocation, readable
from signing.national.trust import NationalTrust, national_trust
from signing.ofd_judge.declared import Declared
from signing.ofd_judge.package import Package
from signing.ofd_judge.values import (
    SignedValue,
    check_copy,
    check_maker,
    check_signature,
    check_signers,
    check_validity,
)
from signing.ses import ReadSeal
from vault.errors import SignatureError

_TRUSTS_KEPT = 16  # a process has one or two sets of roots


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, as far as it could be read; `authority`: whose seal it is, by the seal list."""

    subject: str | None = None
    certificate_sha256: str | None = None
    proven_at: datetime | None = None
    authority: str | None = None


def judge_signer(
    findings: Findings, package: Package, declared: Declared, value: SignedValue, trust: Trust, at: datetime
) -> Signer:
    """The checks of a signature's own value, its seal, its time, its certificate, each as a finding.

    1. `signature`; 2. of a seal: `seal_maker` (its value, then the maker's path when the seal was made),
    `seal_copy`, `seal_signers`, `seal_validity`; 3. `signing_time`: the signer's certificate was valid then,
    and it is not in the future; `timestamp`, if there is one; 4. `chain`, valid at the proven time, else at
    `at`; `revocation`; 5. `seal_list`.
    """
    believed = _believed(trust)
    certificate: NationalCertificate | None = None
    with findings.step("signature"):  # 1
        certificate = _certificate(value.certificate)
        check_signature(value, certificate.public_key)
        findings.passed("signature", "SM2 with SM3, over the received bytes.")
    if value.seal is not None:
        _judge_seal(findings, package, declared, value, value.seal, believed, at)  # 2
    if certificate is None:
        return Signer()
    named = Signer(certificate.subject, sha256(certificate.der).hexdigest())
    with findings.step("signing_time"):  # 3
        _check_signing_time(findings, value.claimed_at, certificate, at)
    proven_at: datetime | None = None
    with findings.step("timestamp"):
        proven_at = _proven_time(findings, value, certificate, trust, at)
    with findings.step("chain"):  # 4
        then = proven_at or at
        path = check_national_path(certificate, (*value.certificates, *believed.between), believed, at=then)
        findings.passed("chain", f"Leads to {path[-1].subject}.")
        with findings.step("revocation"):
            find_not_revoked(
                findings,
                [each.parsed for each in path],
                believed.knowledge(),
                proven_at=proven_at,
                claimed_at=value.claimed_at,
                now=at,
            )
    authority: str | None = None
    with findings.step("seal_list"):  # 5
        authority = check_listed(findings, trust, named.certificate_sha256 or "", proven_at)
    return replace(named, proven_at=proven_at, authority=authority)


def _judge_seal(
    findings: Findings,
    package: Package,
    declared: Declared,
    value: SignedValue,
    seal: ReadSeal,
    believed: NationalTrust,
    at: datetime,
) -> None:
    with findings.step("seal_maker"):
        maker = _certificate(seal.maker_certificate)
        check_maker(seal, maker.public_key)
        _check_made(seal, value, at)
        path = check_national_path(maker, believed.between, believed, at=seal.created_at)
        # When it was made is the maker's own word: once revoked, it proves nothing.
        check_national_revocation(path, believed, at=seal.created_at, proven=False, now=at)
        findings.passed("seal_maker", f"The seal is as {maker.subject} made it, under {path[-1].subject}.")
    with findings.step("seal_copy"):
        findings.passed("seal_copy", check_copy(package, declared, seal))
    with findings.step("seal_signers"):
        check_signers(seal, value.certificate)
        findings.passed("seal_signers", "Who signed stands in the seal's list of certificates.")
    with findings.step("seal_validity"):
        check_validity(seal, value.claimed_at)
        findings.passed(
            "seal_validity", f"The seal is valid from {seal.valid_from:%Y-%m-%d} to {seal.valid_to:%Y-%m-%d}."
        )


def _check_made(seal: ReadSeal, value: SignedValue, at: datetime) -> None:
    if seal.maker_certificate == value.certificate:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE, "Who signed made the seal: a seal maker (制章人) has to."
        )
    if seal.created_at > at + CLOCK_SKEW_MAX:
        raise failure(SubIndication.SIG_CONSTRAINTS_FAILURE, "The seal was made at a time that is to come.")


def _certificate(der: bytes) -> NationalCertificate:
    """A certificate that came with the file: what cannot be read is no proof of tampering."""
    try:
        return read_certificate(der)
    except SignatureError as error:
        if error.reason == SubIndication.FORMAT_FAILURE:
            raise failure(SubIndication.UNREADABLE, error.detail) from error
        raise


def _check_signing_time(
    findings: Findings, claimed_at: datetime | None, certificate: NationalCertificate, at: datetime
) -> None:
    if claimed_at is None:
        findings.unknown("signing_time", "The signature says no time.")
        return
    if claimed_at > at + CLOCK_SKEW_MAX:
        raise failure(
            SubIndication.TIMESTAMP_ORDER_FAILURE, f"It claims {claimed_at:%Y-%m-%d}, which is in the future."
        )
    if not certificate.not_before <= claimed_at <= certificate.not_after:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            f"It claims {claimed_at:%Y-%m-%d}, when the signer's certificate was not valid.",
        )
    findings.passed("signing_time", f"It claims {claimed_at:%Y-%m-%d %H:%M:%S} UTC.")


def _proven_time(
    findings: Findings, value: SignedValue, certificate: NationalCertificate, trust: Trust, at: datetime
) -> datetime | None:
    """The time that a trusted time-stamp over the signature value proves (RFC 3161), by whatever algorithm.

    Raises:
        SignatureError: there is one that proves nothing; it is left undecided, what it is over stays whole.
    """
    if value.time_stamp is None:
        findings.unknown("timestamp", "The signature carries no time-stamp of its own.")
        return None
    stamped = CoveredBytes(memoryview(value.signature), memoryview(b""), value.time_stamp, 0)
    believed = _believed(trust)
    roots = [load_certificate(root) for root in (*trust.roots, *believed.roots)]
    between = [load_certificate(each) for each in believed.between]
    try:
        proven, _ = document_time(stamped, roots, at, beside=between)
        check_order(value.claimed_at, proven)
    except SignatureError as error:
        # EN 319 102-1, clause 5.5.4: a bad time-stamp proves nothing, and breaks no seal
        reason = SubIndication(error.reason)
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE if reason in FATAL else reason, error.detail
        ) from error
    if not certificate.not_before <= proven <= certificate.not_after:
        raise failure(
            SubIndication.TIMESTAMP_ORDER_FAILURE,
            f"The time-stamp is of {proven:%Y-%m-%d}, when the signer's certificate was not valid.",
        )
    findings.passed("timestamp", f"Signed before {proven:%Y-%m-%d %H:%M:%S} UTC.")
    return proven


def _believed(trust: Trust) -> NationalTrust:
    """What is believed of national seals; roots by another algorithm are for PDFs."""
    believed = _of_sm2((*trust.national, *trust.roots))
    return replace(believed, crls=trust.national_crls, revocation_required=trust.knowledge.required)


@lru_cache(maxsize=_TRUSTS_KEPT)
def _of_sm2(certificates: tuple[bytes, ...]) -> NationalTrust:
    return national_trust(readable(certificates))
