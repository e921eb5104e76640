"""Names for rows: UUIDs that sort by the time they were made, so that indexes grow at one end."""

import secrets
from datetime import datetime
from uuid import UUID

RANDOM_BITS = 74  # RFC 9562, 5.7: 12 bits rand_a and 62 bits rand_b


def uuid7(at: datetime) -> UUID:
    """A version 7 UUID (RFC 9562, clause 5.7) for the time `at`."""
    return _uuid7(at, secrets.randbits(RANDOM_BITS))


def first_uuid7(at: datetime) -> UUID:
    """The lowest of all that are made at that millisecond: rows from then on have higher ones."""
    return _uuid7(at, 0)


def _uuid7(at: datetime, noise: int) -> UUID:
    milliseconds = int(at.timestamp() * 1000)
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= (noise >> 62) << 64
    value |= 0b10 << 62
    value |= noise & ((1 << 62) - 1)
    return UUID(int=value)
