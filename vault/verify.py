"""Verification: by the QR's token, by number and code, or by the file itself.

The answer for a file comes in three tiers, cheapest and strongest first:

1. The very bytes that the vault holds, or made as a usage copy: the digest says so, nothing is parsed.
2. A sealed file that is not ours byte for byte: its newest seal is judged; if it claims one of our
   identifiers or is sealed by one of our seals, it is altered, otherwise foreign.
3. Neither ours nor sealed, or not readable: unrecognised.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from signing.validate import judge_pdf
from storage.certificates import certificate_or_rest, id_by_document, record
from storage.db import extend_scope
from storage.public_read import Found, PublicReader, PublicRow
from storage.statuses import out_of_force
from storage.uses import find_use, use_by_copy
from vault.log import moment, place_json
from vault.model.certificate import (
    CertificateRecord,
    ErasedCertificate,
    SealLevel,
    Status,
    files_of,
    newest_file,
)
from vault.model.dispute import dispute_note
from vault.model.face import masked_holder
from vault.model.in_force import why_not_in_force
from vault.model.legal_time import legal_day
from vault.model.lifecycle import OutOfForce
from vault.model.scope import of_shown
from vault.model.use import SubjectKind, UseRecord, end_sentence
from vault.model.verdict import (
    Altered,
    Check,
    CheckResult,
    Foreign,
    Genuine,
    NotInForce,
    SealReport,
    Unrecognised,
    Verdict,
    VerdictName,
    Verification,
    disputed_checks,
)
from vault.model.written import code_form, masked_number, number_form
from vault.workshop import Workshop

# A token has 22 characters, a code 10, a number at most 128: longer input is none of them and costs no query.
TYPED_MAX_CHARS = 200

# The verdicts that show a certificate.
_Ours = Genuine | NotInForce


async def by_token(reader: PublicReader, token: str, *, at: datetime) -> Verification:
    """What is true of the certificate whose QR holds this token.

    Raises:
        Unavailable: the database does not answer.
    """
    if len(token) > TYPED_MAX_CHARS:
        return _unknown(at)
    return await _looked_up(reader, await reader.by_token(token.strip()), "token", at)


async def by_code(reader: PublicReader, number: str, code: str, *, at: datetime) -> Verification:
    """What is true of the certificate with this number, if the code printed on it is this one.

    Raises:
        Unavailable: the database does not answer.
    """
    if len(number) > TYPED_MAX_CHARS or len(code) > TYPED_MAX_CHARS:
        return _unknown(at)
    found = await reader.by_number_and_code(number_form(number), code_form(code))
    return await _looked_up(reader, found, "number_and_code", at)


def by_file(workshop: Workshop, content: bytes, *, at: datetime) -> Verification:
    """What is true of this file. It is not kept.

    Raises:
        Unavailable: the database does not answer.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    ours: CertificateRecord | ErasedCertificate | None = None
    use = ended = None
    scope = of_shown(bytes.fromhex(sha256))
    with workshop.database.snapshot(scope) as db:  # the record and its newest event belong together
        certificate_id = id_by_document(db, sha256)
        if certificate_id is not None:
            extend_scope(db, scope.naming(certificate_id))
            ours = certificate_or_rest(db, workshop.keys, certificate_id)
        use_id = use_by_copy(db, sha256) if ours is None else None
        if use_id is not None:
            extend_scope(db, scope.naming(use_id))
            use = find_use(db, workshop.keys, use_id)
        if use is not None and use.subject.kind is SubjectKind.CERTIFICATE:
            extend_scope(db, scope.naming(use.subject.id))
            ours = record(db, workshop.keys, use.subject.id)
        if ours is not None:
            ended = out_of_force(db, ours)
    shown = None if use is not None else sha256
    found = None if ours is None else _of_record(workshop, ours, ended, at, shown)  # tier 1
    if use is not None:
        return _of_copy(use, found, at)
    if found is not None:
        return found
    reports = judge_pdf(content, roots=workshop.trust_roots, at=at)
    return _of_strange_file(reports, at)


def of_presented(
    ours: CertificateRecord, ended: OutOfForce | None, shown: Mapping[str, Any], *, at: datetime
) -> Verification:
    """What is true of a certificate that is presented (亮证). `shown`: as its holder chose, unmasked."""
    check = Check("presented", CheckResult.PASSED, "Its holder showed it by a code that is good once.")
    return _of_ours(ours, {**shown, **_shown_end(ended)}, ours.status, ended, at, check)


async def _looked_up(reader: PublicReader, found: Found, how: str, at: datetime) -> Verification:
    """A hit's report or a miss's, each at the price of both: the time that it takes tells nothing.

    1. Make what a hit would be answered, of a decoy where there is none. 2. Make what a miss is answered.
    3. Write down the one that is not given, as the caller does with the one that is.
    """
    unknown = _unknown(at)  # 2
    if found.row is None:
        return unknown
    known = await _known(reader, found.row, how, at)  # 1
    given, kept_back = (known, unknown) if found.hit else (unknown, known)
    json.dumps(report_json(kept_back), ensure_ascii=False)  # 3
    return given


def _unknown(at: datetime) -> Verification:
    check = Check("recognised", CheckResult.FAILED, "The vault knows no certificate by what was given.")
    return Verification(Unrecognised(), (check,), (), None, at)


async def _known(reader: PublicReader, row: PublicRow, how: str, at: datetime) -> Verification:
    definition = await reader.definition(row.type_code, row.type_version)
    names = {"type": definition.get("name", "")}
    names |= {a["code"]: a["name"] for a in definition.get("authorities", ())}
    check = Check("recognised", CheckResult.PASSED, f"The vault issued this certificate (found by {how}).")
    certificate = {**_masked(_shown_row(row, names)), **_shown_end(row.out_of_force)}
    return _of_ours(row, certificate, Status(row.status), row.out_of_force, at, check)


def _of_ours(
    ours: PublicRow | CertificateRecord | ErasedCertificate,
    certificate: Mapping[str, Any],
    status: Status,
    ended: OutOfForce | None,
    at: datetime,
    *first: Check,
) -> Verification:
    why = why_not_in_force(status, ended, ours.valid_from, ours.valid_to, on=legal_day(at))
    log = place_json(ours.certificate_id, None, ours.log_index, ours.log_origin)
    in_force = Check(
        "in_force",
        CheckResult.PASSED if why is None else CheckResult.FAILED,
        "The certificate is in force today." if why is None else why.sentence,
    )
    logged = Check(
        "logged",
        CheckResult.UNKNOWN if log["index"] is None else CheckResult.PASSED,
        "The log has promised to include it." if log["index"] is None else "It stands in the public log.",
    )
    verdict: Verdict = Genuine(certificate) if why is None else NotInForce(certificate, why.reason)
    # Nobody is erased who has an open dispute.
    disputed_since = None if isinstance(ours, ErasedCertificate) else ours.disputed_since
    return Verification(
        verdict,
        (*first, in_force, logged, *disputed_checks(disputed_since)),
        (),
        log,
        at,
        disputed_since=disputed_since,
        certificate_id=ours.certificate_id,
    )


def _of_record(
    workshop: Workshop,
    ours: CertificateRecord | ErasedCertificate,
    ended: OutOfForce | None,
    at: datetime,
    sha256: str | None,
) -> Verification:
    """`sha256`: of which of its files this is; None where another file shows it."""
    kind = workshop.shelf.types(at).get(ours.type_code)
    names = {} if kind is None else {"type": kind.name, **{a.code: a.name for a in kind.authorities}}
    checks = [
        Check("file_unchanged", CheckResult.PASSED, "The file is byte for byte the one the vault issued.")
    ]
    if isinstance(ours, ErasedCertificate):
        sentence = "Its holders were erased: the vault no longer knows whose certificate it is."
        checks.append(Check("holders_known", CheckResult.UNKNOWN, sentence))
    checks += _rendition_checks(ours, sha256)
    certificate = {**_masked(_shown_record(ours, names)), **_shown_end(ended)}
    return _of_ours(ours, certificate, ours.status, ended, at, *checks)


def _rendition_checks(ours: CertificateRecord | ErasedCertificate, sha256: str | None) -> Iterator[Check]:
    """What the file's own seal proves by itself; every file that the vault issued is equally genuine."""
    shown = next((each for each in files_of(ours) if each.sha256 == sha256), None)
    if shown is None:
        return
    newest = newest_file(ours, shown.format)
    if newest is not None and newest.sha256 != shown.sha256:
        sentence = f"The vault has raised this file from {shown.level} to {newest.level}; both are genuine."
        yield Check("rendition", CheckResult.PASSED, sentence)
    if shown.level is SealLevel.B_B:
        sentence = "The seal in this file carries no trusted time (level B-B)."
        yield Check("seal_time", CheckResult.UNKNOWN, sentence)


def _of_copy(use: UseRecord, of: Verification | None, at: datetime) -> Verification:
    """A usage copy of ours: good while its use stands and the certificate that it shows is in force."""
    end = use.end(at)
    first = Check(
        "file_unchanged", CheckResult.PASSED, "The file is byte for byte the usage copy that was made."
    )
    stands = Check(
        "usage",
        CheckResult.PASSED if end is None else CheckResult.FAILED,
        f"The copy is for one use, until {use.last_day}." if end is None else end_sentence(use, end),
    )
    verdict = Genuine(None) if of is None else of.verdict
    if end is not None:
        certificate = of.verdict.certificate if of is not None and isinstance(of.verdict, _Ours) else None
        verdict = NotInForce(certificate, end.value)
    rest = () if of is None else of.checks[1:]
    shown = {
        "purpose": masked_number(use.purpose),
        "organisation": masked_number(use.organisation),
        "case_number": masked_number(use.case_number),
        "service_item": use.service_item,
        "made_at": moment(use.made_at),
        "expires_at": moment(use.expires_at),
        "valid_until": use.last_day.isoformat(),
        "revoked_at": None if use.revoked_at is None else moment(use.revoked_at),
        "original_sha256": None if use.copy is None else use.copy.original_sha256,
    }
    return Verification(
        verdict,
        (first, stands, *rest),
        (),
        None if of is None else of.log,
        at,
        shown,
        None if of is None else of.disputed_since,
        None if of is None else of.certificate_id,
    )


def _of_strange_file(reports: tuple[SealReport, ...], at: datetime) -> Verification:
    """Tiers 2 and 3: the file is not ours byte for byte."""
    checks = [Check("file_unchanged", CheckResult.FAILED, "The file is not one that the vault issued.")]
    if all(report.certificate_sha256 is None for report in reports):
        checks.append(Check("seal", CheckResult.UNKNOWN, "The file bears no seal that could be read."))
        return Verification(Unrecognised(), tuple(checks), (), None, at)
    checks += reports[-1].checks
    # A seal that chains to our own roots on bytes that we do not hold: our file, changed after it was issued.
    chained = any(c.name == "chain" and c.result is CheckResult.PASSED for r in reports for c in r.checks)
    verdict: Verdict = Altered(None) if chained else Foreign()
    return Verification(verdict, tuple(checks), reports, None, at)


def _shown_row(row: PublicRow, names: Mapping[str, str]) -> dict[str, Any]:
    documents = [
        dict(zip(("format", "seal_level", "seal", "sha256"), d.split(" "), strict=True))
        for d in row.documents
    ]
    return {
        "identifier": row.identifier,
        "version": row.version,
        "type": row.type_code,
        "type_name": names.get("type", ""),
        "issuing_authority": row.issuing_authority,
        "issuing_authority_name": names.get(row.issuing_authority, ""),
        "number": row.content["number"],
        "holders": row.content["holders"],
        "issued_on": row.issued_on.isoformat(),
        "valid_from": row.valid_from.isoformat(),
        "valid_to": None if row.valid_to is None else row.valid_to.isoformat(),
        "status": row.status,
        "status_since": moment(row.status_since),
        "documents": documents,
    }


def _shown_record(record: CertificateRecord | ErasedCertificate, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "identifier": record.identifier,
        "version": record.version,
        "type": record.type_code,
        "type_name": names.get("type", ""),
        "issuing_authority": record.issuing_authority,
        "issuing_authority_name": names.get(record.issuing_authority, ""),
        **_shown_person(record),
        "issued_on": record.issued_on.isoformat(),
        "valid_from": record.valid_from.isoformat(),
        "valid_to": None if record.valid_to is None else record.valid_to.isoformat(),
        "status": record.status.value,
        "status_since": moment(record.status_since),
        "documents": [
            {"format": d.format.value, "seal_level": d.level.value, "seal": d.seal_id, "sha256": d.sha256}
            for d in files_of(record)
        ],
    }


def _shown_person(record: CertificateRecord | ErasedCertificate) -> dict[str, Any]:
    """What a record says of people: nothing where they are erased."""
    if isinstance(record, ErasedCertificate):
        return {"number": "", "holders": []}
    holders = [{"code_type": h.code.code_type, "code": h.code.value, "name": h.name} for h in record.holders]
    return {"number": record.number, "holders": holders}


def _shown_end(ended: OutOfForce | None) -> dict[str, Any]:
    """From which day, why and in favour of what it is no longer `valid`; nothing of a certificate that is."""
    return {
        "status_effective_on": None if ended is None else ended.since.isoformat(),
        "status_reason": None if ended is None else ended.reason,
        "successor": None if ended is None else ended.successor,
    }


def _masked(certificate: dict[str, Any]) -> dict[str, Any]:
    """As strangers may see it."""
    holders = [masked_holder(holder) for holder in certificate["holders"]]
    return {**certificate, "number": masked_number(certificate["number"]), "holders": holders}


def report_json(verification: Verification) -> dict[str, Any]:
    """A report as the public contract writes it."""
    name, certificate, reason = _verdict_parts(verification.verdict)
    return {
        "verdict": name.value,
        "reason": reason,
        "checks": [
            {"name": c.name, "result": c.result.value, "detail": c.detail} for c in verification.checks
        ],
        "certificate": certificate,
        "dispute": dispute_note(verification.disputed_since),
        "usage_copy": verification.usage_copy,
        "seals": [_seal_json(report) for report in verification.seals],
        "log": verification.log,
        "checked_at": moment(verification.checked_at),
    }


def _verdict_parts(verdict: Verdict) -> tuple[VerdictName, Mapping[str, Any] | None, str | None]:
    match verdict:
        case Genuine(certificate):
            return VerdictName.GENUINE, certificate, None
        case NotInForce(certificate, reason):
            return VerdictName.NOT_IN_FORCE, certificate, reason
        case Altered(certificate):
            return VerdictName.ALTERED, certificate, None
        case Foreign():
            return VerdictName.FOREIGN, None, None
        case Unrecognised():
            return VerdictName.UNRECOGNISED, None, None


def _seal_json(report: SealReport) -> dict[str, Any]:
    return {
        "indication": report.indication.value,
        "sub_indication": report.sub_indication,
        "signer": report.signer,
        "certificate_sha256": report.certificate_sha256,
        "sealed_at": None if report.sealed_at is None else moment(report.sealed_at),
        "proven_at": None if report.proven_at is None else moment(report.proven_at),
        "checks": [{"name": c.name, "result": c.result.value, "detail": c.detail} for c in report.checks],
    }
