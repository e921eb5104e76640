"""The seam between SM2's own bookkeeping and the engine that computes with keys, chosen once on first use."""

from functools import cache
from typing import Protocol

from vault.errors import SignatureError


class EngineKey(Protocol):
    """A private key where an engine holds it; freed with its last reference."""

    @property
    def public_key(self) -> bytes:
        """The point, uncompressed: 65 octets."""

    def sign_digest(self, digest: bytes) -> bytes:
        """Sign e, 32 octets (GB/T 32918.2, clause 6.1 from step A3 on); DER."""

    def scalar(self) -> bytearray:
        """The private key, 32 octets; the caller overwrites them after use."""


class Engine(Protocol):
    """Computes with keys; any number of threads may call it."""

    name: str

    def generate(self) -> EngineKey:
        """A new key, in [1, n-2]."""

    def open_key(self, scalar: bytes | bytearray) -> EngineKey:
        """The key of this scalar, 32 octets, in [1, n-2]."""

    def check_digest(self, public_key: bytes, digest: bytes, signature: bytes) -> None:
        """Returns where the DER signature of e holds by this point of the curve.

        Raises:
            SignatureError: it does not (`SIG_CRYPTO_FAILURE`).
        """


def rejected() -> SignatureError:
    """What an engine raises for a signature that is not this key's."""
    return SignatureError(
        "The SM2 signature value does not fit the signer's key.", reason="SIG_CRYPTO_FAILURE"
    )


def incapable(detail: str) -> SignatureError:
    """What an engine raises where it cannot compute at all."""
    return SignatureError(detail, reason="CRYPTO_CONSTRAINTS_FAILURE")


@cache
def chosen_engine() -> Engine:
    """OpenSSL's libcrypto where one with SM2 is at hand, GmSSL by gmssl-pyx elsewhere (decision 0028).

    Raises:
        SignatureError: neither is (`CRYPTO_CONSTRAINTS_FAILURE`).
    """
    from signing.sm2 import gmssl, libcrypto  # noqa: PLC0415 - loads C libraries, and only who signs needs them

    engine = libcrypto.open_engine() or gmssl.open_engine()
    if engine is None:
        raise incapable(
            "SM2 needs OpenSSL's libcrypto 3 with SM2, or the package gmssl-pyx: neither is at hand."
        )
    return engine
