"""Signing and verifying messages: what is hashed before the engine computes (GB/T 32918.2)."""

from functools import lru_cache
from hashlib import new

from signing.sm2 import engine
from signing.sm2.curve import BASE, FIELD_BYTES, A, B, check_point
from signing.sm2.keys import PrivateKey
from signing.sm2.value import read_value, write_value

USER_ID = b"1234567812345678"  # GM/T 0009, clause 10: who has no other identity
_DIGESTS_OF_KEYS_MAX = 256  # signers and authorities that are kept in mind, 33 octets and a key each
_CURVE = b"".join(number.to_bytes(FIELD_BYTES, "big") for number in (A, B, *BASE))


def sm3(octets: bytes) -> bytes:
    """SM3 (GB/T 32905): 32 octets."""
    return new("sm3", octets).digest()


def sign(key: PrivateKey, message: bytes) -> bytes:
    """Sign with SM3 and the standard user id: DER SEQUENCE { r, s }, at most `SIGNATURE_MAX_BYTES`."""
    return key.engine_key.sign_digest(message_digest(key.public_key, message))


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Returns where `signature` (DER, or r and s side by side) is this key's over this message.

    `public_key`: 65 octets, 04‖x‖y.

    Raises:
        SignatureError: it is not, or its value is malformed (`SIG_CRYPTO_FAILURE`), or the key is no point of
            the curve, or no engine is at hand (`CRYPTO_CONSTRAINTS_FAILURE`): the judge's sub-indications.
    """
    check_point(public_key)
    value = write_value(*read_value(signature))
    engine.chosen_engine().check_digest(public_key, message_digest(public_key, message), value)


def message_digest(public_key: bytes, message: bytes) -> bytes:
    """The 32 octets e = SM3(Z ‖ M) (clause 6.1, steps A1 and A2)."""
    hashed = new("sm3", _identity_digest(public_key))
    hashed.update(message)
    return hashed.digest()


@lru_cache(maxsize=_DIGESTS_OF_KEYS_MAX)
def _identity_digest(public_key: bytes) -> bytes:
    """Z: who signs, and on which curve (clause 5.5)."""
    bits = (8 * len(USER_ID)).to_bytes(2, "big")
    return sm3(bits + USER_ID + _CURVE + public_key[1:])
