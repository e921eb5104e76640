"""Verification of a certificate by the QR's token or by number and code, and what a stranger is shown."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from storage.public_read import Found, PublicReader, PublicRow
from vault.log import moment, place_json
from vault.model.catalogue import CertificateType
from vault.model.certificate import CertificateRecord, ErasedCertificate, Status, files_of
from vault.model.dispute import dispute_note
from vault.model.face import masked_holder
from vault.model.in_force import why_not_in_force
from vault.model.legal_time import legal_day
from vault.model.lifecycle import OutOfForce
from vault.model.origin import OriginKind, origin_json, shown_origin
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
    origin_checks,
)
from vault.model.written import code_form, masked_number, number_form

# A token has 22 characters, a code 10, a number at most 128: longer input is none of them and costs no query.
TYPED_MAX_CHARS = 200


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


def of_presented(
    ours: CertificateRecord, ended: OutOfForce | None, shown: Mapping[str, Any], *, at: datetime
) -> Verification:
    """What is true of a certificate that is presented (亮证). `shown`: as its holder chose, unmasked."""
    check = Check("presented", CheckResult.PASSED, "Its holder showed it by a code that is good once.")
    return of_ours(ours, {**shown, **shown_end(ended)}, ours.status, ended, at, check)


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
    certificate = {**masked(_shown_row(row, names)), **shown_end(row.out_of_force)}
    return of_ours(row, certificate, Status(row.status), row.out_of_force, at, check)


def of_ours(
    ours: PublicRow | CertificateRecord | ErasedCertificate,
    certificate: Mapping[str, Any],
    status: Status,
    ended: OutOfForce | None,
    at: datetime,
    *first: Check,
) -> Verification:
    """The report on a record, behind the checks that led to it. `certificate`: as it is shown."""
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
        (*first, in_force, logged, *_origin_checks(certificate), *disputed_checks(disputed_since)),
        (),
        log,
        at,
        disputed_since=disputed_since,
        certificate_id=ours.certificate_id,
    )


def _origin_checks(certificate: Mapping[str, Any]) -> tuple[Check, ...]:
    origin = certificate.get("origin")
    return () if origin is None else origin_checks(OriginKind(origin["kind"]))


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
        "origin": shown_origin(row.content.get("origin")),
    }


def shown_record(
    record: CertificateRecord | ErasedCertificate, kind: CertificateType | None, ended: OutOfForce | None
) -> dict[str, Any]:
    """A record as strangers may see it. `kind`: None where the catalogue no longer has its type."""
    names = {} if kind is None else {"type": kind.name, **{a.code: a.name for a in kind.authorities}}
    return {**masked(_unmasked(record, names)), **shown_end(ended)}


def _unmasked(record: CertificateRecord | ErasedCertificate, names: Mapping[str, str]) -> dict[str, Any]:
    """A record as reports show it, before masking. `names`: of its type, and of authorities by code."""
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
        # Each try seals anew and commits at once: a moment after the seal was set.
        "deposited_at": moment(record.committed_at),
        "documents": [
            {"format": d.format.value, "seal_level": d.level.value, "seal": d.seal_id, "sha256": d.sha256}
            for d in files_of(record)
        ],
        "origin": shown_origin(origin_json(record.origin)),
    }


def _shown_person(record: CertificateRecord | ErasedCertificate) -> dict[str, Any]:
    """What a record says of people: nothing where they are erased."""
    if isinstance(record, ErasedCertificate):
        return {"number": "", "holders": []}
    holders = [{"code_type": h.code.code_type, "code": h.code.value, "name": h.name} for h in record.holders]
    return {"number": record.number, "holders": holders}


def shown_end(ended: OutOfForce | None) -> dict[str, Any]:
    """From which day, why and in favour of what it is no longer `valid`; nothing of a certificate that is."""
    return {
        "status_effective_on": None if ended is None else ended.since.isoformat(),
        "status_reason": None if ended is None else ended.reason,
        "successor": None if ended is None else ended.successor,
    }


def without_people(certificate: dict[str, Any]) -> dict[str, Any]:
    """As whoever reads the public log may see it: nothing of holders, and no number."""
    return {**certificate, "number": "", "holders": []}


def masked(certificate: dict[str, Any]) -> dict[str, Any]:
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
        "kind": report.kind.value,
        "field_name": report.field_name,
        "authority": report.authority,
    }
