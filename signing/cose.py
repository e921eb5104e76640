"""COSE_Sign1 with ES256 (RFC 9052, 4.2; RFC 9053, 2.1): tagged, key id in the protected header, nothing else.

It is read in the one form that we write: the unprotected header is empty, the payload is attached.
"""

from dataclasses import dataclass, field

from signing import cbor
from signing.cbor import Cbor, Tagged
from signing.statement_key import KID_BYTES, SIGNATURE_BYTES, StatementKey, StatementPublicKey
from vault.errors import InputError

COSE_SIGN1 = 18
ES256 = -7
_ALG, _KID = 1, 4


@dataclass(frozen=True, slots=True)
class Sign1:
    """What stands in a COSE_Sign1. Nothing is proved until `check` was called."""

    protected: bytes
    kid: bytes
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    def check(self, key: StatementPublicKey) -> None:
        """Proves that this key signed header and payload.

        Raises:
            SignatureError: it did not.
        """
        key.check(signed_bytes(self.protected, self.payload), self.signature)


def sign1(key: StatementKey, payload: bytes) -> bytes:
    """The payload signed. The same key and payload give the same bytes."""
    protected = cbor.encode({_ALG: ES256, _KID: key.public.kid})
    signature = key.sign(signed_bytes(protected, payload))
    return cbor.encode(Tagged(COSE_SIGN1, [protected, {}, payload, signature]))


def read_sign1(content: bytes) -> Sign1:
    """A COSE_Sign1 as `sign1` writes it.

    Raises:
        InputError: it is none, or of another algorithm or shape.
    """
    match cbor.decode(content):
        case Tagged(
            18, [bytes() as protected, {**unprotected}, bytes() as payload, bytes() as signature]
        ) if not unprotected:
            pass
        case _:
            raise InputError("Expected a COSE_Sign1: tag 18 on protected headers, payload and signature.")
    if len(signature) != SIGNATURE_BYTES:
        raise InputError(f"Expected an ES256 signature of {SIGNATURE_BYTES} bytes, got {len(signature)}.")
    return Sign1(protected, _kid(cbor.decode(protected)), payload, signature)


def signed_bytes(protected: bytes, payload: bytes) -> bytes:
    """The Sig_structure (RFC 9052, 4.4): what the signature is over."""
    return cbor.encode(["Signature1", protected, b"", payload])


def _kid(header: Cbor) -> bytes:
    match header:
        case {1: alg, 4: bytes() as kid, **rest} if alg == ES256 and not rest and len(kid) == KID_BYTES:
            return kid
    raise InputError(f"Expected ES256 and a key id of {KID_BYTES} bytes in the protected header, no more.")
