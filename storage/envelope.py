"""Personal data at rest: a keyed index to find it by, an envelope to show it from.

An ID number has about 2^37 values, so a bare hash of one is as good as the number itself. The index
is an HMAC-SHA-256 under a key that never enters the database; the envelope is AES-256-GCM under a
data key of the row, itself wrapped by a key that never enters the database. The associated data binds
a cipher text to its table, column and row, so that nobody can move one to another row.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import InputError, IntegrityError

KEY_BYTES = 32
NONCE_BYTES = 12  # NIST SP 800-38D, 8.2.2: a random 96-bit nonce
VERSION_BYTES = 1


@dataclass(frozen=True, slots=True)
class DataKey:
    """The key of one row, in clear for this moment, and wrapped as the row keeps it."""

    key: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)


class KeyRing:
    """The vault's own keys by version: `current` seals and indexes, older versions still open."""

    def __init__(self, index_keys: Mapping[int, bytes], wrapping_keys: Mapping[int, bytes]) -> None:
        for keys in (index_keys, wrapping_keys):
            if not keys or any(len(key) != KEY_BYTES for key in keys.values()):
                raise InputError(f"A key ring needs keys of {KEY_BYTES} bytes for index and wrapping.")
        self._index_keys = dict(index_keys)
        self._wrapping = {version: AESGCM(key) for version, key in wrapping_keys.items()}
        self.index_version = max(index_keys)
        self._wrapping_version = max(wrapping_keys)

    def index(self, purpose: str, text: str) -> bytes:
        """The 32-byte blind index of `text`; `purpose` keeps equal texts of two columns apart."""
        message = purpose.encode() + b"\x00" + text.encode()
        return hmac.digest(self._index_keys[self.index_version], message, hashlib.sha256)

    def new_data_key(self, where: str) -> DataKey:
        """A fresh data key for the row named by `where`."""
        key = secrets.token_bytes(KEY_BYTES)
        nonce = secrets.token_bytes(NONCE_BYTES)
        cipher = self._wrapping[self._wrapping_version]
        wrapped = bytes([self._wrapping_version]) + nonce + cipher.encrypt(nonce, key, where.encode())
        return DataKey(key, wrapped)

    def data_key(self, wrapped: bytes, where: str) -> DataKey:
        """Unwraps a row's data key.

        Raises:
            IntegrityError: the wrapped key is not of this row or was altered, or its key is missing.
        """
        cipher = self._wrapping.get(wrapped[0])
        if cipher is None:
            raise IntegrityError(f"Wrapping key version {wrapped[0]} is not in the key ring.")
        nonce, sealed = (
            wrapped[VERSION_BYTES : VERSION_BYTES + NONCE_BYTES],
            wrapped[VERSION_BYTES + NONCE_BYTES :],
        )
        return DataKey(_open(cipher, nonce, sealed, where), wrapped)


def seal_json(data_key: DataKey, value: object, where: str) -> bytes:
    """Nonce and cipher text of `value` as JSON, bound to `where` (`table.column:row`)."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return nonce + AESGCM(data_key.key).encrypt(nonce, plain, where.encode())


def open_json(data_key: DataKey, sealed: bytes, where: str) -> Any:  # noqa: ANN401 - JSON is what it is
    """The value that `seal_json` sealed.

    Raises:
        IntegrityError: the cipher text is not of this place or was altered.
    """
    return json.loads(_open(AESGCM(data_key.key), sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], where))


def _open(cipher: AESGCM, nonce: bytes, sealed: bytes, where: str) -> bytes:
    try:
        return cipher.decrypt(nonce, sealed, where.encode())
    except InvalidTag as error:
        raise IntegrityError(
            f"The envelope at {where} does not open: altered, moved, or another key."
        ) from error


def new_key_ring_document() -> str:
    """A fresh key ring as the JSON text that `read_key_ring` reads: version 1 of both keys."""
    fresh = {"1": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}
    other = {"1": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}
    return json.dumps({"index_keys": fresh, "wrapping_keys": other}, indent=2)


def read_key_ring(document: str) -> KeyRing:
    """A key ring from its JSON text: `{"index_keys": {"1": base64}, "wrapping_keys": {"1": base64}}`.

    Raises:
        InputError: the text is no key ring.
    """
    try:
        parsed = json.loads(document)
        index_keys = {int(v): base64.b64decode(k, validate=True) for v, k in parsed["index_keys"].items()}
        wrapping = {int(v): base64.b64decode(k, validate=True) for v, k in parsed["wrapping_keys"].items()}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(
            "The key ring is not readable: expected index_keys and wrapping_keys by version."
        ) from error
    return KeyRing(index_keys, wrapping)
