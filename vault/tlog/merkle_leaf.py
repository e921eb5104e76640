"""The hash of a log leaf, needed in the commit before the rest of the log has anything to do."""

import hashlib

# RFC 6962, 2.1: keeps leaves and inner nodes apart, so that no node can be passed off as a leaf.
_LEAF_PREFIX = b"\x00"


def leaf_hash(data: bytes) -> bytes:
    """SHA-256 of 0x00 and the leaf's bytes (RFC 6962, 2.1): 32 bytes."""
    return hashlib.sha256(_LEAF_PREFIX + data).digest()
