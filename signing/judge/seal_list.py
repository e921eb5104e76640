"""V9 and V10: whether a signer stands on the seal list, and whether a file has the signatures on record."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from signing.judge.findings import Findings, SubIndication, failure
from signing.judge.trust import ListedSeal, RecordedSignatures, Trust
from vault.model.verdict import Check, CheckResult, Indication, SealReport, SignatureKind


def check_listed(
    findings: Findings, trust: Trust, certificate_sha256: str, proven_at: datetime | None
) -> str | None:
    """V9: the signer's certificate is one of a seal that was in use; whose it is.

    At the time that a time-stamp proves. Without one nobody knows whether a seal that was stopped since had
    sealed before: that is left undecided.

    Raises:
        SignatureError: it is on no line of the list, or was not in use then (SIG_CONSTRAINTS_FAILURE).
    """
    if trust.seals is None:
        findings.unknown("seal_list", "No list of seals is at hand here.")
        return None
    lines = [seal for seal in trust.seals if seal.certificate_sha256 == certificate_sha256]
    if not lines:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE, "The signer is on no issuing authority's list of seals."
        )
    authority = lines[0].authority
    if proven_at is None:
        if all(seal.until is not None for seal in lines):
            findings.undecided(
                "seal_list",
                "The seal is out of use now, and no time-stamp proves that it was in use when it sealed.",
                SubIndication.OUT_OF_BOUNDS_NO_POE,
            )
            return authority
    elif not any(_in_use(seal, proven_at) for seal in lines):
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE, f"The seal was not in use on {proven_at:%Y-%m-%d}."
        )
    findings.passed("seal_list", f"A seal on the list, of {authority}.")
    return authority


def _in_use(seal: ListedSeal, at: datetime) -> bool:
    return seal.since <= at and (seal.until is None or at < seal.until)


def against_record(reports: tuple[SealReport, ...], recorded: RecordedSignatures) -> tuple[SealReport, ...]:
    """V10, for every report: a file whose signatures are not those on record passes with none of them."""
    check = recorded_check(reports, recorded)
    return tuple(_with_check(report, check) for report in reports)


def _with_check(report: SealReport, check: Check) -> SealReport:
    undecided = check.result is CheckResult.FAILED and report.indication is Indication.TOTAL_PASSED
    return replace(
        report,
        indication=Indication.INDETERMINATE if undecided else report.indication,
        sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE.value if undecided else report.sub_indication,
        checks=(*report.checks, check),
    )


def recorded_check(reports: Sequence[SealReport], recorded: RecordedSignatures | None) -> Check:
    """V10: number, names and signers of the file's signatures are those that the vault has on record.

    A stripped signature leaves nothing behind by which the rest could tell.
    """
    name = "recorded_signatures"
    if recorded is None or recorded.signatures is None:
        return Check(name, CheckResult.UNKNOWN, "The vault has no list of signatures for this file.")
    found = tuple(
        (report.field_name or "", report.certificate_sha256 or "")
        for report in reports
        if report.kind is not SignatureKind.DOCUMENT_TIMESTAMP  # time-stamps are added for the long term
    )
    if found == recorded.signatures:
        return Check(name, CheckResult.PASSED, "It bears the signatures that are on record.")
    expected = ", ".join(field for field, _ in recorded.signatures)
    return Check(
        name,
        CheckResult.FAILED,
        f"On record are {len(recorded.signatures)} signatures ({expected}), the file bears {len(found)}, "
        "or others.",
    )
