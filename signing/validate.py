"""Judging the seals of a PDF: bytes, trust and a time come in, reports come out (ETSI EN 319 102-1).

Independent of the writer: no module that makes a seal is imported here. Never raises on a bad file.
"""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

import pikepdf
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.judge.chain import check_path
from signing.judge.fields import Signed, check_field, forbids_changes, signed_fields
from signing.judge.findings import Findings, SubIndication
from signing.judge.integrity import check_digest, read_seal
from signing.judge.long_term import (
    DocumentTime,
    Evidence,
    judge_evidence,
    judge_revocation,
    judge_timestamp,
    proven_by_file,
    read_evidence,
)
from signing.judge.message import (
    SignedMessage,
    load_certificate,
    load_certificates,
    signing_certificate,
    subject_name,
    verify_signature,
)
from signing.judge.ranges import CoveredBytes, check_coverage, covered_bytes
from signing.judge.revisions import Later
from signing.judge.seal_list import against_record, check_listed, recorded_check
from signing.judge.trust import ListedSeal, RecordedSignatures, Trust
from signing.judge.updates import Additions
from signing.judge.whole import Whole, judge_whole
from signing.opening import open_pdf
from vault.errors import SignatureError
from vault.model.verdict import Check, CheckResult, Indication, SealReport, SignatureKind

__all__ = ["CHECK_NAMES", "ListedSeal", "RecordedSignatures", "Trust", "judge_pdf", "recorded_check"]

PDF_SIZE_MAX_BYTES = 64 * 1024 * 1024  # a file that the judge reads is held in memory as a whole
# Each rule has one name; V3, the digest of the whole file, is the vault's to look up.
CHECK_NAMES = (
    "file_ends",  # V1
    "active_content",  # V2
    "revisions",  # V7
    "rendering",  # V11
    "byte_range",  # V5
    "coverage",  # V6
    "field",  # V8
    "docmdp",
    "cms",  # V4
    "digest",  # V4
    "signing_certificate",  # V4
    "signature",  # V4
    "timestamp",  # V12
    "archive",  # V12, of document time-stamps
    "chain",
    "revocation",
    "seal_list",  # V9
)


@dataclass(frozen=True, slots=True)
class _Case:
    """What every seal of one file is judged by."""

    pdf: bytes = field(repr=False)
    catalogue: pikepdf.Object = field(repr=False)
    additions: Additions = field(repr=False)
    found: list[Signed] = field(repr=False)
    whole: Whole
    trust: Trust
    roots: list[x509.Certificate] = field(repr=False)
    evidence: Evidence
    at: datetime


def judge_pdf(
    pdf: bytes,
    *,
    trust: Trust,
    at: datetime,
    recorded: RecordedSignatures | None = None,
    admitted: bool = False,
) -> tuple[SealReport, ...]:
    """A report on each signature and document time-stamp of a PDF, oldest first; empty when it has none.

    `at`: now. `admitted`: what was sealed here just now had passed the gate, or was typeset here, and is not
    searched for active content (V2) again. First the file as a whole (`judge.whole`): V1 `file_ends`, V2
    `active_content`, V7 `revisions`, V11 `rendering`. Then each signature:
    1. V5 `byte_range`: covers all but its own value; V6 `coverage`: to the file's end, if it is the newest;
    2. V8 `field`: one field holds it, under a name of its own; `docmdp`: whether it permits changes; 3. V4
    `cms`: one signer, detached; `digest` of the covered bytes; `signing_certificate` named by the signature
    itself; `signature` value; 4. V12 `timestamp`, if there is one; `archive`: the document time-stamps, if
    there are any; `chain` to a root, valid at the proven time, else at `at`; `revocation`: nothing in it was
    revoked by then, as far as anything is known; 5. V9 `seal_list`; and, where `recorded` says what to
    expect, V10 `recorded_signatures`.

    A file that cannot be read gets one report, INDETERMINATE with FORMAT_FAILURE. Nothing is fetched.
    """
    try:
        if len(pdf) > PDF_SIZE_MAX_BYTES:
            return (_unreadable(f"The file is over {PDF_SIZE_MAX_BYTES} bytes."),)
        with open_pdf(pdf) as opened:
            if opened.is_encrypted:  # even without a password: what is shown is not what was hashed
                return (_unreadable("The file is encrypted."),)
            found = signed_fields(opened.Root)
            if not found:
                return ()
            additions = Additions(pdf)
            whole = judge_whole(
                pdf, opened, additions, found, size_max_bytes=PDF_SIZE_MAX_BYTES, admitted=admitted
            )
            roots = [load_certificate(root) for root in trust.roots]
            evidence = read_evidence(
                pdf,
                opened.Root,
                additions,
                found,
                roots=roots,
                at=at,
                knowledge=trust.knowledge,
            )
            case = _Case(pdf, opened.Root, additions, found, whole, trust, roots, evidence, at)
            reports = _judge_all(case)
    except Exception:  # noqa: BLE001 - the boundary: hostile files raise anything, and a judge reports
        return (_unreadable("The file is no PDF that can be read."),)
    return reports if recorded is None else against_record(reports, recorded)


def _judge_all(case: _Case) -> tuple[SealReport, ...]:
    """Newest first: whether a later signer may have added to the file depends on who that is."""
    reports: list[SealReport] = []
    for place in reversed(range(len(case.found))):
        passed = all(report.indication is Indication.TOTAL_PASSED for report in reports)
        reports.append(_judge_one(case, place, later_passed=passed))
    return tuple(reversed(reports))


def _judge_one(case: _Case, place: int, *, later_passed: bool) -> SealReport:
    signed, findings = case.found[place], Findings()
    findings.adopt(case.whole.findings)
    if case.whole.later.get(place) is Later.OWN_FIELD and not later_passed:
        findings.overrule(
            "revisions",
            "Somebody who is not known to be entitled signed later, in a field that was not there before.",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    if signed.is_time_stamp and not later_passed:
        findings.overrule(
            "revisions",
            "What was signed or stamped later does not hold.",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    covered: CoveredBytes | None = None
    with findings.step("byte_range"):  # 1
        covered = covered_bytes(case.pdf, signed.signature)
        findings.passed("byte_range", "The signature covers everything but its own value.")
    if covered is not None:
        with findings.step("coverage"):
            newest = signed is case.found[-1]
            torn = place in case.whole.torn and _is_frozen(case, signed)
            check_coverage(findings, case.pdf, case.additions, covered, newest=newest, torn=torn)
    with findings.step("field"):  # 2
        check_field(case.found, signed)
        findings.passed("field", "The signature stands in one field.")
    if signed.is_time_stamp:
        return _judge_stamp(case, place, covered, findings)
    with findings.step("docmdp"):
        how = forbids_changes(case.catalogue, signed)
        if how is None:  # a plain approval: `coverage` and `revisions` say that none were made
            findings.unknown("docmdp", "The signature does not forbid later changes (DocMDP P = 1).")
        else:
            findings.passed("docmdp", how)
    return _judge_seal(case, signed, covered, findings)


def _judge_seal(case: _Case, signed: Signed, covered: CoveredBytes | None, findings: Findings) -> SealReport:
    message: SignedMessage | None = None
    certificate: x509.Certificate | None = None
    proven_at: datetime | None = None
    authority: str | None = None
    if covered is not None:
        with findings.step("cms"):  # 3
            message = read_seal(covered, str(signed.signature.get("/SubFilter", "")))
            findings.passed("cms", f"One signer, detached, by {message.digest_name}.")
    if covered is not None and message is not None:
        with findings.step("digest"):
            check_digest(message, covered)
            findings.passed("digest", f"The file's {message.digest_name} is the one that was sealed.")
        with findings.step("signing_certificate"):
            certificate = signing_certificate(message)
            findings.passed("signing_certificate", "The signature names its own certificate.")
    if covered is not None and message is not None and certificate is not None:
        with findings.step("signature"):
            findings.passed("signature", verify_signature(message, certificate) + ".")
        by_file = proven_by_file(covered, case.evidence)
        with findings.step("timestamp"):  # 4
            proven_at = judge_timestamp(
                findings,
                certificate,
                message,
                case.evidence,
                case.roots,
                claimed_at=signed.claimed_time,
                proven_at=by_file,
                now=case.at,
            )
        with findings.step("archive"):
            judge_evidence(findings, case.evidence, covered)
        proven_at = min((moment for moment in (proven_at, by_file) if moment is not None), default=None)
        with findings.step("chain"):
            pool = [*load_certificates(message.certificates), *case.evidence.certificates]
            root = check_path(certificate, pool, case.roots, proven_at or case.at)
            findings.passed("chain", f"Leads to {subject_name(root)}.")
            with findings.step("revocation"):
                judge_revocation(
                    findings,
                    certificate,
                    message,
                    case.evidence,
                    case.roots,
                    proven_at=proven_at,
                    claimed_at=signed.claimed_time,
                    now=case.at,
                )
        with findings.step("seal_list"):  # 5
            authority = check_listed(findings, case.trust, _sha256(certificate), proven_at)
    findings.not_reached(CHECK_NAMES)
    return _report(findings, signed, covered, certificate, proven_at, authority)


def _judge_stamp(case: _Case, place: int, covered: CoveredBytes | None, findings: Findings) -> SealReport:
    """A document time-stamp, judged with the others: it is on no list of seals and certifies nothing."""
    proven: DocumentTime | None = None
    with findings.step("timestamp"):  # 4
        proven = _document_time(case, place)
        findings.passed("timestamp", f"The file is older than {proven.proven_at:%Y-%m-%d %H:%M:%S} UTC.")
    certificate = None if proven is None else proven.signer
    proven_at = None if proven is None else proven.proven_at
    return _report(findings, case.found[place], covered, certificate, proven_at, None)


def _document_time(case: _Case, place: int) -> DocumentTime:
    older = sum(each.is_time_stamp for each in case.found[:place])
    found = case.evidence.stamps[older].found
    if isinstance(found, SignatureError):
        raise found
    return found


def _is_frozen(case: _Case, signed: Signed) -> bool:
    """Whether the signature says that nothing may be added; what cannot be read says nothing."""
    try:
        return forbids_changes(case.catalogue, signed) is not None
    except Exception:  # noqa: BLE001 - the check `docmdp` reports it
        return False


def _report(
    findings: Findings,
    signed: Signed,
    covered: CoveredBytes | None,
    certificate: x509.Certificate | None,
    proven_at: datetime | None,
    authority: str | None,
) -> SealReport:
    indication, sub_indication = findings.indication()
    return SealReport(
        indication=indication,
        sub_indication=sub_indication,
        signer=None if certificate is None else subject_name(certificate),
        certificate_sha256=None if certificate is None else _sha256(certificate),
        sealed_at=signed.claimed_time,
        proven_at=proven_at,
        checks=tuple(findings.checks),
        kind=SignatureKind.DOCUMENT_TIMESTAMP if signed.is_time_stamp else SignatureKind.SEAL,
        field_name=signed.name,
        authority=authority,
        covered_bytes=0 if covered is None else covered.end,
    )


def _sha256(certificate: x509.Certificate) -> str:
    return sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def _unreadable(detail: str) -> SealReport:
    check = Check("readable", CheckResult.FAILED, detail)
    return SealReport(
        Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE.value, None, None, None, None, (check,)
    )
