"""Document time-stamps and validation data of a PDF, and the time that they prove (EN 319 102-1, clause 5.6).

From the newest document time-stamp to the oldest: each is judged at the time that the one after it proves,
the newest at the present. What it covers existed at its own time: the older ones, the seal with its
time-stamp, and the answers of responders in the store. So a chain of them holds longer than any certificate
in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pikepdf
from cryptography import x509

from signing.judge.chain import find_path
from signing.judge.fields import Signed
from signing.judge.findings import FATAL, Findings, SubIndication, failure
from signing.judge.message import (
    SignedMessage,
    load_certificates,
    read_message,
    signing_certificate,
)
from signing.judge.not_revoked import find_not_revoked
from signing.judge.ranges import CoveredBytes, covered_bytes
from signing.judge.revocation import NOTHING, RevocationKnowledge, check_not_revoked
from signing.judge.stamp import check_order, document_time, proven_time
from signing.judge.updates import Additions
from vault.errors import SignatureError

STORED_MAX = 4_000  # values of one kind in a store
STORED_MAX_BYTES = 16 * 1024 * 1024  # a CRL of a large authority has some MB


@dataclass(frozen=True, slots=True)
class DocumentTime:
    """What one document time-stamp proves, and whose it is."""

    proven_at: datetime
    signer: x509.Certificate = field(repr=False)


@dataclass(frozen=True, slots=True)
class DocumentStamp:
    """One document time-stamp: up to which byte it reaches, and what it proves, or why nothing."""

    covers_end: int
    found: DocumentTime | SignatureError


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file carries for its seals beside them. `knowledge`: its answers and those that were given.

    `stamps`: oldest first. `problem`: why the store cannot be read.
    """

    certificates: tuple[x509.Certificate, ...] = field(repr=False)
    knowledge: RevocationKnowledge = field(repr=False)
    stamps: tuple[DocumentStamp, ...]
    problem: SignatureError | None

    def stamps_over(self, covered: CoveredBytes) -> tuple[DocumentStamp, ...]:
        """Those that cover a signature; one from before it speaks of older ones alone."""
        return tuple(stamp for stamp in self.stamps if stamp.covers_end > covered.end)


def read_evidence(
    document: bytes,
    catalogue: pikepdf.Object,
    additions: Additions,
    signatures: Sequence[Signed],
    *,
    roots: list[x509.Certificate],
    at: datetime,
    knowledge: RevocationKnowledge = NOTHING,
) -> Evidence:
    """Read the store, and judge the document time-stamps among `signatures`, which are given oldest first.

    Behind a stamp over the newest seal nothing may stand but what is for the long term. What stands behind
    an older one, such as that seal, is V7's to judge.
    """
    certificates: tuple[x509.Certificate, ...] = ()
    held = knowledge
    proven: datetime | None = None
    problem: SignatureError | None = None
    try:
        store = catalogue.get("/DSS", pikepdf.Dictionary())
        certificates = tuple(load_certificates(_stored(store, "/Certs")))
        held = knowledge.joined(_stored(store, "/OCSPs"), _stored(store, "/CRLs"))
    except Exception:  # noqa: BLE001 - the boundary: hostile bytes raise anything, and a judge reports
        problem = failure(SubIndication.UNREADABLE, "The file's security store cannot be read.")
    sealed_end = max((each.range_end for each in signatures if not each.is_time_stamp), default=0)
    judged: list[DocumentStamp] = []
    for stamp in (each for each in reversed(signatures) if each.is_time_stamp):
        found: DocumentTime | SignatureError
        try:
            covered = covered_bytes(document, stamp.signature)
            if sealed_end < covered.end != len(document):
                additions.check(covered.end)
            found = _stamped_at(covered, certificates, held, roots, proven_at=proven, now=at)
            proven = found.proven_at
        except SignatureError as error:  # it proves nothing; what the newer ones prove stays
            found = error
        except Exception:  # noqa: BLE001 - the boundary: hostile bytes raise anything, and a judge reports
            found = failure(SubIndication.UNREADABLE, "It cannot be read.")
        judged.append(DocumentStamp(stamp.range_end, found))
    return Evidence(certificates, held, tuple(reversed(judged)), problem)


def judge_evidence(findings: Findings, evidence: Evidence, covered: CoveredBytes) -> None:
    """The check `archive`: what the document time-stamps over a seal prove, if there are any."""
    stamps = evidence.stamps_over(covered)
    broken = [stamp.found for stamp in reversed(stamps) if isinstance(stamp.found, SignatureError)]
    problem = evidence.problem or next(iter(broken), None)
    if problem is not None:
        reason = SubIndication(problem.reason)
        told = reason if reason is SubIndication.TRY_LATER else SubIndication.SIG_CONSTRAINTS_FAILURE
        raise failure(told, f"What was added for the long term does not hold. {problem.detail}")
    oldest = proven_by_file(covered, evidence)
    if oldest is None:
        findings.unknown("archive", "The file carries no document time-stamp over it.")
    else:
        findings.passed(
            "archive",
            f"{len(stamps)} document time-stamps, the oldest of {oldest:%Y-%m-%d %H:%M:%S} UTC.",
        )


def proven_by_file(covered: CoveredBytes, evidence: Evidence) -> datetime | None:
    """When a signature existed by the file's own time-stamps: the oldest of those that cover it."""
    times = (stamp.found for stamp in evidence.stamps_over(covered))
    return next((found.proven_at for found in times if isinstance(found, DocumentTime)), None)


def judge_timestamp(
    findings: Findings,
    certificate: x509.Certificate,
    message: SignedMessage,
    evidence: Evidence,
    roots: list[x509.Certificate],
    *,
    claimed_at: datetime | None,
    proven_at: datetime | None,
    now: datetime,
) -> datetime | None:
    """The check `timestamp`: the time that a trusted stamp over the signature value proves, if there is one.

    RFC 3161. It is judged at the time at which the file's own time-stamps prove it to have existed
    (`proven_at`), else now.

    Raises:
        SignatureError: it proves nothing. A bad time-stamp breaks no seal (EN 319 102-1, clause 5.5.4).
    """
    if message.token is None:
        findings.unknown("timestamp", "The seal carries no time-stamp of its own.")
        return None
    then = proven_at or now
    try:
        proven = proven_time(message, roots, then, signer=certificate, beside=evidence.certificates)
        check_order(claimed_at, proven)
        _check_stamp_not_revoked(message, evidence, roots, proven_at=proven_at, now=now)
    except SignatureError as error:
        reason = SubIndication(error.reason)
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE if reason in FATAL else reason, error.detail
        ) from error
    findings.passed("timestamp", f"Sealed before {proven:%Y-%m-%d %H:%M:%S} UTC.")
    return proven


def judge_revocation(
    findings: Findings,
    certificate: x509.Certificate,
    message: SignedMessage,
    evidence: Evidence,
    roots: list[x509.Certificate],
    *,
    proven_at: datetime | None,
    claimed_at: datetime | None,
    now: datetime,
) -> None:
    """The check `revocation`: that no certificate of the signer's path was revoked when the seal was made.

    Raises:
        SignatureError: as `find_not_revoked`.
    """
    pool = [*load_certificates(message.certificates), *evidence.certificates]
    path = find_path(certificate, pool, roots)
    find_not_revoked(findings, path, evidence.knowledge, proven_at=proven_at, claimed_at=claimed_at, now=now)


def _check_stamp_not_revoked(
    message: SignedMessage,
    evidence: Evidence,
    roots: list[x509.Certificate],
    *,
    proven_at: datetime | None,
    now: datetime,
) -> None:
    """Returns where the authority of a seal's own time-stamp was not revoked by then, as far as is known."""
    token = read_message(message.token or b"")
    pool = [*load_certificates(token.certificates), *evidence.certificates]
    path = find_path(signing_certificate(token, sha1_allowed=True), pool, roots)
    proven, at = proven_at is not None, proven_at or now
    check_not_revoked(path, evidence.knowledge, at=at, proven=proven, now=now, current_then=True)


def _stamped_at(
    covered: CoveredBytes,
    certificates: tuple[x509.Certificate, ...],
    knowledge: RevocationKnowledge,
    roots: list[x509.Certificate],
    *,
    proven_at: datetime | None,
    now: datetime,
) -> DocumentTime:
    """A document time-stamp, judged at the time that a newer one proves, else now.

    RFC 3161; EN 319 102-1, clause 5.4.
    """
    at = proven_at or now
    stamped, certificate = document_time(covered, roots, at, beside=certificates)
    pool = [*load_certificates(read_message(covered.value).certificates), *certificates]
    path = find_path(certificate, pool, roots)
    # The newest is judged at the present: what it needs comes into the store with the next
    optional, proven = replace(knowledge, required=False), proven_at is not None
    check_not_revoked(path, optional, at=at, proven=proven, now=now, current_then=True)
    return DocumentTime(stamped, certificate)


def _stored(store: pikepdf.Object, kind: str) -> list[bytes]:
    held = list(store.get(kind, pikepdf.Array()))
    if len(held) > STORED_MAX:
        raise failure(
            SubIndication.FORMAT_FAILURE, f"The security store has over {STORED_MAX} values of a kind."
        )
    found = []
    size = 0
    for entry in held:
        content = entry.read_bytes()
        size += len(content)
        if size > STORED_MAX_BYTES:
            raise failure(
                SubIndication.FORMAT_FAILURE, f"The security store holds over {STORED_MAX_BYTES} bytes."
            )
        found.append(content)
    return found
