"""SM2 signatures with SM3 (GB/T 32918.2, the recommended curve of GB/T 32918.5), by an engine in C.

`sign` and `verify` hash with the standard user id; `PrivateKey` is opaque. Nothing is loaded on import: the
first use chooses the engine (`signing.sm2.engine`).
"""

from signing.sm2.curve import PUBLIC_KEY_BYTES
from signing.sm2.key_file import key_pem, load_key
from signing.sm2.keys import PrivateKey, generate
from signing.sm2.message import USER_ID, sign, sm3, verify
from signing.sm2.value import SIGNATURE_MAX_BYTES

__all__ = [
    "PUBLIC_KEY_BYTES",
    "SIGNATURE_MAX_BYTES",
    "USER_ID",
    "PrivateKey",
    "generate",
    "key_pem",
    "load_key",
    "sign",
    "sm3",
    "verify",
]
