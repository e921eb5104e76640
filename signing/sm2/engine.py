"""The seam between SM2's own bookkeeping and the engine that computes with keys, chosen once on first use."""

from collections.abc import Callable
from functools import cache
from typing import Protocol

from vault.errors import SignatureError

# GB/T 32918.5-2017, annex A.2: public key, e, and the signature in DER
_EXAMPLE_KEY = (
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
_EXAMPLE_DIGEST = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
_EXAMPLE_SIGNATURE = (
    "3046022100f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "022100b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)


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

    One that does not compute as the standard does is passed over.

    Raises:
        SignatureError: neither is at hand (`CRYPTO_CONSTRAINTS_FAILURE`).
    """
    from signing.sm2 import gmssl, libcrypto  # noqa: PLC0415 - loads C libraries, and only who signs needs them

    sources: tuple[Callable[[], Engine | None], ...] = (libcrypto.open_engine, gmssl.open_engine)
    for open_engine in sources:
        engine = open_engine()
        if engine is not None:
            try:
                try_out(engine)
            except SignatureError:
                continue
            return engine
    raise incapable("SM2 needs OpenSSL's libcrypto 3 with SM2, or the package gmssl-pyx: neither is at hand.")


def try_out(engine: Engine) -> None:
    """Returns where an engine verifies the standard's example, and signs with a key that it made.

    Raises:
        SignatureError: it does not.
    """
    public_key, digest, signature = map(bytes.fromhex, (_EXAMPLE_KEY, _EXAMPLE_DIGEST, _EXAMPLE_SIGNATURE))
    engine.check_digest(public_key, digest, signature)
    made = engine.generate()
    again = engine.open_key(made.scalar())
    engine.check_digest(made.public_key, digest, again.sign_digest(digest))
