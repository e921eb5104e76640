"""The two suites: AES-256-GCM with HMAC-SHA-256, and SM4-GCM with HMAC-SM3 for national assessments.

A suite's number stands in every cipher text, so that both are readable side by side. Key material is
32 bytes in both; each suite derives its own cipher key from it, so that no key serves two algorithms.
Sources: NIST SP 800-38D (GCM), RFC 2104 (HMAC), GB/T 32907 (SM4), GB/T 32905 (SM3), RFC 8998 (SM4-GCM).
"""

import hmac
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import hmac as hazmat_hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import InputError

KEY_BYTES = 32  # of key material, whatever the suite
NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: a random 96-bit nonce
TAG_BYTES = 16
SM4_KEY_BYTES = 16


class Suite(IntEnum):
    """What seals and what indexes; the number is what stands in a cipher text's header."""

    AES = 1
    SM4 = 2

    @property
    def label(self) -> str:
        """The name in settings and in the key ring's file."""
        return "aes-256-gcm" if self is Suite.AES else "sm4-gcm"

    @classmethod
    def named(cls, label: str) -> "Suite":
        """The suite with this name.

        Raises:
            InputError: there is none.
        """
        for suite in cls:
            if suite.label == label:
                return suite
        raise InputError(f"Expected a suite, {' or '.join(s.label for s in cls)}; got something else.")


_BY_NUMBER = {suite.value: suite for suite in Suite}


def suite_numbered(number: int) -> Suite | None:
    """The suite with this number in a header, if there is one."""
    return _BY_NUMBER.get(number)


def mac(suite: Suite, key: bytes, message: bytes) -> bytes:
    """HMAC of `message`: 32 bytes in both suites."""
    if suite is Suite.AES:
        return hmac.digest(key, message, "sha256")
    # cryptography's own SM3: Python's hashlib has it only where the system's OpenSSL does.
    state = hazmat_hmac.HMAC(key, hashes.SM3())
    state.update(message)
    return state.finalize()


def cipher_key(suite: Suite, material: bytes, purpose: bytes) -> bytes:
    """The suite's cipher key for this purpose, from 32 bytes of key material (one-step KDF by HMAC)."""
    derived = mac(suite, material, b"certvault/2/" + bytes([suite]) + b"/" + purpose)
    return derived if suite is Suite.AES else derived[:SM4_KEY_BYTES]


def encrypt(suite: Suite, key: bytes, nonce: bytes, plain: bytes, bound_to: bytes) -> bytes:
    """Cipher text and tag."""
    if suite is Suite.AES:
        return AESGCM(key).encrypt(nonce, plain, bound_to)
    sealer = Cipher(algorithms.SM4(key), modes.GCM(nonce)).encryptor()
    sealer.authenticate_additional_data(bound_to)
    return sealer.update(plain) + sealer.finalize() + sealer.tag


def decrypt(suite: Suite, key: bytes, nonce: bytes, sealed: bytes, bound_to: bytes) -> bytes | None:
    """The plain text; None where the cipher text was altered, moved, or sealed with another key."""
    if len(sealed) < TAG_BYTES or len(nonce) != NONCE_BYTES:
        return None
    try:
        if suite is Suite.AES:
            return AESGCM(key).decrypt(nonce, sealed, bound_to)
        body, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
        opener = Cipher(algorithms.SM4(key), modes.GCM(nonce, tag)).decryptor()
        opener.authenticate_additional_data(bound_to)
        return opener.update(body) + opener.finalize()
    except InvalidTag:
        return None
