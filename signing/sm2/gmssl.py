"""SM2 by GmSSL through gmssl-pyx, where no libcrypto with SM2 is at hand (Red Hat builds it without).

GmSSL holds the GIL, takes keys as `bytes` (which Python cannot overwrite when they go), and writes a line to
the standard error stream for each signature that does not hold. It gives no public key for a private one and
signs with any that it is handed, so this module only uses the functions that take the private key alone.
"""

from typing import Any

from signing.sm2.curve import FIELD_BYTES, recovered_points
from signing.sm2.engine import incapable, rejected
from signing.sm2.value import read_value

_TRIAL_DIGESTS = (1, 2)  # any two
_SELDOM = 4  # tries: that r is not the x of its point happens once in 2**32 times and more


def open_engine() -> "Gmssl | None":
    """GmSSL as an engine; None where gmssl-pyx is not installed."""
    try:
        import gmssl_pyx  # noqa: PLC0415 - only where it is needed
    except ImportError:
        return None
    return Gmssl(gmssl_pyx)


class Gmssl:
    """GmSSL as an engine."""

    name = "gmssl"

    def __init__(self, functions: Any) -> None:  # noqa: ANN401 - the package, which may be absent, as a value
        self.functions = functions

    def generate(self) -> "GmsslKey":
        """A new key, in [1, n-2]."""
        _, scalar = self.functions.sm2_key_generate()
        return self.open_key(scalar)

    def open_key(self, scalar: bytes | bytearray) -> "GmsslKey":
        """The key of this scalar, 32 octets, in [1, n-2]."""
        held = bytes(scalar)
        return GmsslKey(self, held, self._public_key_of(held))

    def check_digest(self, public_key: bytes, digest: bytes, signature: bytes) -> None:
        """Returns where the DER signature of e holds by this point of the curve.

        Raises:
            SignatureError: it does not (`SIG_CRYPTO_FAILURE`).
        """
        try:
            held = self.functions.sm2_verify_sm3_digest(public_key[1:], digest, signature)
        except self.functions.GmsslInnerError as error:
            raise rejected() from error
        if not held:
            raise rejected()

    def sign_digest(self, scalar: bytes, digest: bytes) -> bytes:
        """The DER signature of e."""
        try:
            signature: bytes = self.functions.sm2_sign_sm3_digest(scalar, digest)
        except self.functions.GmsslInnerError as error:
            raise incapable("GmSSL cannot compute with this SM2 key.") from error
        return signature

    def _public_key_of(self, scalar: bytes) -> bytes:
        """From two signatures: each gives two points that may be it, and it alone comes from both.

        All the arithmetic here is on what anybody may know.
        """
        for _ in range(_SELDOM):
            common = set.intersection(*(self._candidates(scalar, digest) for digest in _TRIAL_DIGESTS))
            if len(common) == 1:
                return common.pop()
        raise incapable("GmSSL cannot compute with this SM2 key.")

    def _candidates(self, scalar: bytes, digest: int) -> set[bytes]:
        signature = self.sign_digest(scalar, digest.to_bytes(FIELD_BYTES, "big"))
        return set(recovered_points(digest, *read_value(signature)))


class GmsslKey:
    """A private key that GmSSL signs with."""

    def __init__(self, engine: Gmssl, scalar: bytes, public_key: bytes) -> None:
        self._engine = engine
        self._scalar = scalar
        self.public_key = public_key

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign e, 32 octets; DER."""
        return self._engine.sign_digest(self._scalar, digest)

    def scalar(self) -> bytearray:
        """The private key, 32 octets; the caller overwrites them after use."""
        return bytearray(self._scalar)
