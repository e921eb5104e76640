"""Keys taken over from other people's files: opened with their password, kept under ours."""

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from signing.keys import is_issued_by, usual_algorithm
from vault.errors import SignatureError


def key_from_pkcs12(content: bytes, password: bytes, passphrase: bytes) -> tuple[bytes, bytes]:
    """Key and certificates of a PKCS#12 file (RFC 7292): PKCS#8 encrypted with `passphrase`, and PEM.

    The signer's certificate comes first, then its issuers as far as the file has them.

    Raises:
        SignatureError: wrong password, no such file, no certificate (`key-unreadable`), or a key of another
            kind (`key-unsuitable`).
    """
    try:
        key, first, others = pkcs12.load_key_and_certificates(content, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SignatureError(
            "The PKCS#12 file cannot be opened: wrong password or no such file.", reason="key-unreadable"
        ) from error
    if key is None or first is None:
        raise SignatureError("The PKCS#12 file lacks a key or its certificate.", reason="key-unreadable")
    chain = [first]
    while (
        issuer := next((c for c in others if c not in chain and is_issued_by(chain[-1], c)), None)
    ) is not None:
        chain.append(issuer)
    return _as_pkcs8(key, passphrase), b"".join(c.public_bytes(Encoding.PEM) for c in chain)


def key_from_pkcs8(key_pem: bytes, password: bytes, passphrase: bytes) -> bytes:
    """The key of an encrypted PKCS#8 file, encrypted with `passphrase` instead.

    Raises:
        SignatureError: wrong password, not encrypted, not PEM (`key-unreadable`), or a key of another kind.
    """
    try:
        key = load_pem_private_key(key_pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SignatureError(
            "The key file cannot be opened: wrong password, not encrypted, or not PEM.",
            reason="key-unreadable",
        ) from error
    return _as_pkcs8(key, passphrase)


def _as_pkcs8(key: object, passphrase: bytes) -> bytes:
    usual_algorithm(key)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise SignatureError("The sealing key is neither EC nor RSA.", reason="key-unsuitable")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))


# --- what a seal's certificate says ------------------------------------------------------------------

# How a certificate names an organisation of China by its social credit code (ETSI EN 319 412-1, 5.1.4).
_USCC_PREFIX = "NTRCN-"


def certificate_end(certificate_pem: bytes) -> datetime:
    """When the first certificate of a PEM file ends.

    Raises:
        SignatureError: it cannot be read.
    """
    return _first(certificate_pem).not_valid_after_utc


def organisation_named(certificate_pem: bytes) -> str | None:
    """The social credit code that the first certificate of a PEM file names; None where it names none.

    Raises:
        SignatureError: it cannot be read.
    """
    names = _first(certificate_pem).subject.get_attributes_for_oid(NameOID.ORGANIZATION_IDENTIFIER)
    found = [str(name.value) for name in names if str(name.value).startswith(_USCC_PREFIX)]
    return found[0].removeprefix(_USCC_PREFIX) if found else None


def _first(certificate_pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(certificate_pem)[0]
    except ValueError as error:
        raise SignatureError(
            "The certificate cannot be read: expected PEM.", reason="key-unreadable"
        ) from error
