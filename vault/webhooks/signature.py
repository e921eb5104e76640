"""How a delivery is signed: HMAC-SHA-256 (RFC 2104) over the time, a dot and the body."""

import hmac
from collections.abc import Sequence
from datetime import datetime

SIGNATURE_HEADER = "Certvault-Signature"
DELIVERY_HEADER = "Certvault-Delivery"
WEBHOOK_HEADER = "Certvault-Webhook"


def signature(secrets: Sequence[str], body: bytes, at: datetime) -> str:
    """The header's value: `t=` the time in seconds since 1970, and a `v1=` in hex for each live secret.

    The time is signed, too, so that who records a delivery cannot send it again much later.
    """
    seconds = int(at.timestamp())
    message = b"%d." % seconds + body
    values = (hmac.digest(secret.encode(), message, "sha256").hex() for secret in secrets)
    return ",".join([f"t={seconds}", *(f"v1={value}" for value in values)])
