"""Envelopes and wrapped keys: what stands in `sealed` and `data_key` columns.

    sealed    C2 suite nonce(12) cipher text and tag
    data_key  C2 suite version(2) nonce(12) cipher text and tag

`version` is that of the vault's wrapping key; 0 where another row's key wraps. What was written before
revision 0010 has no C2 in front: a nonce and AES-256-GCM under the data key itself, and a version byte,
a nonce and AES-256-GCM under the wrapping key itself. Both are read for ever.
"""

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from storage.envelope.suites import (
    KEY_BYTES,
    NONCE_BYTES,
    Suite,
    cipher_key,
    decrypt,
    encrypt,
    mac,
    suite_numbered,
)
from vault.errors import IntegrityError

# No wrapping key had this version before revision 0010, so it tells the two formats of wrapped keys apart.
FORMAT = 0xC2
SEALED_HEADER_BYTES = 2
WRAPPED_HEADER_BYTES = 4
BY_A_ROW = 0
_BODY = b"body"
_WRAP = b"wrap"


@dataclass(frozen=True, slots=True)
class DataKey:
    """32 bytes of key material, in clear for this moment; `wrapped` as a row keeps it, if it keeps it alone.

    `suite`: what is sealed under it from now on. What it sealed before names its own suite.
    """

    key: bytes = field(repr=False)
    wrapped: bytes = field(repr=False, default=b"")
    suite: Suite = Suite.AES


def seal_json(data_key: DataKey, value: object, where: str) -> bytes:
    """An envelope of `value` as JSON, bound to `where` (`table.column:row`)."""
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    header = bytes([FORMAT, data_key.suite])
    return _seal(data_key.suite, data_key.key, _BODY, header, plain, where)


def open_json(data_key: DataKey, sealed: bytes, where: str) -> Any:  # noqa: ANN401 - JSON is what it is
    """The value that `seal_json` sealed.

    Raises:
        IntegrityError: the cipher text is not of this place or was altered.
    """
    plain = None
    if sealed[:1] == bytes([FORMAT]):
        plain = _open(data_key.key, _BODY, sealed, SEALED_HEADER_BYTES, where)
    if plain is None:  # the random nonce of the older format may begin like a header
        nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        plain = decrypt(Suite.AES, data_key.key, nonce, body, where.encode())
    if plain is None:
        raise _does_not_open(where)
    return json.loads(plain)


def wrap_key(outer: DataKey, inner: DataKey, where: str) -> bytes:
    """`inner` as a row keeps it that only the owner of `outer` may open."""
    return wrapped_by(outer.suite, outer.key, BY_A_ROW, inner.key, where)


def unwrap_key(outer: DataKey, wrapped: bytes, where: str) -> DataKey:
    """The key that `wrap_key` wrapped.

    Raises:
        IntegrityError: it is not of this place, was altered, or another key wrapped it.
    """
    if version_of(wrapped) != BY_A_ROW:
        raise _does_not_open(where)
    return DataKey(unwrapped(outer.key, wrapped, where), wrapped, outer.suite)


def wrapped_by(suite: Suite, outer: bytes, version: int, inner: bytes, where: str) -> bytes:
    """`inner` wrapped by the key material `outer`, which is the vault's own of that version or a row's."""
    header = wrapped_header(suite, version)
    return _seal(suite, outer, _WRAP, header, inner, where)


def unwrapped(outer: bytes, wrapped: bytes, where: str) -> bytes:
    """Raises `IntegrityError` where it does not open."""
    if wrapped[:1] == bytes([FORMAT]):
        inner = _open(outer, _WRAP, wrapped, WRAPPED_HEADER_BYTES, where)
    else:
        nonce, sealed = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
        inner = decrypt(Suite.AES, outer, nonce, sealed, where.encode())
    if inner is None or len(inner) != KEY_BYTES:
        raise _does_not_open(where)
    return inner


def tag_under(data_key: DataKey, text: str) -> bytes:
    """32 bytes that only the key's owner can derive from `text`, in whatever suite: for names.

    Always HMAC-SHA-256: a name must not change with the suite, and it hides no more than a digest.
    """
    return mac(Suite.AES, data_key.key, b"certvault/2/tag/" + text.encode())


def version_of(wrapped: bytes) -> int:
    """Which version of the vault's wrapping key wrapped this; `BY_A_ROW` where it was another row's key.

    Raises:
        IndexError: it is cut short.
    """
    if wrapped[0] != FORMAT:
        return wrapped[0]
    return wrapped[2] << 8 | wrapped[3]


def wrapped_header(suite: Suite, version: int) -> bytes:
    """What a key wrapped by this version in this suite begins with."""
    return bytes([FORMAT, suite, version >> 8, version & 0xFF])


def sealed_header(suite: Suite) -> bytes:
    """What an envelope in this suite begins with."""
    return bytes([FORMAT, suite])


def _seal(suite: Suite, material: bytes, purpose: bytes, header: bytes, plain: bytes, where: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    key = cipher_key(suite, material, purpose)
    return header + nonce + encrypt(suite, key, nonce, plain, header + where.encode())


def _open(material: bytes, purpose: bytes, sealed: bytes, header_bytes: int, where: str) -> bytes | None:
    header, rest = sealed[:header_bytes], sealed[header_bytes:]
    suite = suite_numbered(header[1]) if len(header) == header_bytes else None
    if suite is None:
        return None
    key = cipher_key(suite, material, purpose)
    return decrypt(suite, key, rest[:NONCE_BYTES], rest[NONCE_BYTES:], header + where.encode())


def _does_not_open(where: str) -> IntegrityError:
    return IntegrityError(f"The envelope at {where} does not open: altered, moved, or another key.")
