"""Paths of SM2 certificates, by the rules that PDF seals are judged by (`signing.judge.chain`)."""

from collections.abc import Sequence
from datetime import datetime

from cryptography.hazmat.primitives.serialization import Encoding

from signing.judge.chain import check_links, find_path
from signing.judge.revocation import check_not_revoked
from signing.national.certificates import CERTIFICATES_MAX, NationalCertificate, read_certificate
from signing.national.trust import NationalTrust
from vault.errors import SignatureError


def check_national_path(
    leaf: NationalCertificate, pool: Sequence[bytes], trust: NationalTrust, *, at: datetime
) -> tuple[NationalCertificate, ...]:
    """Find and check the path from a signer's or seal maker's certificate to a root; returns it, leaf first.

    1. the path: each certificate signed by the one above, up to a root (`signing.judge.chain.find_path`),
    all of SM2; 2. authorities may issue, no critical extension is left unread, the leaf's key may sign
    documents, each is valid at `at` (`signing.judge.chain.check_links`).

    `pool`: certificates that came along, DER; those that cannot be read, or are not SM2's, are of no use.

    Raises:
        SignatureError: NO_CERTIFICATE_CHAIN_FOUND (1), CHAIN_CONSTRAINTS_FAILURE or OUT_OF_BOUNDS_NO_POE (2);
            FORMAT_FAILURE or CRYPTO_CONSTRAINTS_FAILURE where a root is no SM2 certificate.
    """
    others = [one.parsed for one in readable(pool)]
    roots = [read_certificate(root).parsed for root in trust.roots]
    path = find_path(leaf.parsed, others, roots)  # 1
    check_links(path, at)  # 2
    return tuple(read_certificate(one.public_bytes(Encoding.DER)) for one in path)


def check_national_revocation(
    path: Sequence[NationalCertificate],
    trust: NationalTrust,
    *,
    at: datetime,
    proven: bool,
    now: datetime,
) -> bool:
    """Returns whether CRLs speak of every certificate below the root, none of which was revoked at `at`.

    `at`, `proven`, `now`: as in `signing.judge.revocation.check_not_revoked`; False: nothing is known and
    nothing is required.

    Raises:
        SignatureError: REVOKED_NO_POE, or TRY_LATER where an answer is required and there is none.
    """
    parsed = [one.parsed for one in path]
    return check_not_revoked(parsed, trust.knowledge(), at=at, proven=proven, now=now)


def readable(encoded: Sequence[bytes]) -> list[NationalCertificate]:
    """The SM2 certificates among these, DER, as far as they are looked at."""
    found = []
    for one in encoded[:CERTIFICATES_MAX]:
        try:
            found.append(read_certificate(one))
        except SignatureError:
            continue
    return found
