"""What must hold before a seal is used, apart from signatures: who is listed, and when it is valid."""

import hashlib
from datetime import datetime

from signing.ses.structure import SM3, ReadSeal
from vault.errors import SignatureError

# How certListType 2 names its digest: the word or the OID, no real seal of that kind was seen.
_SM3_NAMES = {"SM3", SM3}


def require_listed(seal: ReadSeal, certificate: bytes) -> None:
    """Returns where the seal names this certificate, byte for byte or by its SM3 digest.

    Raises:
        SignatureError: it does not (`signer-not-listed`).
    """
    if certificate in seal.certificates:
        return
    digest = hashlib.new("sm3", certificate).digest() if seal.digests else b""
    if any(each.algorithm.upper() in _SM3_NAMES and each.value == digest for each in seal.digests):
        return
    detail = "The signer's certificate is not in the seal's certificate list (certList)."
    raise SignatureError(detail, reason="signer-not-listed")


def require_in_force(seal: ReadSeal, at: datetime) -> None:
    """Returns where a time lies within the seal's validity, both ends included, to the second.

    Raises:
        SignatureError: it does not (`seal-not-valid`).
    """
    if not seal.valid_from <= at.replace(microsecond=0) <= seal.valid_to:
        begin, end, now = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (seal.valid_from, seal.valid_to, at))
        detail = f"The seal is valid from {begin} to {end}, not at {now}."
        raise SignatureError(detail, reason="seal-not-valid")
