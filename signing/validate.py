"""Judging the seals of a PDF: bytes, roots and a time come in, reports come out (ETSI EN 319 102-1).

Independent of the writer: no module that makes a seal is imported here. Never raises on a bad file.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pikepdf
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.judge.chain import check_path
from signing.judge.findings import FATAL, Findings, SubIndication, failure
from signing.judge.integrity import check_digest
from signing.judge.long_term import (
    Evidence,
    check_stamp_not_revoked,
    is_time_stamp,
    judge_evidence,
    judge_revocation,
    proven_by_file,
    read_evidence,
)
from signing.judge.message import (
    SignedMessage,
    load_certificate,
    load_certificates,
    read_message,
    signing_certificate,
    verify_signature,
)
from signing.judge.ranges import CoveredBytes, covered_bytes
from signing.judge.revocation import NOTHING, RevocationKnowledge
from signing.judge.stamp import proven_time
from signing.judge.updates import check_only_long_term
from signing.opening import open_pdf
from vault.errors import SignatureError
from vault.model.verdict import Check, CheckResult, Indication, SealReport

PDF_SIZE_MAX_BYTES = 64 * 1024 * 1024  # a file that the judge reads is held in memory as a whole
CHECK_NAMES = (
    "byte_range",
    "digest",
    "signing_certificate",
    "signature",
    "field",
    "docmdp",
    "timestamp",
    "archive",
    "chain",
    "revocation",
)
FIELDS_MAX = 2_000  # a form with more is an attempt to keep the judge busy
FIELD_DEPTH_MAX = 32
_DATE = re.compile(r"D:(\d{14})(?:Z|([+-])(\d\d)'?(\d\d)'?)?$")
_NO_CHANGES = 1  # DocMDP P = 1 (ISO 32000-1, table 254)


@dataclass(frozen=True, slots=True)
class _Signed:
    """A signature field and the signature in it."""

    held: pikepdf.Object = field(repr=False)
    signature: pikepdf.Object = field(repr=False)


def judge_pdf(
    pdf: bytes, *, roots: Sequence[bytes], at: datetime, knowledge: RevocationKnowledge = NOTHING
) -> tuple[SealReport, ...]:
    """A report on each seal of a PDF, oldest first; empty when it carries none.

    `roots`: trusted certificates, DER, for seals and time-stamps alike; `at`: now; `knowledge`: answers on
    revocation that are at hand beside those in the file. For each signature that is no document time-stamp:
    1. `byte_range`: covers the whole file but its own value, and what was added for the long term; 2.
    `digest` of the covered bytes; 3. `signing_certificate` named by the signature itself; 4. `signature`
    value; 5. `field`: one field holds it, under a name of its own; 6. `docmdp`: no changes permitted; 7.
    `timestamp`, if there is one; 8.
    `archive`: the document time-stamps, if there are any; 9. `chain` to a root, valid at the proven time,
    else at
    `at`; 10. `revocation`: nothing in it was revoked by then, as far as anything is known.

    A file that cannot be read gets one report, INDETERMINATE with FORMAT_FAILURE. Nothing is fetched.
    """
    try:
        with open_pdf(_sized(pdf)) as opened:
            if opened.is_encrypted:  # even without a password: what is shown is not what was hashed
                return (_unreadable("The file is encrypted."),)
            found = _signed_fields(opened.Root)
            found.sort(key=_range_end)
            trusted = [load_certificate(root) for root in roots]
            stamps = [each.signature for each in found if is_time_stamp(each.signature)]
            evidence = read_evidence(pdf, opened.Root, stamps, roots=trusted, at=at, knowledge=knowledge)
            return tuple(
                _judge_one(pdf, opened.Root, found, signed, evidence, roots=trusted, at=at)
                for signed in found
                if not is_time_stamp(signed.signature)
            )
    except Exception:  # noqa: BLE001 - the boundary: hostile files raise anything, and a judge reports
        return (_unreadable("The file is no PDF that can be read."),)


def _judge_one(
    pdf: bytes,
    catalogue: pikepdf.Object,
    found: list[_Signed],
    signed: _Signed,
    evidence: Evidence,
    *,
    roots: list[x509.Certificate],
    at: datetime,
) -> SealReport:
    findings = Findings()
    covered: CoveredBytes | None = None
    message: SignedMessage | None = None
    certificate: x509.Certificate | None = None
    proven_at: datetime | None = None
    with findings.step("byte_range"):  # 1
        covered = covered_bytes(pdf, signed.signature)
        _check_coverage(findings, covered, pdf, newest=signed is found[-1])
    if covered is not None:
        with findings.step("digest"):  # 2
            message = read_message(covered.value)
            check_digest(message, covered)
            findings.passed("digest", f"The file's {message.digest_name} is the one that was sealed.")
    if message is not None:
        with findings.step("signing_certificate"):  # 3
            certificate = signing_certificate(message)
            findings.passed("signing_certificate", "The signature names its own certificate.")
    if message is not None and certificate is not None:
        with findings.step("signature"):  # 4
            findings.passed("signature", verify_signature(message, certificate) + ".")
    with findings.step("field"):  # 5
        _check_field(findings, found, signed)
    with findings.step("docmdp"):  # 6
        _check_docmdp(findings, catalogue, signed)
    by_file = proven_by_file(covered, evidence)
    if message is not None:
        with findings.step("timestamp"):  # 7
            proven_at = _check_timestamp(findings, message, evidence, roots, by_file, at)
    with findings.step("archive"):  # 8
        judge_evidence(findings, evidence)
    proven_at = min((moment for moment in (proven_at, by_file) if moment is not None), default=None)
    if message is not None and certificate is not None:
        with findings.step("chain"):  # 9
            pool = [*load_certificates(message.certificates), *evidence.certificates]
            root = check_path(certificate, pool, roots, proven_at or at)
            findings.passed("chain", f"Leads to {root.subject.rfc4514_string()}.")
            with findings.step("revocation"):  # 10
                judge_revocation(
                    findings,
                    certificate,
                    message,
                    evidence,
                    roots,
                    proven_at=proven_at,
                    claimed_at=_claimed_time(signed.signature),
                    now=at,
                )
    findings.not_reached(CHECK_NAMES)
    return _report(findings, signed, certificate, proven_at)


def _check_coverage(findings: Findings, covered: CoveredBytes, pdf: bytes, *, newest: bool) -> None:
    if covered.end == len(pdf):
        findings.passed("byte_range", "The seal covers the whole file.")
        return
    try:
        check_only_long_term(pdf, covered.end)
    except Exception as error:  # what cannot be read was not added for the long term
        if newest:
            raise failure(
                SubIndication.FORMAT_FAILURE,
                f"{len(pdf) - covered.end} bytes were added to the file after its newest seal.",
            ) from error
        findings.undecided(
            "byte_range",
            "The signature covers an earlier revision of the file; what was added later is not judged.",
            SubIndication.SIG_CONSTRAINTS_FAILURE,
        )
    else:
        what = (
            "The seal covers the whole file, but for validation data and time-stamps that were added to it."
        )
        findings.passed("byte_range", what)


def _check_field(findings: Findings, found: list[_Signed], signed: _Signed) -> None:
    references = [other.signature.objgen for other in found]
    names = [str(other.held.get("/T", "")) for other in found]
    if references.count(signed.signature.objgen) != 1 or names.count(str(signed.held.get("/T", ""))) != 1:
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            "The signature stands in several fields, or fields share a name.",
        )
    findings.passed("field", "The signature stands in one field.")


def _check_docmdp(findings: Findings, catalogue: pikepdf.Object, signed: _Signed) -> None:
    """Certified, no changes permitted; or locked so, where others signed before (ISO 32000-2, table 236)."""
    methods = {
        str(reference.get("/TransformMethod")): reference.get("/TransformParams", pikepdf.Dictionary())
        for reference in signed.signature.get("/Reference", pikepdf.Array())
    }
    certified = catalogue.get("/Perms", pikepdf.Dictionary()).get("/DocMDP")
    if "/DocMDP" in methods and methods["/DocMDP"].get("/P") == _NO_CHANGES:
        if certified is None or certified.objgen != signed.signature.objgen:
            raise failure(
                SubIndication.SIG_CONSTRAINTS_FAILURE, "The catalogue does not name the certification."
            )
        findings.passed("docmdp", "Certified: no changes permitted.")
        return
    lock = signed.held.get("/Lock", pikepdf.Dictionary())
    if (
        methods.get("/FieldMDP", pikepdf.Dictionary()).get("/Action") == "/All"
        and lock.get("/Action") == "/All"
        and lock.get("/P") == _NO_CHANGES
    ):
        findings.passed("docmdp", "Signed after others, with a lock: no changes permitted.")
        return
    raise failure(SubIndication.SIG_CONSTRAINTS_FAILURE, "The seal does not forbid changes (DocMDP P = 1).")


def _check_timestamp(
    findings: Findings,
    message: SignedMessage,
    evidence: Evidence,
    roots: list[x509.Certificate],
    by_file: datetime | None,
    at: datetime,
) -> datetime | None:
    """The time that a trusted time-stamp over the signature value proves (RFC 3161), if there is one.

    It is judged at the time at which the file's own time-stamps prove it to have existed (`by_file`), else
    now.
    """
    if message.token is None:
        findings.unknown("timestamp", "The seal carries no time-stamp of its own.")
        return None
    try:
        proven = proven_time(message, roots, by_file or at, beside=evidence.certificates)
        check_stamp_not_revoked(message, evidence, roots, at=by_file or at, now=at)
    except SignatureError as error:
        # EN 319 102-1, clause 5.5.4: a bad time-stamp proves nothing, and breaks no seal
        reason = SubIndication(error.reason)
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE if reason in FATAL else reason, error.detail
        ) from error
    findings.passed("timestamp", f"Sealed before {proven:%Y-%m-%d %H:%M:%S} UTC.")
    return proven


def _report(
    findings: Findings,
    signed: _Signed,
    certificate: x509.Certificate | None,
    proven_at: datetime | None,
) -> SealReport:
    indication, sub_indication = findings.indication()
    return SealReport(
        indication=indication,
        sub_indication=sub_indication,
        signer=None if certificate is None else certificate.subject.rfc4514_string(),
        certificate_sha256=None
        if certificate is None
        else sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        sealed_at=_claimed_time(signed.signature),
        proven_at=proven_at,
        checks=tuple(findings.checks),
    )


def _unreadable(detail: str) -> SealReport:
    check = Check("readable", CheckResult.FAILED, detail)
    return SealReport(
        Indication.INDETERMINATE, SubIndication.FORMAT_FAILURE.value, None, None, None, None, (check,)
    )


def _signed_fields(catalogue: pikepdf.Object) -> list[_Signed]:
    """All fields that hold a signature, at any depth of the form."""
    found: list[_Signed] = []
    waiting: list[tuple[pikepdf.Object, pikepdf.Object | None, int]] = [
        (held, None, 0) for held in _kids(catalogue.get("/AcroForm", pikepdf.Dictionary()), "/Fields")
    ]
    seen = 0
    while waiting:
        held, kind, depth = waiting.pop()
        seen += 1
        if seen > FIELDS_MAX or depth > FIELD_DEPTH_MAX:
            raise failure(SubIndication.FORMAT_FAILURE, "The form is too large or too deep.")
        kind = held.get("/FT", kind)
        value = held.get("/V")
        if kind == "/Sig" and isinstance(value, pikepdf.Dictionary):
            found.append(_Signed(held, value))
        waiting += [(kid, kind, depth + 1) for kid in _kids(held, "/Kids")]
    return found


def _kids(held: pikepdf.Object, key: str) -> list[pikepdf.Object]:
    entries = held.get(key, pikepdf.Array())
    return [entry for entry in entries if isinstance(entry, pikepdf.Dictionary)]


def _range_end(signed: _Signed) -> int:
    numbers = list(signed.signature.get("/ByteRange", pikepdf.Array()))
    return int(numbers[2]) + int(numbers[3]) if len(numbers) == 4 else 0  # noqa: PLR2004 - [0 a b c]


def _claimed_time(signature: pikepdf.Object) -> datetime | None:
    """The signer's own statement of the time, /M (ISO 32000-1, clause 7.9.4); None if it is no date."""
    matched = _DATE.match(str(signature.get("/M", "")))
    if matched is None:
        return None
    try:
        local = datetime.strptime(matched.group(1), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    if matched.group(2) is None:
        return local
    offset = timedelta(hours=int(matched.group(3)), minutes=int(matched.group(4)))
    return local - offset if matched.group(2) == "+" else local + offset


def _sized(pdf: bytes) -> bytes:
    if len(pdf) > PDF_SIZE_MAX_BYTES:
        raise failure(SubIndication.FORMAT_FAILURE, f"The file is over {PDF_SIZE_MAX_BYTES} bytes.")
    return pdf
