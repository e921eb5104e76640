"""Personal data at rest: a keyed index to find it by, an envelope to show it from.

An ID number has about 2^37 values, so a bare hash of one is as good as the number itself. The index is an
HMAC under a key that never enters the database; the envelope is authenticated encryption under a data key,
itself wrapped by a holder's key or by one that never enters the database. The associated data binds a
cipher text to its table, column and row, so that nobody can move one to another row.

`suites` has the algorithms, `sealing` envelopes and wrapped keys, `ring` the vault's own keys by version,
`ring_file` the file that holds them, `stream` files of any size.
"""

from storage.envelope.ring import KeyRing, RingKey, RingKeys
from storage.envelope.ring_file import (
    add_versions,
    drop_versions,
    file_key_ring,
    new_key_ring_document,
    read_key_ring,
)
from storage.envelope.sealing import (
    BY_A_ROW,
    DataKey,
    open_json,
    seal_json,
    sealed_header,
    tag_under,
    unwrap_key,
    version_of,
    wrap_key,
    wrapped_header,
)
from storage.envelope.stream import decrypted, encrypted, encrypted_size
from storage.envelope.suites import Suite

__all__ = [
    "BY_A_ROW",
    "DataKey",
    "KeyRing",
    "RingKey",
    "RingKeys",
    "Suite",
    "add_versions",
    "decrypted",
    "drop_versions",
    "encrypted",
    "encrypted_size",
    "file_key_ring",
    "new_key_ring_document",
    "open_json",
    "read_key_ring",
    "seal_json",
    "sealed_header",
    "tag_under",
    "unwrap_key",
    "version_of",
    "wrap_key",
    "wrapped_header",
]
