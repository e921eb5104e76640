"""Whether a certificate was revoked, by OCSP responses (RFC 6960) and CRLs (RFC 5280) that are at hand.

Nothing is fetched. An answer counts if its issuer, or a responder that the issuer named for it, has signed it
while the certificate was valid, and if it was made no earlier than what it is asked about (EN 319 102-1,
clause 5.2.5).
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.judge.chain import find_path
from signing.judge.findings import SubIndication, failure
from signing.judge.message import RSA_KEY_MIN_BITS, subject_name
from signing.judge.sm2 import SM2_WITH_SM3, check_signed_by
from vault.errors import SignatureError

ANSWERS_MAX = 1_000  # OCSP responses and CRLs that are looked at for one file
SINGLE_RESPONSES_MAX = 64  # single responses in one OCSP response; responders give one, some ten
_DIGESTS = (SHA256, SHA384, SHA512)
# What reading an answer raises that is none to go by. Those of x509 are no ValueError.
NOT_BELIEVED = (
    *(ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, SignatureError),
    *(x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType, x509.InvalidVersion),
)


@dataclass(frozen=True, slots=True)
class RevocationKnowledge:
    """What is at hand, DER. `required`: a certificate that no answer speaks of is undecided (TRY_LATER)."""

    ocsps: tuple[bytes, ...] = field(default=(), repr=False)
    crls: tuple[bytes, ...] = field(default=(), repr=False)
    required: bool = False

    def joined(self, ocsps: Sequence[bytes], crls: Sequence[bytes]) -> "RevocationKnowledge":
        """With these besides."""
        return RevocationKnowledge((*self.ocsps, *ocsps), (*self.crls, *crls), self.required)


NOTHING = RevocationKnowledge()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one response or CRL says of one certificate. `revoked_at` None: it was good at `made_at`.

    `made_at`: thisUpdate, up to which it speaks; `next_at`: nextUpdate. `encoded`: the whole value, DER.
    """

    made_at: datetime
    next_at: datetime | None
    revoked_at: datetime | None
    encoded: bytes = field(repr=False)

    def is_current(self, moment: datetime) -> bool:
        """Whether no newer one was to be expected at this time."""
        return self.next_at is not None and self.made_at <= moment <= self.next_at

    def speaks_of(self, moment: datetime) -> bool:
        """Whether it was made at this time or later; its own time has no fraction of a second (RFC 5280)."""
        return self.made_at >= moment.replace(microsecond=0)


def check_not_revoked(
    path: Sequence[x509.Certificate],
    knowledge: RevocationKnowledge,
    *,
    at: datetime,
    proven: bool,
    now: datetime,
    current_then: bool = False,
) -> bool:
    """Returns whether answers speak of every certificate below the root, none of which was revoked at `at`.

    `at`: the time that counts, the best signature time; `proven`: a time-stamp proves it. An answer from
    before it will do while it is the newest there is (EN 319 102-1, clause 5.2.5.4). Where answers are not
    required and there is none, False: nothing is known. `current_then`: one that was the newest at `at` will
    do, too: of a time-stamp, whose own time is later than the answers that came with the file before.

    Raises:
        SignatureError: revoked by then (REVOKED_NO_POE), or no answer that speaks of that time (TRY_LATER).
    """
    known = True
    for subject, issuer in itertools.pairwise(path):
        name = subject_name(subject)
        answers = list(answers_for(subject, issuer, knowledge))
        revoked = [answer.revoked_at for answer in answers if answer.revoked_at is not None]
        if revoked and (min(revoked) <= at or not proven):
            raise failure(
                SubIndication.REVOKED_NO_POE,
                f"The certificate of {name} was revoked at {min(revoked):%Y-%m-%d %H:%M:%S} UTC, and nothing "
                "proves that it was used before.",
            )
        if not revoked and not any(
            _is_fresh(answer, at, now, current_then=current_then) for answer in answers
        ):
            if knowledge.required:
                raise failure(
                    SubIndication.TRY_LATER,
                    f"Whether the certificate of {name} was revoked is not known for "
                    f"{at:%Y-%m-%d %H:%M:%S} UTC.",
                )
            known = False
    return known


def _is_fresh(answer: Answer, at: datetime, now: datetime, *, current_then: bool) -> bool:
    if answer.speaks_of(at) or answer.is_current(now):
        return True
    return current_then and answer.is_current(at)


def answers_for(
    subject: x509.Certificate, issuer: x509.Certificate, knowledge: RevocationKnowledge
) -> Iterator[Answer]:
    """What answers at hand say of a certificate; those that cannot be read or believed are left out."""
    for encoded in knowledge.ocsps[:ANSWERS_MAX]:
        try:
            yield ocsp_answer(encoded, subject, issuer)
        except NOT_BELIEVED:
            continue
    for encoded in knowledge.crls[:ANSWERS_MAX]:
        try:
            yield crl_answer(encoded, subject, issuer)
        except NOT_BELIEVED:
            continue


def ocsp_answer(encoded: bytes, subject: x509.Certificate, issuer: x509.Certificate) -> Answer:
    """What an OCSP response says of a certificate.

    1. it succeeded; 2. it speaks of this serial number and issuer; 3. the issuer signed it, or a responder
    whom the issuer certified for that, and whose certificate need not be looked up (RFC 6960, clause
    4.2.2.2); 4. it was made while the certificate was valid; 5. the certificate is not unknown to it.

    Raises:
        NOT_BELIEVED: no answer to go by.
    """
    response = ocsp.load_der_ocsp_response(encoded)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:  # 1
        raise failure(SubIndication.TRY_LATER, "The OCSP responder gave no answer.")
    single = _single(response, subject, issuer)  # 2
    signer = _responder(response, issuer, single.this_update_utc)
    digest = response.signature_hash_algorithm
    if digest is None or not isinstance(digest, _DIGESTS):
        raise failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The OCSP response's digest is too weak.")
    _verify(signer, response.signature, response.tbs_response_bytes, digest)  # 3
    _check_made(single.this_update_utc, subject)  # 4
    status = single.certificate_status
    if status is ocsp.OCSPCertStatus.UNKNOWN:  # 5
        raise failure(SubIndication.TRY_LATER, "The OCSP responder does not know the certificate.")
    revoked = single.revocation_time_utc if status is ocsp.OCSPCertStatus.REVOKED else None
    return Answer(single.this_update_utc, single.next_update_utc, revoked, encoded)


def crl_answer(encoded: bytes, subject: x509.Certificate, issuer: x509.Certificate) -> Answer:
    """What a CRL says of a certificate.

    1. it is the issuer's own, complete, and for certificates of this kind; 2. the issuer may sign CRLs, and
    signed it; 3. it was made while the certificate was valid: expired ones are left out of CRLs.

    Raises:
        NOT_BELIEVED: no answer to go by.
    """
    listed = x509.load_der_x509_crl(encoded)
    if listed.issuer != issuer.subject:
        raise failure(SubIndication.TRY_LATER, "The CRL is another issuer's.")
    _check_scope(listed, subject)  # 1
    usage = _usage(issuer)
    if usage is not None and not usage.crl_sign:
        raise failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The issuer may not sign CRLs.")
    _check_crl_signature(listed, issuer)  # 2
    _check_made(listed.last_update_utc, subject)  # 3
    found = listed.get_revoked_certificate_by_serial_number(subject.serial_number)
    revoked = None if found is None else found.revocation_date_utc
    return Answer(listed.last_update_utc, listed.next_update_utc, revoked, encoded)


def _check_crl_signature(listed: x509.CertificateRevocationList, issuer: x509.Certificate) -> None:
    if listed.signature_algorithm_oid == SM2_WITH_SM3:
        check_signed_by(issuer, listed)
        return
    if not isinstance(listed.signature_hash_algorithm, _DIGESTS):
        raise failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The CRL's digest is too weak.")
    key = issuer.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) or not listed.is_signature_valid(
        key
    ):
        raise failure(SubIndication.SIG_CRYPTO_FAILURE, "The CRL's signature does not hold.")


def _single(
    response: ocsp.OCSPResponse, subject: x509.Certificate, issuer: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    for n, single in enumerate(response.responses):
        if n == SINGLE_RESPONSES_MAX:
            break
        wanted = ocsp.OCSPRequestBuilder().add_certificate(subject, issuer, single.hash_algorithm).build()
        if (single.serial_number, single.issuer_name_hash, single.issuer_key_hash) == (
            wanted.serial_number,
            wanted.issuer_name_hash,
            wanted.issuer_key_hash,
        ):
            return single
    raise failure(SubIndication.TRY_LATER, "The OCSP response speaks of another certificate.")


def _responder(
    response: ocsp.OCSPResponse, issuer: x509.Certificate, at: datetime
) -> CertificateIssuerPublicKeyTypes:
    """The key that has to have signed: the issuer's, or that of a responder whom the issuer certified."""
    for candidate in (issuer, *response.certificates):
        if _names(response, candidate):
            break
    else:
        raise failure(SubIndication.TRY_LATER, "The OCSP responder's certificate is not at hand.")
    if candidate != issuer:
        find_path(candidate, (), (issuer,))
        purposes = candidate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        candidate.extensions.get_extension_for_class(x509.OCSPNoCheck)
        if ExtendedKeyUsageOID.OCSP_SIGNING not in purposes:
            raise failure(
                SubIndication.CHAIN_CONSTRAINTS_FAILURE, "The responder may not sign for its issuer."
            )
    if not candidate.not_valid_before_utc <= at <= candidate.not_valid_after_utc:
        raise failure(SubIndication.OUT_OF_BOUNDS_NO_POE, "The responder's certificate was not valid then.")
    return candidate.public_key()  # type: ignore[return-value]  # `_verify` takes no other keys


def _names(response: ocsp.OCSPResponse, candidate: x509.Certificate) -> bool:
    if response.responder_name is not None:
        return response.responder_name == candidate.subject
    return (
        response.responder_key_hash
        == x509.SubjectKeyIdentifier.from_public_key(candidate.public_key()).digest
    )


def _verify(
    key: CertificateIssuerPublicKeyTypes, signature: bytes, signed: bytes, digest: HashAlgorithm
) -> None:
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, signed, ec.ECDSA(digest))
    elif isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_KEY_MIN_BITS:
        key.verify(signature, signed, padding.PKCS1v15(), digest)
    else:
        raise failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The responder's key is not accepted.")


def _check_made(made_at: datetime, subject: x509.Certificate) -> None:
    if not subject.not_valid_before_utc <= made_at <= subject.not_valid_after_utc:
        raise failure(SubIndication.TRY_LATER, "The answer was not made while the certificate was valid.")


def _check_scope(listed: x509.CertificateRevocationList, subject: x509.Certificate) -> None:
    try:
        is_ca = subject.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_ca = False
    for extension in listed.extensions:
        value = extension.value
        if isinstance(value, x509.DeltaCRLIndicator) or (
            isinstance(value, x509.IssuingDistributionPoint)
            and (
                value.indirect_crl
                or value.only_some_reasons is not None
                or value.only_contains_attribute_certs
                or (value.only_contains_ca_certs and not is_ca)
                or (value.only_contains_user_certs and is_ca)
                or not _shares_a_name(value, subject)
            )
        ):
            raise failure(SubIndication.TRY_LATER, "The CRL is not complete for certificates of this kind.")
        if extension.critical and not isinstance(value, x509.IssuingDistributionPoint):
            raise failure(SubIndication.TRY_LATER, "The CRL has a critical extension that is not understood.")


def _shares_a_name(scope: x509.IssuingDistributionPoint, subject: x509.Certificate) -> bool:
    """A CRL for a part of the certificates is named by those that it is for (RFC 5280, 6.3.3 (b)(2))."""
    if scope.full_name is None and scope.relative_name is None:
        return True
    try:
        points = subject.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return False
    named = {name for point in points for name in point.full_name or ()}
    return not named.isdisjoint(scope.full_name or ())


def _usage(issuer: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None
