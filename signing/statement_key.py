"""The keys that sign offline statements: ECDSA on P-256 with SHA-256 (ES256, RFC 9053, 2.1)."""

import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from vault.errors import InputError, SignatureError

COORDINATE_BYTES = 32
SIGNATURE_BYTES = 2 * COORDINATE_BYTES
KID_BYTES = 8
# COSE_Key with what RFC 9679, 4 asks of an EC2 key: {1: 2, -1: 1, -2: x, -3: y} in deterministic CBOR.
_THUMBPRINT = b"\xa4\x01\x02\x20\x01\x21\x58\x20%b\x22\x58\x20%b"


@dataclass(frozen=True, slots=True)
class StatementPublicKey:
    """A point on P-256, 32 bytes a coordinate. Equal where the key is."""

    x: bytes
    y: bytes

    @property
    def kid(self) -> bytes:
        """Its name in a statement: the first bytes of its COSE key thumbprint (RFC 9679)."""
        return hashlib.sha256(_THUMBPRINT % (self.x, self.y)).digest()[:KID_BYTES]

    def check(self, message: bytes, signature: bytes) -> None:
        """Proves that this key's owner signed `message`; r and s one after the other (RFC 9053, 2.1).

        Raises:
            SignatureError: it did not, or the point is not on the curve.
        """
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureError("An ES256 signature has 64 bytes.", reason="statement-signature")
        r, s = signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:]
        try:
            key = self._on_curve()
            key.verify(encode_dss_signature(_number(r), _number(s)), message, ec.ECDSA(SHA256()))
        except (InvalidSignature, ValueError) as error:
            raise SignatureError(
                "The statement's signature does not hold.", reason="statement-signature"
            ) from error

    def pem(self) -> bytes:
        """The key as SubjectPublicKeyInfo."""
        return self._on_curve().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def _on_curve(self) -> ec.EllipticCurvePublicKey:
        return ec.EllipticCurvePublicNumbers(_number(self.x), _number(self.y), ec.SECP256R1()).public_key()


@dataclass(frozen=True, slots=True)
class StatementKey:
    """Signs statements; `public` is what checks them."""

    public: StatementPublicKey
    _private: ec.EllipticCurvePrivateKey = field(repr=False)

    def sign(self, message: bytes) -> bytes:
        """R and s, 32 bytes each. Deterministic (RFC 6979): the same message, the same signature."""
        made = self._private.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True))
        r, s = decode_dss_signature(made)
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")


def new_statement_key(passphrase: bytes) -> bytes:
    """A fresh private key as encrypted PKCS#8 PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase))


def read_statement_key(pem: bytes, passphrase: bytes) -> StatementKey:
    """A key from its encrypted PEM.

    Raises:
        InputError: wrong passphrase, not encrypted, not PEM, or not on P-256.
    """
    try:
        private = load_pem_private_key(pem, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InputError("A statement key is not readable: wrong passphrase or not PEM.") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise InputError("A statement key is of the wrong kind: expected an EC key on P-256.")
    return StatementKey(_public(private.public_key()), private)


def read_statement_public_key(pem: bytes) -> StatementPublicKey:
    """A public key from its PEM.

    Raises:
        InputError: it is not PEM, or not on P-256.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError("A statement key is not readable: expected a public key in PEM.") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise InputError("A statement key is of the wrong kind: expected an EC key on P-256.")
    return _public(key)


def _public(key: ec.EllipticCurvePublicKey) -> StatementPublicKey:
    if not isinstance(key.curve, ec.SECP256R1):
        raise InputError("A statement key is of the wrong kind: expected an EC key on P-256.")
    numbers = key.public_numbers()
    return StatementPublicKey(
        numbers.x.to_bytes(COORDINATE_BYTES, "big"), numbers.y.to_bytes(COORDINATE_BYTES, "big")
    )


def _number(content: bytes) -> int:
    return int.from_bytes(content, "big")
