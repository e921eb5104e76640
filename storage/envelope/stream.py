"""Files of any size as cipher text: segments of 64 KiB, so that memory is bounded and cuts are seen.

    CVOB 01 suite 10 00, salt(16), prefix(7)      then segments, each with its tag(16)

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, CRYPTO 2015): a segment's nonce is prefix, its
number (4 bytes) and whether it is the last, so that segments can be neither swapped, dropped nor appended.
Each file has a key of its own, derived from the record's key, the header and the file's place: a cipher text
put in another file's place does not open.
"""

import secrets
from collections.abc import Iterable, Iterator

from storage.envelope.sealing import DataKey
from storage.envelope.suites import (
    SM4_KEY_BYTES,
    TAG_BYTES,
    Suite,
    decrypt,
    encrypt,
    mac,
    suite_numbered,
)
from vault.errors import IntegrityError

SEGMENT_LOG2 = 16
SEGMENT_BYTES = 1 << SEGMENT_LOG2
SALT_BYTES = 16
PREFIX_BYTES = 7
COUNTER_BYTES = 4
_MAGIC = b"CVOB\x01"
_HEADER_BYTES = len(_MAGIC) + 3 + SALT_BYTES + PREFIX_BYTES
_SEALED_SEGMENT_BYTES = SEGMENT_BYTES + TAG_BYTES


def encrypted(data_key: DataKey, content: bytes, place: str) -> Iterator[bytes]:
    """The cipher text of `content` in parts; `place` is what it belongs to."""
    suite = data_key.suite
    header = _MAGIC + bytes([suite, SEGMENT_LOG2, 0]) + secrets.token_bytes(SALT_BYTES + PREFIX_BYTES)
    key = _file_key(data_key, suite, header, place)
    yield header
    view = memoryview(content)
    last = _segments(len(content)) - 1
    for n in range(last + 1):
        plain = bytes(view[n * SEGMENT_BYTES : (n + 1) * SEGMENT_BYTES])
        yield encrypt(suite, key, _nonce(header, n, is_last=n == last), plain, b"")


def encrypted_size(size_bytes: int) -> int:
    """How many bytes the cipher text of so many has."""
    return _HEADER_BYTES + size_bytes + TAG_BYTES * _segments(size_bytes)


def decrypted(data_key: DataKey, parts: Iterable[bytes], place: str) -> Iterator[bytes]:
    """The plain text in parts, each one authentic; the end was reached only when the iterator ends.

    Raises:
        IntegrityError: altered, cut short, moved, or another key.
    """
    waiting = iter(parts)
    held = bytearray()
    _fill(held, waiting, _HEADER_BYTES)
    header = bytes(held[:_HEADER_BYTES])
    del held[:_HEADER_BYTES]
    suite = suite_numbered(header[len(_MAGIC)]) if len(header) == _HEADER_BYTES else None
    if not header.startswith(_MAGIC) or suite is None:
        raise _does_not_open(place)
    key = _file_key(data_key, suite, header, place)
    n = 0
    is_last = False
    while not is_last:
        # One byte more than a segment tells that it is not the last one.
        _fill(held, waiting, _SEALED_SEGMENT_BYTES + 1)
        is_last = len(held) <= _SEALED_SEGMENT_BYTES
        sealed = bytes(held[:_SEALED_SEGMENT_BYTES])
        del held[:_SEALED_SEGMENT_BYTES]
        plain = decrypt(suite, key, _nonce(header, n, is_last=is_last), sealed, b"")
        if plain is None:
            raise _does_not_open(place)
        yield plain
        n += 1


def _fill(held: bytearray, parts: Iterator[bytes], wanted: int) -> None:
    while len(held) < wanted:
        part = next(parts, None)
        if part is None:
            return
        held += part


def _segments(size_bytes: int) -> int:
    return max(1, -(-size_bytes // SEGMENT_BYTES))


def _file_key(data_key: DataKey, suite: Suite, header: bytes, place: str) -> bytes:
    derived = mac(suite, data_key.key, b"certvault/2/file/" + header + place.encode())
    return derived if suite is Suite.AES else derived[:SM4_KEY_BYTES]


def _nonce(header: bytes, n: int, *, is_last: bool) -> bytes:
    return header[-PREFIX_BYTES:] + n.to_bytes(COUNTER_BYTES, "big") + bytes([is_last])


def _does_not_open(place: str) -> IntegrityError:
    return IntegrityError(f"The file at {place} does not open: altered, cut short, moved, or another key.")
