"""Sealing keys: what signs, and the certificates that speak for it.

`SealingKey` is a seam: key files here, keys on tokens in `signing.token_key`; remote services may follow.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from vault.errors import SignatureError

RSA_KEY_MIN_BITS = 2048  # NIST SP 800-131A: shorter keys are disallowed
ECDSA_SIGNATURE_MAX_BYTES = 72  # SEQUENCE of two INTEGERs of at most 33 octets, a header of 2 each
PSS_SALT_BYTES = 32  # the digest's size, as RFC 4055, clause 3.1 recommends


class SignatureAlgorithm(StrEnum):
    """How a seal signs."""

    ECDSA_P256_SHA256 = "ecdsa-p256-sha256"
    RSA_PKCS1_SHA256 = "rsa-pkcs1-sha256"
    RSA_PSS_SHA256 = "rsa-pss-sha256"
    SM2_SM3 = "sm2-sm3"


PDF_ALGORITHMS = (
    SignatureAlgorithm.ECDSA_P256_SHA256,
    SignatureAlgorithm.RSA_PKCS1_SHA256,
    SignatureAlgorithm.RSA_PSS_SHA256,
)
"""What signs PDF files, with SHA-256: no reader of PDF takes SM2, which signs national seals alone."""


class SealingKey(Hashable, Protocol):
    """A key that signs, wherever it lives; loaded or connected once and used for many seals."""

    @property
    def algorithm(self) -> SignatureAlgorithm:
        """How `sign` signs."""

    @property
    def certificate(self) -> bytes:
        """The signer's certificate, DER."""

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The issuers' certificates, DER, nearest first; the root may be left out."""

    @property
    def signature_size_max_bytes(self) -> int:
        """The longest value that `sign` returns."""

    def sign(self, message: bytes) -> bytes:
        """Hash and sign: a DER ECDSA or SM2 value (RFC 3279, clause 2.2.3) or an RSA block."""


@dataclass(frozen=True, slots=True)
class SignedBytes:
    """A message and what a key made of it."""

    message: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class FileSealingKey:
    """A key from an encrypted PKCS#8 file, held in memory."""

    algorithm: SignatureAlgorithm
    certificate: bytes = field(repr=False)
    chain: tuple[bytes, ...] = field(repr=False)
    private_key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = field(repr=False)

    @property
    def signature_size_max_bytes(self) -> int:
        """The longest value that `sign` returns."""
        if isinstance(self.private_key, rsa.RSAPrivateKey):
            return (self.private_key.key_size + 7) // 8
        return ECDSA_SIGNATURE_MAX_BYTES

    def sign(self, message: bytes) -> bytes:
        """Hash and sign: a DER ECDSA value (RFC 3279, clause 2.2.3) or an RSA block."""
        if isinstance(self.private_key, ec.EllipticCurvePrivateKey):
            return self.private_key.sign(message, ec.ECDSA(SHA256()))
        return self.private_key.sign(message, rsa_padding(self.algorithm), SHA256())


def load_file_key(
    key_pem: bytes,
    passphrase: bytes,
    certificate_pem: bytes,
    *,
    algorithm: SignatureAlgorithm | None = None,
) -> FileSealingKey:
    """Open an encrypted PKCS#8 key and check that the certificates fit it; `signing.national` opens SM2's.

    `certificate_pem`: the signer's certificate first, then its issuers in order. `algorithm` None: ECDSA for
    an EC key, PKCS#1 v1.5 for an RSA key; RSA with PSS must be asked for, since not every reader takes it.

    Raises:
        SignatureError: wrong passphrase (`key-unreadable`), unreadable certificates, a key of another kind or
            too short (`key-unsuitable`), or a certificate or issuer that does not fit (`key-mismatch`).
    """
    try:
        private_key = load_pem_private_key(key_pem, passphrase)
        first, *issuers = x509.load_pem_x509_certificates(certificate_pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SignatureError(
            "The sealing key or its certificate cannot be read: wrong passphrase or not PEM.",
            reason="key-unreadable",
        ) from error
    usual = usual_algorithm(private_key)
    chosen = chosen_algorithm(usual, algorithm)
    _check_fit(private_key, first)
    check_chain(first, issuers)
    if not isinstance(private_key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise SignatureError("The sealing key is neither EC nor RSA.", reason="key-unsuitable")
    return FileSealingKey(
        algorithm=chosen,
        certificate=first.public_bytes(Encoding.DER),
        chain=tuple(issuer.public_bytes(Encoding.DER) for issuer in issuers),
        private_key=private_key,
    )


def usual_algorithm(key: object) -> SignatureAlgorithm:
    """What a private or public key signs with, if nothing else is asked for.

    Raises:
        SignatureError: neither EC P-256 nor RSA of enough bits (`key-unsuitable`).
    """
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey) and isinstance(
        key.curve, ec.SECP256R1
    ):
        return SignatureAlgorithm.ECDSA_P256_SHA256
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey) and key.key_size >= RSA_KEY_MIN_BITS:
        return SignatureAlgorithm.RSA_PKCS1_SHA256
    raise SignatureError(
        f"A sealing key must be EC P-256 or RSA of {RSA_KEY_MIN_BITS} bits or more.", reason="key-unsuitable"
    )


def chosen_algorithm(usual: SignatureAlgorithm, asked: SignatureAlgorithm | None) -> SignatureAlgorithm:
    """What was asked for, if a key that usually signs with `usual` can.

    Raises:
        SignatureError: it cannot (`key-unsuitable`).
    """
    chosen = asked or usual
    is_ec = usual is SignatureAlgorithm.ECDSA_P256_SHA256
    if chosen not in PDF_ALGORITHMS or (chosen is SignatureAlgorithm.ECDSA_P256_SHA256) != is_ec:
        raise SignatureError(f"The sealing key cannot sign with {chosen}.", reason="key-unsuitable")
    return chosen


def check_signature(
    certificate: x509.Certificate, algorithm: SignatureAlgorithm, signed: SignedBytes
) -> None:
    """Returns where the certificate's key made this signature.

    Raises:
        SignatureError: another key did (`key-mismatch`).
    """
    public = certificate.public_key()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signed.signature, signed.message, ec.ECDSA(SHA256()))
        elif isinstance(public, rsa.RSAPublicKey):
            public.verify(signed.signature, signed.message, rsa_padding(algorithm), SHA256())
        else:
            raise SignatureError("The certificate's key is neither EC nor RSA.", reason="key-unsuitable")
    except InvalidSignature as error:
        raise SignatureError(
            "The first certificate is not the sealing key's own: it does not check what the key signs.",
            reason="key-mismatch",
        ) from error


def rsa_padding(algorithm: SignatureAlgorithm) -> padding.PSS | padding.PKCS1v15:
    """How an RSA key pads with this algorithm (RFC 8017, clauses 8.1 and 8.2)."""
    if algorithm is SignatureAlgorithm.RSA_PSS_SHA256:
        return padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=PSS_SALT_BYTES)
    return padding.PKCS1v15()


def _check_fit(private_key: object, first: x509.Certificate) -> None:
    if not isinstance(private_key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) or (
        _spki(first.public_key()) != _spki(private_key.public_key())
    ):
        raise SignatureError(
            "The first certificate is not the sealing key's own: their public keys differ.",
            reason="key-mismatch",
        )


def check_chain(first: x509.Certificate, issuers: Sequence[x509.Certificate]) -> None:
    """Returns where each certificate is followed by its issuer.

    Raises:
        SignatureError: one is not (`key-mismatch`).
    """
    for subject, issuer in zip([first, *issuers], issuers, strict=False):
        if not is_issued_by(subject, issuer):
            raise SignatureError(
                "The sealing certificate's chain is broken: each certificate must be followed by its issuer.",
                reason="key-mismatch",
            )


def is_issued_by(subject: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer` signed `subject` and their names meet."""
    try:
        subject.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _spki(public_key: object) -> bytes:
    if not isinstance(public_key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        return b""
    return public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
