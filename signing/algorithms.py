"""For how long signatures and digests are counted on: when a time-stamp over them has to be renewed.

Dates for planning, not for judging: each can be set to another day by configuration when an algorithm
weakens.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from asn1crypto import algos
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

# 112 bits of strength (RSA under 3072): NIST SP 800-57 part 1 revision 5, table 4: acceptable through 2030.
_END_112_BITS = datetime(2030, 12, 31, tzinfo=UTC)
# Any RSA and any elliptic curve: NIST IR 8547 (initial public draft), table 2: disallowed after 2035, by when
# signatures that withstand quantum computers are to be in use. ETSI TS 119 312 reviews its list every year or
# two.
_END_CLASSICAL = datetime(2035, 12, 31, tzinfo=UTC)
# SHA-2: no end is published (SP 800-57, table 4: "2031 and beyond"); far enough that another date comes
# first.
_END_SHA2 = datetime(2040, 12, 31, tzinfo=UTC)
RSA_STRONG_BITS = 3072

LIFETIMES: Mapping[str, datetime] = {
    "sha256": _END_SHA2,
    "sha384": _END_SHA2,
    "sha512": _END_SHA2,
    "rsa-2048": _END_112_BITS,
    "rsa-3072": _END_CLASSICAL,
    "ecdsa-secp256r1": _END_CLASSICAL,
    "ecdsa-secp384r1": _END_CLASSICAL,
    "ecdsa-secp521r1": _END_CLASSICAL,
}
"""Until when each algorithm is counted on; RSA by the least size of its class."""


def key_algorithm(certificate: x509.Certificate) -> str:
    """The name in `LIFETIMES` of what this certificate's key signs with; `unknown` for any other."""
    try:
        key = certificate.public_key()
    except (UnsupportedAlgorithm, ValueError):  # SM2, of which no end is published; or no key at all
        return "unknown"
    if isinstance(key, rsa.RSAPublicKey):
        return "rsa-3072" if key.key_size >= RSA_STRONG_BITS else "rsa-2048"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ecdsa-{key.curve.name}"
    return "unknown"


def digest_algorithm(algorithm: algos.DigestAlgorithm) -> str:
    """The digest's name in `LIFETIMES`."""
    return str(algorithm["algorithm"].native)


def earliest_end(algorithms: Iterable[str], lifetimes: Mapping[str, datetime] = LIFETIMES) -> datetime:
    """Until when all of these are counted on; what is not known is counted on no longer."""
    return min(
        (lifetimes.get(name, datetime.min.replace(tzinfo=UTC)) for name in algorithms), default=_END_SHA2
    )
