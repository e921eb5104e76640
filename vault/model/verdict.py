"""What a verification says: a union of verdicts over seal reports, never one boolean.

Words of ETSI EN 319 102-1, clause 5.1.3 for the seal's own indication.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from vault.model.legal_time import legal_day
from vault.model.origin import OriginKind, origin_words


class CheckResult(StrEnum):
    """Outcome of one named check; `unknown` is an answer of its own, neither good nor bad."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One named check of a report: a stable name, its result, and a sentence for people."""

    name: str
    result: CheckResult
    detail: str


class Indication(StrEnum):
    """Main indication of a seal's validation (ETSI EN 319 102-1, table 2)."""

    TOTAL_PASSED = "TOTAL-PASSED"
    TOTAL_FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


class SignatureKind(StrEnum):
    """What a signature in a file is for."""

    SEAL = "seal"
    SIGNATURE = "signature"  # GB/T 35275, without a seal: the platform closes an OFD by one
    DOCUMENT_TIMESTAMP = "document_timestamp"  # ISO 32000-2, clause 12.8.5: seals nothing, proves a time


@dataclass(frozen=True, slots=True)
class SealReport:
    """What judging one seal found. `sub_indication` as in EN 319 102-1 table 3, None when passed.

    `signer` is the certificate's subject as RFC 4514 text; `certificate_sha256` hex of its DER;
    `sealed_at` the time that the seal claims, `proven_at` the time that a trusted time-stamp proves.
    `field_name`: the form field that holds it. `authority`: whose seal it is, by the seal list; None where it
    is on none. `covered_bytes`: how far from its start the file is covered, 0 where that cannot be read.
    """

    indication: Indication
    sub_indication: str | None
    signer: str | None
    certificate_sha256: str | None
    sealed_at: datetime | None
    proven_at: datetime | None
    checks: tuple[Check, ...]
    kind: SignatureKind = SignatureKind.SEAL
    field_name: str | None = None
    authority: str | None = None
    covered_bytes: int = 0


class VerdictName(StrEnum):
    """The five answers of the public contract."""

    GENUINE = "genuine"
    NOT_IN_FORCE = "not_in_force"
    ALTERED = "altered"
    FOREIGN = "foreign"
    UNRECOGNISED = "unrecognised"


@dataclass(frozen=True, slots=True)
class Genuine:
    """The vault issued it and it is in force now; `certificate` None for a copy of a material."""

    certificate: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class NotInForce:
    """The vault issued it, and it is not in force: `reason` says why, in a stable token."""

    certificate: Mapping[str, Any] | None
    reason: str


@dataclass(frozen=True, slots=True)
class Altered:
    """It claims to be one of ours and is not the bytes that we hold."""

    certificate: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Foreign:
    """A sealed file that is not the vault's."""


@dataclass(frozen=True, slots=True)
class Unrecognised:
    """Nothing that the vault knows: no such code, not sealed, or not readable."""


Verdict = Genuine | NotInForce | Altered | Foreign | Unrecognised


@dataclass(frozen=True, slots=True)
class Verification:
    """A whole report: the verdict, its checks in order, the seals found, and when it was made.

    `usage_copy`: where the file is a usage copy (加注件), for what it is good and until when.
    `disputed_since`: when the authority accepted a dispute (异议) of the certificate that is open.
    `certificate_id`: which of ours it is, where it is one; for the count, and not told.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    seals: tuple[SealReport, ...]
    log: Mapping[str, Any] | None
    checked_at: datetime
    usage_copy: Mapping[str, Any] | None = None
    disputed_since: datetime | None = None
    certificate_id: UUID | None = None


def disputed_checks(since: datetime | None) -> tuple[Check, ...]:
    """Neither good nor bad: whoever relies on what is disputed should know, and decides for themselves."""
    if since is None:
        return ()
    sentence = f"The certificate is under dispute since {legal_day(since)}: its authority is looking into it."
    return (Check("undisputed", CheckResult.UNKNOWN, sentence),)


def origin_checks(kind: OriginKind) -> tuple[Check, ...]:
    """Of what was not sealed when it was issued: a copy that nobody compared is neither good nor bad."""
    if kind is OriginKind.BORN_SEALED:
        return ()
    result = CheckResult.UNKNOWN if kind is OriginKind.SCAN_UNVERIFIED else CheckResult.PASSED
    return (Check("origin", result, origin_words(kind)[1]),)
