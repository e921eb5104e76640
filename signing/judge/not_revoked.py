"""The check `revocation`, of PDF's seals and of national ones alike."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from cryptography import x509

from signing.judge.findings import Findings, SubIndication, failure
from signing.judge.revocation import RevocationKnowledge, check_not_revoked
from vault.errors import SignatureError


def find_not_revoked(
    findings: Findings,
    path: Sequence[x509.Certificate],
    knowledge: RevocationKnowledge,
    *,
    proven_at: datetime | None,
    claimed_at: datetime | None,
    now: datetime,
) -> None:
    """No certificate of the signer's path was revoked by the proven time, else by now.

    Raises:
        SignatureError: revoked before, and the seal itself says that it is later (REVOKED); revoked, and
            nothing proves that the seal is older (REVOKED_NO_POE); not known (TRY_LATER).
    """
    at = proven_at or now
    try:
        known = check_not_revoked(path, knowledge, at=at, proven=proven_at is not None, now=now)
    except SignatureError as error:
        if error.reason != SubIndication.REVOKED_NO_POE or proven_at is None or claimed_at is None:
            raise
        try:
            check_not_revoked(path, replace(knowledge, required=False), at=claimed_at, proven=True, now=now)
        except SignatureError as sooner:
            if sooner.reason == SubIndication.REVOKED_NO_POE:
                raise failure(SubIndication.REVOKED, error.detail) from error
        raise
    if known:
        findings.passed(
            "revocation", f"No certificate of the path was revoked by {at:%Y-%m-%d %H:%M:%S} UTC."
        )
    else:
        findings.unknown("revocation", "Whether a certificate of the path was revoked is not known here.")
