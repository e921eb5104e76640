"""Verification by the file itself, in three tiers, cheapest and strongest first.

1. The very bytes that the vault holds, or made as a usage copy: the digest says so, nothing is parsed.
2. Another file: its seals are judged, and it is asked what it claims to be. If it holds a file of ours, bears
   the token or the identifier of one, or one of our seals, it is altered; with somebody else's seal, foreign.
3. Neither ours nor sealed, or not readable: unrecognised.

A file is held in memory while it is looked at, and not kept.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from signing.examination import Examined, examine
from storage.certificates import certificate_or_rest, id_by_document, record
from storage.db import extend_scope
from storage.statuses import out_of_force
from storage.uses import find_use, use_by_copy
from vault.log import moment
from vault.model.certificate import CertificateRecord, ErasedCertificate, SealLevel, files_of, newest_file
from vault.model.lifecycle import OutOfForce
from vault.model.scope import of_shown
from vault.model.use import SubjectKind, UseRecord, end_sentence
from vault.model.verdict import Check, CheckResult, Genuine, NotInForce, Verification
from vault.model.written import masked_number
from vault.verify.records import of_ours, shown_record
from vault.verify.seal_list import trust_with_seals
from vault.verify.strange import find_claimed, of_strange
from vault.workshop import Workshop

# Who examines a strange file: `signing.examination.examine`, or a pool's method of the same shape.
Examine = Callable[..., Examined]

# The record's SM3 is compared as well where that takes a millisecond at most; SHA-256 finds the record.
SM3_COMPARED_MAX_BYTES = 256 * 1024
_ZIP = b"PK"
# Of a usage copy's report, what is said of its certificate and not of a file.
_OF_THE_CERTIFICATE = frozenset({"holders_known", "in_force", "logged", "origin", "undisputed"})
# Levels of seals that prove no time by themselves; of when the vault issued them its log speaks.
_UNTIMED = frozenset({SealLevel.B_B, SealLevel.SES_V4})


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as it came, in pieces: most are known by their digest and are never joined.

    `sha256`: of all of it, hex.
    """

    pieces: Sequence[bytes] = field(repr=False)
    sha256: str

    @property
    def size_bytes(self) -> int:
        """How long the whole is."""
        return sum(map(len, self.pieces))

    def joined(self) -> bytes:
        """The whole, copied."""
        return b"".join(self.pieces)


def read_file(content: bytes) -> ReadFile:
    """A file that is in memory as a whole."""
    return ReadFile((content,), hashlib.sha256(content).hexdigest())


def by_file(
    workshop: Workshop, content: bytes, *, at: datetime, examine_with: Examine = examine
) -> Verification:
    """What is true of this file. It is not kept.

    `examine_with`: for files from outside, a pool of confined judges.

    Raises:
        Unavailable: the database, or every judge, does not answer.
    """
    known = by_very_bytes(workshop, read_file(content), at=at)
    return known or by_judging(workshop, content, at=at, examine_with=examine_with)


def by_very_bytes(workshop: Workshop, file: ReadFile, *, at: datetime) -> Verification | None:
    """Tier 1: what is true of a file that the vault issued; None where it issued no such bytes.

    Raises:
        Unavailable: the database does not answer.
    """
    sha256 = file.sha256
    ours: CertificateRecord | ErasedCertificate | None = None
    use = ended = None
    scope = of_shown(bytes.fromhex(sha256))
    with workshop.database.snapshot(scope) as db:  # the record and its newest event belong together
        certificate_id = id_by_document(db, sha256)
        if certificate_id is not None:
            extend_scope(db, scope.naming(certificate_id))
            ours = certificate_or_rest(db, workshop.keys, certificate_id)
            if ours is not None and _has_other_sm3(ours, file):
                return None
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
    found = None if ours is None else _of_record(workshop, ours, ended, at, shown)
    return found if use is None else _of_copy(use, found, at)


def by_judging(
    workshop: Workshop, content: bytes, *, at: datetime, examine_with: Examine = examine
) -> Verification:
    """Tiers 2 and 3: what is true of a file whose very bytes the vault did not issue.

    1. the seal list, then the judge, with no transaction open; 2. the record that the file claims.

    Raises:
        Unavailable: the database, or every judge, does not answer.
    """
    with workshop.database.reading(of_shown()) as db:
        trust = trust_with_seals(workshop, db, national=content.startswith(_ZIP))
    examined = examine_with(content, trust=trust, at=at)  # 1
    claimed = find_claimed(workshop, content, examined, at)  # 2
    return of_strange(workshop, examined, claimed, at)


def _has_other_sm3(ours: CertificateRecord | ErasedCertificate, file: ReadFile) -> bool:
    """Whether the second digest on record says that these are other bytes with the same SHA-256."""
    if file.size_bytes > SM3_COMPARED_MAX_BYTES:
        return False
    recorded = {document.sm3 for document in files_of(ours) if document.sha256 == file.sha256}
    return hashlib.new("sm3", file.joined()).hexdigest() not in recorded


def _of_record(
    workshop: Workshop,
    ours: CertificateRecord | ErasedCertificate,
    ended: OutOfForce | None,
    at: datetime,
    sha256: str | None,
) -> Verification:
    """`sha256`: of which of its files this is; None where another file shows it."""
    checks = [
        Check("file_unchanged", CheckResult.PASSED, "The file is byte for byte the one the vault issued."),
        Check("seal_genuine", CheckResult.PASSED, "Its seal was judged whole when it was issued."),
        Check("entitled", CheckResult.PASSED, "Its authority may issue this kind, as the deposit checked."),
    ]
    if isinstance(ours, ErasedCertificate):
        sentence = "Its holders were erased: the vault no longer knows whose certificate it is."
        checks.append(Check("holders_known", CheckResult.UNKNOWN, sentence))
    checks += _rendition_checks(ours, sha256)
    certificate = shown_record(ours, workshop.shelf.types(at).get(ours.type_code), ended)
    return of_ours(ours, certificate, ours.status, ended, at, *checks)


def _rendition_checks(ours: CertificateRecord | ErasedCertificate, sha256: str | None) -> Iterator[Check]:
    """What the file's own seal proves by itself; every file that the vault issued is equally genuine."""
    shown = next((each for each in files_of(ours) if each.sha256 == sha256), None)
    if shown is None:
        return
    newest = newest_file(ours, shown.format)
    if newest is not None and newest.sha256 != shown.sha256:
        sentence = f"The vault has raised this file from {shown.level} to {newest.level}; both are genuine."
        yield Check("rendition", CheckResult.PASSED, sentence)
    if shown.level in _UNTIMED:
        sentence = f"The seal in this file carries no trusted time (level {shown.level})."
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
        shown_too = None if of is None or not isinstance(of.verdict, Genuine | NotInForce) else of.verdict
        verdict = NotInForce(None if shown_too is None else shown_too.certificate, end.value)
    rest = () if of is None else tuple(c for c in of.checks if c.name in _OF_THE_CERTIFICATE)
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
