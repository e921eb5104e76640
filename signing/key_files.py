"""Keys taken over from other people's files: opened with their password, kept under ours."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

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
