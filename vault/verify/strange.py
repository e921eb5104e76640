"""A file that is not ours byte for byte: the record that it claims, and the report that follows."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from uuid import UUID

from signing.examination import Examined
from signing.ofd_judge import judge_ofd
from signing.validate import RecordedSignatures, judge_pdf, recorded_check
from storage.certificates import (
    certificate_or_rest,
    id_by_document,
    id_by_identifier,
    id_by_token,
)
from storage.db import ReadConnection, extend_scope
from storage.filed_objects import document_object
from storage.objects import FiledObject, read_object
from storage.statuses import out_of_force, status_on
from vault.errors import IntegrityError, NotFound, Unavailable
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord, ErasedCertificate, Status
from vault.model.in_force import why_not_in_force
from vault.model.legal_time import legal_day
from vault.model.lifecycle import OutOfForce
from vault.model.scope import of_shown
from vault.model.verdict import (
    Altered,
    Check,
    CheckResult,
    Foreign,
    Indication,
    SealReport,
    SignatureKind,
    Unrecognised,
    Verdict,
    Verification,
)
from vault.verify.records import of_ours, shown_record, without_people
from vault.workshop import Workshop

# Signed revisions whose digests are looked up; ours have one, raised ones a few.
REVISIONS_MAX = 4
_ZIP = b"PK"


class By(Enum):
    """How a file claims a record. An identifier alone proves no possession: the public log tells it, too."""

    REVISION = auto()
    TOKEN = auto()
    IDENTIFIER = auto()


@dataclass(frozen=True, slots=True)
class Claimed:
    """The record that a file claims. `then`: its status on the day that the file's seal claims."""

    ours: CertificateRecord | ErasedCertificate = field(repr=False)
    by: By
    ended: OutOfForce | None
    then: Status | None
    recorded: RecordedSignatures


def find_claimed(workshop: Workshop, content: bytes, examined: Examined, at: datetime) -> Claimed | None:
    """The record that a strange file claims: by a revision that is a file of ours, a token, an identifier.

    1. look up, in one snapshot; 2. read the file of ours that it claims to be, for its signatures; where it
    is gone or the store is away, they are not compared.

    Raises:
        Unavailable: the database does not answer.
    """
    digests = _revisions(content, examined)
    scope = of_shown(*digests)
    with workshop.database.snapshot(scope) as db:  # 1
        found = _find(db, workshop, digests, examined)
        if found is None:
            return None
        certificate_id, by = found
        extend_scope(db, scope.naming(certificate_id))
        ours = certificate_or_rest(db, workshop.keys, certificate_id)
        if ours is None:
            return None
        ended = out_of_force(db, ours)
        if by is By.IDENTIFIER:
            ours, ended = _as_logged(ours, ended)
        then = status_on(db, certificate_id, legal_day(_time_of(examined.seals) or at))
        filed = document_object(db, workshop.keys, certificate_id, _format_of(content))
    recorded = RecordedSignatures(ours.issuing_authority, _signatures(workshop, filed, at))  # 2
    return Claimed(ours, by, ended, then, recorded)


def _as_logged(
    ours: CertificateRecord | ErasedCertificate, ended: OutOfForce | None
) -> tuple[CertificateRecord | ErasedCertificate, OutOfForce | None]:
    """A record for whoever knows its identifier alone: of its end as the log says it, of disputes none."""
    if isinstance(ours, CertificateRecord):
        ours = replace(ours, disputed_since=None)
    return ours, None if ended is None else replace(ended, reason=None, successor=None)


def of_strange(workshop: Workshop, examined: Examined, claimed: Claimed | None, at: datetime) -> Verification:
    """The report: tier 2 where the file is sealed or claims to be ours, tier 3 where it is neither."""
    seals = examined.seals
    unchanged = Check("file_unchanged", CheckResult.FAILED, "The file is not one that the vault issued.")
    newest = _newest(seals)
    sealed = any(seal.certificate_sha256 is not None for seal in seals)
    judged = () if newest is None or not (sealed or claimed) else newest.checks
    if claimed is not None:
        return _altered(workshop, seals, claimed, (unchanged, *_of_seal(newest, claimed)), judged, at)
    if not sealed:
        detail = "The file bears no seal that could be read."
        why = () if newest is None else newest.checks
        checks = (unchanged, Check("seal", CheckResult.UNKNOWN, detail), *why)
        return Verification(Unrecognised(), checks, (), None, at)
    # A seal of ours on bytes that we do not hold: our file, changed after it was issued.
    is_ours = any(seal.authority is not None for seal in seals)
    verdict: Verdict = Altered(None) if is_ours else Foreign()
    return Verification(verdict, (unchanged, *_of_seal(newest, None), *judged), seals, None, at)


def _newest(seals: tuple[SealReport, ...]) -> SealReport | None:
    """The newest seal: what closes an OFD behind it is nobody's seal, and counts where there is no other."""
    last = seals[-1] if seals else None
    return next((s for s in reversed(seals) if s.kind is not SignatureKind.SIGNATURE), last)


def _altered(
    workshop: Workshop,
    seals: tuple[SealReport, ...],
    claimed: Claimed,
    first: tuple[Check, ...],
    judged: tuple[Check, ...],
    at: datetime,
) -> Verification:
    ours = claimed.ours
    shown = shown_record(ours, workshop.shelf.types(at).get(ours.type_code), claimed.ended)
    if claimed.by is By.IDENTIFIER:
        shown = without_people(shown)
    record = of_ours(ours, shown, ours.status, claimed.ended, at)
    checks = (*first, *record.checks, _then(claimed, seals), recorded_check(seals, claimed.recorded), *judged)
    return Verification(
        Altered(shown),
        checks,
        seals,
        record.log,
        at,
        disputed_since=record.disputed_since,
        certificate_id=ours.certificate_id,
    )


def _of_seal(newest: SealReport | None, claimed: Claimed | None) -> tuple[Check, Check]:
    """Whether the newest seal is genuine, and its owner the one that issued what the file claims to be."""
    if newest is None or newest.certificate_sha256 is None:
        genuine = Check("seal_genuine", CheckResult.UNKNOWN, "The file bears no seal that could be read.")
        return genuine, Check("entitled", CheckResult.UNKNOWN, "Nobody is known to have sealed it.")
    results = {
        Indication.TOTAL_PASSED: (CheckResult.PASSED, "The seal is whole and of a trusted authority."),
        Indication.TOTAL_FAILED: (CheckResult.FAILED, "The seal does not fit the file."),
        Indication.INDETERMINATE: (CheckResult.UNKNOWN, "Whether the seal is genuine is undecided."),
    }
    genuine = Check("seal_genuine", *results[newest.indication])
    return genuine, entitled(newest, None if claimed is None else claimed.ours.issuing_authority)


def entitled(newest: SealReport, issued_by: str | None) -> Check:
    """Whether the newest seal's owner is the authority that issued what the file claims to be."""
    if newest.authority is None:
        return Check("entitled", CheckResult.FAILED, "The seal is on no issuing authority's list.")
    if issued_by is None:
        return Check("entitled", CheckResult.UNKNOWN, "The file names no certificate of ours.")
    if newest.authority == issued_by:
        return Check("entitled", CheckResult.PASSED, "The seal is that of the issuing authority.")
    return Check("entitled", CheckResult.FAILED, "The seal is another authority's.")


def _then(claimed: Claimed, seals: tuple[SealReport, ...]) -> Check:
    """Whether the certificate was in force on the day that the file's newest seal claims."""
    name = "in_force_then"
    moment = _time_of(seals)
    if moment is None or claimed.then is None:
        return Check(name, CheckResult.UNKNOWN, "The file claims no day on which it could be looked up.")
    day, ours = legal_day(moment), claimed.ours
    ended = claimed.ended if claimed.then is not Status.VALID else None
    why = why_not_in_force(claimed.then, ended, ours.valid_from, ours.valid_to, on=day)
    if why is None:
        return Check(name, CheckResult.PASSED, f"On {day}, which the seal claims, it was in force.")
    return Check(name, CheckResult.FAILED, f"On {day}, which the seal claims: {why.sentence}")


def _find(
    db: ReadConnection, workshop: Workshop, digests: tuple[bytes, ...], examined: Examined
) -> tuple[UUID, By] | None:
    for digest in digests:
        found = id_by_document(db, digest.hex())
        if found is not None:
            return found, By.REVISION
    if examined.claims.tokens:
        found = id_by_token(db, workshop.keys, examined.claims.tokens)
        if found is not None:
            return found, By.TOKEN
    if examined.claims.identifiers:
        found = id_by_identifier(db, examined.claims.identifiers)
        if found is not None:
            return found, By.IDENTIFIER
    return None


def _revisions(content: bytes, examined: Examined) -> tuple[bytes, ...]:
    """Digests of the revisions that the file's signatures cover, newest first."""
    ends = sorted(
        {s.covered_bytes for s in examined.seals if 0 < s.covered_bytes < len(content)}, reverse=True
    )
    view = memoryview(content)
    return tuple(hashlib.sha256(view[:end]).digest() for end in ends[:REVISIONS_MAX])


def _signatures(
    workshop: Workshop, filed: FiledObject | None, at: datetime
) -> tuple[tuple[str, str], ...] | None:
    """Names and signers of the signatures in the file that the vault holds; None where it cannot be read."""
    if filed is None:
        return None
    try:
        ours = read_object(workshop.blobs, filed)
    except (NotFound, IntegrityError, Unavailable):
        return None
    judge = judge_pdf if _format_of(ours) is DocumentFormat.PDF else judge_ofd
    reports = judge(ours, trust=workshop.trust, at=at)
    return tuple(
        (report.field_name or "", report.certificate_sha256 or "")
        for report in reports
        if report.kind is not SignatureKind.DOCUMENT_TIMESTAMP
    )


def _format_of(content: bytes) -> DocumentFormat:
    return DocumentFormat.OFD if content.startswith(_ZIP) else DocumentFormat.PDF


def _time_of(seals: tuple[SealReport, ...]) -> datetime | None:
    """When the newest seal says it was made: proven, else as it claims."""
    return next((s.proven_at or s.sealed_at for s in reversed(seals) if s.proven_at or s.sealed_at), None)
