"""The curve that GB/T 32918.5-2017 recommends (clause 2), and what can be said of a point without a secret.

Only public points come here; whatever touches a private key is an engine's.
"""

from vault.errors import SignatureError

PRIME = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
A = PRIME - 3
B = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
ORDER = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123
BASE = (
    0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7,
    0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0,
)
FIELD_BYTES = 32  # of a coordinate and of a scalar
PUBLIC_KEY_BYTES = 1 + 2 * FIELD_BYTES
_UNCOMPRESSED = 0x04  # GB/T 32918.1, clause 4.2.9: how an uncompressed point begins


def check_point(public_key: bytes) -> None:
    """Returns where these octets are a point of the curve, uncompressed; its cofactor is 1, so any will do.

    Raises:
        SignatureError: they are not (`CRYPTO_CONSTRAINTS_FAILURE`).
    """
    if len(public_key) != PUBLIC_KEY_BYTES or public_key[0] != _UNCOMPRESSED:
        raise SignatureError(
            f"An SM2 public key has {PUBLIC_KEY_BYTES} octets and begins with 04, got {len(public_key)} "
            "octets or another beginning.",
            reason="CRYPTO_CONSTRAINTS_FAILURE",
        )
    x = int.from_bytes(public_key[1 : 1 + FIELD_BYTES], "big")
    y = int.from_bytes(public_key[1 + FIELD_BYTES :], "big")
    if x >= PRIME or y >= PRIME or (y * y - (x * x * x + A * x + B)) % PRIME:
        raise SignatureError(
            "The SM2 public key is no point of the curve.", reason="CRYPTO_CONSTRAINTS_FAILURE"
        )


def recovered_points(digest: int, r: int, s: int) -> list[bytes]:
    """The public keys by which (r, s) is a signature of e: P = (r + s)⁻¹·(R − s·G), where R has x = r − e.

    At most two; from GB/T 32918.2, clause 7.1, step B6 turned round. In variable time: for public values.
    """
    x = (r - digest) % ORDER
    square = (x * x * x + A * x + B) % PRIME
    y = pow(square, (PRIME + 1) // 4, PRIME)  # a root, if there is one: the prime is 3 modulo 4
    if y * y % PRIME != square:
        return []
    minus_s_base = _multiplied(ORDER - s, BASE)
    inverse = pow(r + s, -1, ORDER)
    found = []
    for point in ((x, y), (x, PRIME - y)):
        total = _added(point, minus_s_base)
        public = None if total is None else _multiplied(inverse, total)
        if public is not None:
            x_y = (coordinate.to_bytes(FIELD_BYTES, "big") for coordinate in public)
            found.append(bytes((_UNCOMPRESSED,)) + b"".join(x_y))
    return found


_Point = tuple[int, int] | None  # None: the point at infinity


def _multiplied(factor: int, point: _Point) -> _Point:
    product: _Point = None
    while factor:
        if factor & 1:
            product = _added(product, point)
        point = _added(point, point)
        factor >>= 1
    return product


def _added(one: _Point, other: _Point) -> _Point:
    """GB/T 32918.1, clause 3.2.3.1."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % PRIME == 0:
            return None
        slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, PRIME)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, PRIME)
    x3 = (slope * slope - x1 - x2) % PRIME
    return x3, (slope * (x1 - x3) - y1) % PRIME
