"""Judging time-stamps, over a signature or a whole document (RFC 3161; ETSI EN 319 102-1, clause 5.4)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from asn1crypto import tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.judge.chain import check_path
from signing.judge.findings import SubIndication, failure
from signing.judge.message import (
    SignedMessage,
    digest_of,
    load_certificates,
    read_message,
    signing_certificate,
    verify_signature,
)
from signing.judge.ranges import CoveredBytes

CLOCK_SKEW_MAX = timedelta(minutes=5)  # how far ahead of our clock a time-stamp's may run


def proven_time(
    message: SignedMessage,
    roots: Sequence[x509.Certificate],
    at: datetime,
    *,
    signer: x509.Certificate,
    beside: Sequence[x509.Certificate] = (),
) -> datetime:
    """V12: the time that a trusted time-stamp over a signature value proves.

    1. to 3. as `_stamped`, over this signature value; 4. the signer's certificate was valid then: a stamp
    from before it was issued, or from after its end, proves nothing. `beside`: issuers that the file carries
    outside the token.

    Raises:
        SignatureError: one of these does not hold; its reason is the sub-indication.
    """
    proven, _ = _stamped(message.token or b"", message.signature, roots, at, beside)
    if not signer.not_valid_before_utc <= proven <= signer.not_valid_after_utc:  # 4
        raise failure(
            SubIndication.TIMESTAMP_ORDER_FAILURE,
            f"The time-stamp is of {proven:%Y-%m-%d}, when the signer's certificate was not valid.",
        )
    return proven


def document_time(
    covered: CoveredBytes,
    roots: Sequence[x509.Certificate],
    at: datetime,
    *,
    beside: Sequence[x509.Certificate] = (),
) -> tuple[datetime, x509.Certificate]:
    """The time that a document time-stamp proves (ISO 32000-2, clause 12.8.5), and whose it is.

    `at`: when it has to hold, the time that the next one proves.

    Raises:
        SignatureError: as `proven_time`.
    """
    return _stamped(covered.value, covered.joined(), roots, at, beside)


def check_order(claimed: datetime | None, proven: datetime) -> None:
    """A seal does not say that it was made after its time-stamp.

    Raises:
        SignatureError: TIMESTAMP_ORDER_FAILURE.
    """
    if claimed is not None and claimed > proven + CLOCK_SKEW_MAX:
        raise failure(
            SubIndication.TIMESTAMP_ORDER_FAILURE,
            f"The seal claims {claimed:%Y-%m-%d}, its time-stamp is of {proven:%Y-%m-%d}.",
        )


def _stamped(
    encoded: bytes,
    stamped: bytes,
    roots: Sequence[x509.Certificate],
    at: datetime,
    beside: Sequence[x509.Certificate],
) -> tuple[datetime, x509.Certificate]:
    """The time that a token proves for what is `stamped`.

    1. the token is a signed TSTInfo, and its own digest, signer and signature hold; 2. it is over these
    bytes, and not of the future; 3. its signer may stamp, and leads to a root at `at`.
    """
    token = read_message(encoded)
    if (
        token.content is None
        or token.content_type != "tst_info"
        or token.native("content_type") != "tst_info"
    ):
        raise failure(SubIndication.FORMAT_FAILURE, "The time-stamp is no TSTInfo.")
    if token.native("message_digest") != token.digest(token.content):
        raise failure(SubIndication.HASH_FAILURE, "The time-stamp's own digest does not fit.")
    certificate = signing_certificate(token, sha1_allowed=True)
    verify_signature(token, certificate)
    info = tsp.TSTInfo.load(token.content, strict=True)
    imprint = info["message_imprint"]
    if imprint["hashed_message"].native != digest_of(imprint["hash_algorithm"]["algorithm"].native, stamped):
        raise failure(SubIndication.HASH_FAILURE, "The time-stamp is over something else.")
    proven: datetime = info["gen_time"].native
    if proven > at + CLOCK_SKEW_MAX:
        raise failure(
            SubIndication.TIMESTAMP_ORDER_FAILURE,
            "The time-stamp is later than the one after it, or than now.",
        )
    pool = [*load_certificates(token.certificates), *beside]
    check_path(certificate, pool, roots, at, purpose=ExtendedKeyUsageOID.TIME_STAMPING)
    return proven, certificate
