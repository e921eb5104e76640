"""Certificate paths, link by link up to a given root (RFC 5280, clause 6, as far as seals need it).

Nothing is fetched: issuers come from the signature and from the given roots. Revocation is not judged here.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, ObjectIdentifier

from signing.judge.findings import SubIndication, failure
from signing.judge.sm2 import SM2_WITH_SM3, check_signed_by
from vault.errors import SignatureError

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)

PATH_LENGTH_MAX = 8  # real seal hierarchies have three or four levels
LINKS_KEPT = 256  # pairs of certificates whose signature was verified: it does not change
ISSUERS_TRIED_MAX = 64  # signatures of certificates that are verified for one path: a search has an end
# What a seal's certificate may be for, if it says so: signing documents (RFC 9336), signed mail, or anything
SEALING_PURPOSES = frozenset(
    {
        ObjectIdentifier("1.3.6.1.5.5.7.3.36"),
        ExtendedKeyUsageOID.EMAIL_PROTECTION,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }
)
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
    }
)


def check_path(
    leaf: x509.Certificate,
    pool: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
    *,
    purpose: ObjectIdentifier | None = None,
) -> x509.Certificate:
    """Find and check the path from a signer's certificate to a root; returns the root.

    1. each issuer has signed the certificate below it; 2. it may (CA, keyCertSign, path length); 3. no
    critical extension is left unread; 4. the signer's key may sign, and serves `purpose`; without one, its
    extended key usage, where present, allows sealing (`SEALING_PURPOSES`); 5. every certificate is valid at
    `at`, the root as well.

    Raises:
        SignatureError: reason NO_CERTIFICATE_CHAIN_FOUND (1), CHAIN_CONSTRAINTS_FAILURE (2, 3, 4) or
            OUT_OF_BOUNDS_NO_POE (5).
    """
    path = find_path(leaf, pool, roots)  # 1
    check_links(path, at, purpose=purpose)
    return path[-1]


def check_links(
    path: Sequence[x509.Certificate], at: datetime, *, purpose: ObjectIdentifier | None = None
) -> None:
    """Check a path that was found, from the signer's certificate to the root: steps 2 to 5 of `check_path`.

    Raises:
        SignatureError: CHAIN_CONSTRAINTS_FAILURE (2, 3, 4) or OUT_OF_BOUNDS_NO_POE (5).
    """
    for below, issuer in enumerate(path[1:]):
        _check_issuer(issuer, intermediates_below=below)  # 2
    for certificate in path:
        _check_critical(certificate)  # 3
    _check_leaf(path[0], purpose)  # 4
    for certificate in path:  # 5
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            raise failure(
                SubIndication.OUT_OF_BOUNDS_NO_POE,
                f"A certificate of the chain is valid from {certificate.not_valid_before_utc:%Y-%m-%d} to "
                f"{certificate.not_valid_after_utc:%Y-%m-%d}, not at {at:%Y-%m-%d}.",
            )


def find_path(
    leaf: x509.Certificate, pool: Sequence[x509.Certificate], roots: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """The certificates from a signer's to a root, each followed by its issuer; nothing else is checked.

    Raises:
        SignatureError: NO_CERTIFICATE_CHAIN_FOUND.
    """
    path = _path(leaf, tuple(pool), tuple(roots))
    if path is None:
        raise failure(
            SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
            "The signer's certificate leads to none of the trusted roots.",
        )
    return list(path)


@lru_cache(maxsize=LINKS_KEPT)
def _path(
    leaf: x509.Certificate, pool: tuple[x509.Certificate, ...], roots: tuple[x509.Certificate, ...]
) -> tuple[x509.Certificate, ...] | None:
    anchors = {root.public_bytes(Encoding.DER) for root in roots}
    path = _extended([leaf], (*roots, *pool), anchors, iter(range(ISSUERS_TRIED_MAX)))
    return None if path is None else tuple(path)


def _extended(
    path: list[x509.Certificate],
    candidates: Sequence[x509.Certificate],
    anchors: set[bytes],
    tries: Iterator[int],
) -> list[x509.Certificate] | None:
    """The path on to an anchor; an issuer that leads nowhere is given up for another with its name and key.

    Cross-certified authorities have several certificates with one key, of which one may lead to an anchor.
    """
    if path[-1].public_bytes(Encoding.DER) in anchors:
        return path
    if len(path) == PATH_LENGTH_MAX:
        return None
    for candidate in candidates:
        if candidate in path or path[-1].issuer != candidate.subject:
            continue
        if next(tries, None) is None:
            return None
        if _issued(path[-1], candidate):
            found = _extended([*path, candidate], candidates, anchors, tries)
            if found is not None:
                return found
    return None


@lru_cache(maxsize=LINKS_KEPT)
def _issued(subject: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the issuer's key signed it; that their names meet is known."""
    try:
        if subject.signature_algorithm_oid == SM2_WITH_SM3:
            check_signed_by(issuer, subject)
        else:
            subject.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm, SignatureError):
        return False
    return True


def _check_issuer(issuer: x509.Certificate, *, intermediates_below: int) -> None:
    constraints = _extension(issuer, x509.BasicConstraints)
    usage = _extension(issuer, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        raise failure(
            SubIndication.CHAIN_CONSTRAINTS_FAILURE, "A certificate of the chain may not issue certificates."
        )
    if constraints.path_length is not None and intermediates_below > constraints.path_length:
        raise failure(
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            f"An authority in the path allows {constraints.path_length} below it, got {intermediates_below}.",
        )


def _check_critical(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise failure(
                SubIndication.CHAIN_CONSTRAINTS_FAILURE,
                f"A certificate of the chain has the critical extension {extension.oid.dotted_string}, "
                "which is not understood.",
            )


def _check_leaf(leaf: x509.Certificate, purpose: ObjectIdentifier | None) -> None:
    usage = _extension(leaf, x509.KeyUsage)
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise failure(
            SubIndication.CHAIN_CONSTRAINTS_FAILURE, "The signer's certificate is not one for signatures."
        )
    purposes = _extension(leaf, x509.ExtendedKeyUsage)
    if purpose is None:
        if purposes is not None and SEALING_PURPOSES.isdisjoint(purposes):
            raise failure(
                SubIndication.CHAIN_CONSTRAINTS_FAILURE,
                "The signer's certificate is for another purpose than signing documents.",
            )
    elif purposes is None or purpose not in purposes:
        raise failure(
            SubIndication.CHAIN_CONSTRAINTS_FAILURE,
            f"The signer's certificate does not serve the purpose {purpose.dotted_string}.",
        )


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
