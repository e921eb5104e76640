"""Judging a signature time-stamp (RFC 3161; ETSI EN 319 102-1, clause 5.4)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from asn1crypto import tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.judge.chain import check_path
from signing.judge.findings import SubIndication, failure
from signing.judge.message import (
    SignedMessage,
    load_certificates,
    read_message,
    signing_certificate,
    verify_signature,
)

CLOCK_SKEW_MAX = timedelta(minutes=5)  # how far ahead of our clock a time-stamp's may run


def proven_time(
    message: SignedMessage,
    roots: list[x509.Certificate],
    at: datetime,
    *,
    beside: Sequence[x509.Certificate] = (),
) -> datetime:
    """The time that a trusted time-stamp over a signature value proves.

    1. the token is a signed TSTInfo; 2. its own digest, signer and signature hold; 3. it is over this
    signature value; 4. it does not lie in the future; 5. its signer may stamp, and leads to a root at `at`.
    `beside`: issuers that the file carries outside the token.

    Raises:
        SignatureError: one of these does not hold; its reason is the sub-indication.
    """
    token = read_message(message.token or b"")
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
    if (
        imprint["hash_algorithm"]["algorithm"].native != "sha256"
        or imprint["hashed_message"].native != sha256(message.signature).digest()
    ):
        raise failure(
            SubIndication.HASH_FAILURE, "The time-stamp is over something else than this signature."
        )
    proven: datetime = info["gen_time"].native
    if proven > at + CLOCK_SKEW_MAX:
        raise failure(SubIndication.TIMESTAMP_ORDER_FAILURE, "The time-stamp lies in the future.")
    pool = [*load_certificates(token.certificates), *beside]
    check_path(certificate, pool, roots, at, purpose=ExtendedKeyUsageOID.TIME_STAMPING)
    return proven
