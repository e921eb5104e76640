"""Signature values: SEQUENCE { r INTEGER, s INTEGER } in DER (GB/T 35276), or r and s side by side.

Seals in use carry either; DER is what we write. The reading is strict, so that one signature has one form of
each kind: nothing can be appended or padded without being seen.
"""

from signing.sm2.curve import FIELD_BYTES, ORDER
from vault.errors import SignatureError

SIGNATURE_MAX_BYTES = 72  # SEQUENCE of two INTEGERs of at most 33 octets, a header of 2 each
_RAW_BYTES = 2 * FIELD_BYTES
_SEQUENCE = 0x30
_INTEGER = 0x02
_SIGN_BIT = 0x80


def read_value(signature: bytes) -> tuple[int, int]:
    """The r and s of a signature, each in [1, n-1] (GB/T 32918.2, clause 7.1, steps B1 and B2).

    64 octets that are not such DER are taken for r and s side by side.

    Raises:
        SignatureError: neither form, or out of range (`SIG_CRYPTO_FAILURE`).
    """
    pair = _read_der(signature)
    if pair is None and len(signature) == _RAW_BYTES:
        pair = (
            int.from_bytes(signature[:FIELD_BYTES], "big"),
            int.from_bytes(signature[FIELD_BYTES:], "big"),
        )
    if pair is None:
        raise SignatureError(
            f"An SM2 signature is DER or has {_RAW_BYTES} octets; these {len(signature)} are neither.",
            reason="SIG_CRYPTO_FAILURE",
        )
    if not all(0 < number < ORDER for number in pair):
        raise SignatureError("The SM2 signature's r or s is out of range.", reason="SIG_CRYPTO_FAILURE")
    return pair


def write_value(r: int, s: int) -> bytes:
    """The DER of a signature."""
    content = _write_integer(r) + _write_integer(s)
    return bytes((_SEQUENCE, len(content))) + content


def _read_der(signature: bytes) -> tuple[int, int] | None:
    if not 8 <= len(signature) <= SIGNATURE_MAX_BYTES or signature[0] != _SEQUENCE:  # noqa: PLR2004 - three headers of 2 octets, two INTEGERs of 1
        return None
    if signature[1] != len(signature) - 2:
        return None
    r, rest = _read_integer(signature[2:])
    s, rest = _read_integer(rest)
    return None if r is None or s is None or rest else (r, s)


def _read_integer(octets: bytes) -> tuple[int | None, bytes]:
    """A positive INTEGER in its fewest octets (X.690, clause 8.3.2) and what follows it."""
    if len(octets) < 3 or octets[0] != _INTEGER:  # noqa: PLR2004 - header and one octet
        return None, b""
    content, rest = octets[2 : 2 + octets[1]], octets[2 + octets[1] :]
    if not content or len(content) != octets[1] or content[0] & _SIGN_BIT:
        return None, b""
    if len(content) > 1 and content[0] == 0 and not content[1] & _SIGN_BIT:
        return None, b""
    return int.from_bytes(content, "big"), rest


def _write_integer(value: int) -> bytes:
    content = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes((_INTEGER, len(content))) + content
