"""Document time-stamps and validation data of a PDF, and the time that they prove (EN 319 102-1, clause 5.6).

From the newest document time-stamp to the oldest: each is judged at the time that the one after it proves,
the newest at the present. What it covers existed at its own time: the older ones, the seal with its
time-stamp, and the answers of responders in the store. So a chain of them holds longer than any certificate
in it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import pikepdf
from asn1crypto import tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.judge.chain import check_path, find_path
from signing.judge.findings import Findings, SubIndication, failure
from signing.judge.message import (
    SignedMessage,
    load_certificates,
    read_message,
    signing_certificate,
    verify_signature,
)
from signing.judge.ranges import CoveredBytes, covered_bytes
from signing.judge.revocation import NOTHING, RevocationKnowledge, check_not_revoked
from signing.judge.updates import check_only_long_term
from vault.errors import SignatureError

CLOCK_SKEW_MAX_S = 300  # how far ahead of our clock a time-stamp's may run
STORED_MAX = 4_000  # values of one kind in a store
STORED_MAX_BYTES = 16 * 1024 * 1024  # a CRL of a large authority has some MB
_IMPRINTS = ("sha256", "sha384", "sha512")
_STAMP_SUBFILTER = "/ETSI.RFC3161"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file carries for its seals beside them. `knowledge`: its answers and those that were given.

    `proven_at`: when all that the oldest of the unbroken chain of time-stamps covers existed, None without
    one;
    `covers_end`: up to which byte that one reaches. `stamps`: how many there are.
    """

    certificates: tuple[x509.Certificate, ...] = field(repr=False)
    knowledge: RevocationKnowledge = field(repr=False)
    proven_at: datetime | None
    covers_end: int
    stamps: int
    problem: SignatureError | None


def is_time_stamp(signature: pikepdf.Object) -> bool:
    """Whether a signature dictionary holds a document time-stamp."""
    return signature.get("/Type") == "/DocTimeStamp" or signature.get("/SubFilter") == _STAMP_SUBFILTER


def read_evidence(
    document: bytes,
    catalogue: pikepdf.Object,
    stamps: Sequence[pikepdf.Object],
    *,
    roots: list[x509.Certificate],
    at: datetime,
    knowledge: RevocationKnowledge = NOTHING,
) -> Evidence:
    """Read the store, and judge the document time-stamps, `stamps` being their dictionaries, oldest first."""
    certificates: tuple[x509.Certificate, ...] = ()
    held = knowledge
    proven: datetime | None = None
    covers_end = 0
    problem: SignatureError | None = None
    try:
        store = catalogue.get("/DSS", pikepdf.Dictionary())
        certificates = tuple(load_certificates(_stored(store, "/Certs")))
        held = knowledge.joined(_stored(store, "/OCSPs"), _stored(store, "/CRLs"))
    except Exception:  # noqa: BLE001 - the boundary: hostile bytes raise anything, and a judge reports
        problem = failure(SubIndication.UNREADABLE, "The file's security store cannot be read.")
    for signature in reversed(stamps):
        try:
            covered = covered_bytes(document, signature)
            if covered.end != len(document):
                check_only_long_term(document, covered.end)
            proven = _stamped_at(covered, certificates, held, roots, at=proven or at, now=at)
        except SignatureError as error:  # it proves nothing; what the newer ones prove stays
            problem = problem or error
            continue
        except Exception:  # noqa: BLE001 - the boundary: hostile bytes raise anything, and a judge reports
            problem = problem or failure(SubIndication.UNREADABLE, "It cannot be read.")
            continue
        covers_end = covered.end
    return Evidence(certificates, held, proven, covers_end, len(stamps), problem)


def judge_evidence(findings: Findings, evidence: Evidence) -> None:
    """The check `archive`: what the document time-stamps prove, if there are any."""
    if evidence.problem is not None:
        reason = SubIndication(evidence.problem.reason)
        told = reason if reason is SubIndication.TRY_LATER else SubIndication.SIG_CONSTRAINTS_FAILURE
        raise failure(told, f"What was added for the long term does not hold. {evidence.problem.detail}")
    if not evidence.stamps:
        findings.unknown("archive", "The file carries no document time-stamp.")
    else:
        findings.passed(
            "archive",
            f"{evidence.stamps} document time-stamps, the oldest of "
            f"{evidence.proven_at:%Y-%m-%d %H:%M:%S} UTC.",
        )


def proven_by_file(covered: CoveredBytes | None, evidence: Evidence) -> datetime | None:
    """When a signature existed by the file's own time-stamps: those that cover it."""
    return evidence.proven_at if covered is not None and covered.end <= evidence.covers_end else None


def check_stamp_not_revoked(
    message: SignedMessage, evidence: Evidence, roots: list[x509.Certificate], *, at: datetime, now: datetime
) -> None:
    """Returns where the authority of a seal's own time-stamp was not revoked by `at`, as far as is known.

    Raises:
        SignatureError: as `check_not_revoked`.
    """
    token = read_message(message.token or b"")
    pool = [*load_certificates(token.certificates), *evidence.certificates]
    path = find_path(signing_certificate(token, sha1_allowed=True), pool, roots)
    check_not_revoked(path, evidence.knowledge, at=at, proven=at != now, now=now, current_then=True)


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
        SignatureError: revoked before, and the seal itself says that it is later (REVOKED); revoked, and
        nothing
            proves that the seal is older (REVOKED_NO_POE); not known (TRY_LATER).
    """
    pool = [*load_certificates(message.certificates), *evidence.certificates]
    path = find_path(certificate, pool, roots)
    at = proven_at or now
    try:
        known = check_not_revoked(path, evidence.knowledge, at=at, proven=proven_at is not None, now=now)
    except SignatureError as error:
        if error.reason != SubIndication.REVOKED_NO_POE or proven_at is None or claimed_at is None:
            raise
        try:
            check_not_revoked(
                path, replace(evidence.knowledge, required=False), at=claimed_at, proven=True, now=now
            )
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


def _stamped_at(
    covered: CoveredBytes,
    certificates: tuple[x509.Certificate, ...],
    knowledge: RevocationKnowledge,
    roots: list[x509.Certificate],
    *,
    at: datetime,
    now: datetime,
) -> datetime:
    """The time of a document time-stamp that is judged at `at` (RFC 3161; EN 319 102-1, clause 5.4)."""
    token = read_message(covered.value)
    if (
        token.content is None
        or token.content_type != "tst_info"
        or token.native("content_type") != "tst_info"
    ):
        raise failure(SubIndication.FORMAT_FAILURE, "The document time-stamp is no TSTInfo.")
    if token.native("message_digest") != token.digest(token.content):
        raise failure(SubIndication.HASH_FAILURE, "The document time-stamp's own digest does not fit.")
    certificate = signing_certificate(token, sha1_allowed=True)
    verify_signature(token, certificate)
    info = tsp.TSTInfo.load(token.content, strict=True)
    imprint = info["message_imprint"]
    name = imprint["hash_algorithm"]["algorithm"].native
    if name not in _IMPRINTS:
        raise failure(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The document time-stamp's digest is too weak."
        )
    if imprint["hashed_message"].native != hashlib.new(name, covered.joined()).digest():
        raise failure(
            SubIndication.HASH_FAILURE, "The document time-stamp is over other bytes than the file's."
        )
    proven: datetime = info["gen_time"].native
    if (proven - at).total_seconds() > CLOCK_SKEW_MAX_S:
        raise failure(
            SubIndication.TIMESTAMP_ORDER_FAILURE,
            "A document time-stamp is later than the one after it, or than now.",
        )
    pool = [*load_certificates(token.certificates), *certificates]
    check_path(certificate, pool, roots, at, purpose=ExtendedKeyUsageOID.TIME_STAMPING)
    path = find_path(certificate, pool, roots)
    # The newest is judged at the present: what it needs comes into the store with the next
    optional = replace(knowledge, required=False)
    check_not_revoked(path, optional, at=at, proven=at != now, now=now, current_then=True)
    return proven


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
