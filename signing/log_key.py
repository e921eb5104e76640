"""The transparency log's key: Ed25519, as C2SP signed-note prescribes; signs the promise in a receipt."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from vault.errors import InputError, SignatureError


class LogKey:
    """Signs with the log's private key; `public` is its 32-byte public key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> str:
        """The 64-byte Ed25519 signature (RFC 8032) of `message`, base64."""
        return base64.b64encode(self.sign_bytes(message)).decode()

    def sign_bytes(self, message: bytes) -> bytes:
        """The 64-byte Ed25519 signature (RFC 8032) of `message`."""
        return self._private.sign(message)


def new_log_key() -> bytes:
    """A fresh private key as unencrypted PKCS#8 PEM; the caller keeps the file to itself (mode 600)."""
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def read_log_key(pem: bytes) -> LogKey:
    """The log's key from its PEM.

    Raises:
        InputError: the PEM holds no Ed25519 private key.
    """
    try:
        private = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise InputError("The log key is not readable: expected unencrypted PKCS#8 PEM.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError("The log key is of the wrong kind: expected Ed25519.")
    return LogKey(private)


def check_log_signature(public: bytes, message: bytes, signature: str | bytes) -> None:
    """Proves that the log's key signed `message`; `signature` as bytes or in base64.

    Raises:
        SignatureError: it did not.
    """
    try:
        raw = base64.b64decode(signature) if isinstance(signature, str) else signature
        Ed25519PublicKey.from_public_bytes(public).verify(raw, message)
    except (InvalidSignature, ValueError) as error:
        raise SignatureError("The log's signature does not hold.", reason="log-signature") from error
