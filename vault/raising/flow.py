"""Raising what is due, file by file, each to a rendition that is committed or was never there."""

import hashlib
import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from traceback import extract_tb

from signing.algorithms import LIFETIMES, earliest_end
from signing.judge.revocation import RevocationKnowledge
from signing.raising import Lasting, RaisedPdf, lasting, raise_pdf
from signing.timestamp import TimeStampAuthority
from signing.validate import judge_pdf
from storage.certificates import stands
from storage.history import LeafRow, insert_leaves
from storage.objects import FiledObject, document_place, new_object, prove_object, put_object, read_object
from storage.renditions import RaisableFile, insert_rendition, raisable_files
from storage.seal_terms import Claimed, NextTerm, claim_terms, put_off, settle
from storage.uses import lock_holders_of
from vault.errors import DocumentRefused, IntegrityError, NotFound, Unavailable, VaultError
from vault.log import promised, rendition_content
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import Rendition, SealLevel, StoredDocument
from vault.model.long_term import TermState, reaches
from vault.model.scope import VAULT
from vault.model.use import Subject, SubjectKind
from vault.model.verdict import Indication, SealReport, SignatureKind
from vault.workshop import Workshop

# Files claimed at once: a minute's work at worst, and little to leave behind.
BATCH_FILES = 20
# After this time another worker takes up what one that died had claimed.
LEASE = timedelta(minutes=10)
# An authority that does not answer is asked again after 1, 2, 4 … minutes, and at least every hour.
BACKOFF_FIRST = timedelta(minutes=1)
BACKOFF_MAX = timedelta(hours=1)
# What fails for another reason so many times (some hours) is left to an operator, however long authorities
# were away in between.
TRIES_MAX = 8
# So many files one after the other that an authority does not answer for: the others need not be tried.
REFUSALS_MAX = 3
# A renewal that gains nothing, since the authority still has its old certificate, is tried again after this
# time.
RENEW_AGAIN_AFTER = timedelta(days=30)

_log = logging.getLogger("certvault.raising")


@dataclass(frozen=True, slots=True)
class Raised:
    """What a round came to. `raised`: new renditions; `looked_at`: files that need nothing now."""

    raised: int = 0
    looked_at: int = 0
    put_off: int = 0
    given_up: int = 0

    @property
    def files(self) -> int:
        """How many files were taken up."""
        return self.raised + self.looked_at + self.put_off + self.given_up

    def and_(self, other: "Raised") -> "Raised":
        """Both together."""
        return Raised(
            self.raised + other.raised,
            self.looked_at + other.looked_at,
            self.put_off + other.put_off,
            self.given_up + other.given_up,
        )


def raise_due(workshop: Workshop, *, at: datetime, files: int = BATCH_FILES) -> Raised:
    """Takes up to so many files whose time has come, and raises or renews each by one step.

    1. claim: the files are this worker's for ten minutes; no row is held while authorities are asked.
    2. read: the newest rendition, checked against its digest.
    3. raise: a document time-stamp; or validation data from the configured sources, and a time-stamp over it.
    4. judge: an independent reader must find the seal whole, with its time, and of validation data none
       missing.
    5. store: put it as cipher text under the certificate's own key, locked; read it back and compare.
    6. commit: one transaction with the rendition, its log leaf and the file's next term. **This is the commit
       point**: before it nothing is visible, after it nothing is lost. The old rendition stays.

    A crash before 6 leaves the claim, which ends by itself, and perhaps an object that no row names. Of two
    that worked on one file, by whatever mishap, the first to commit wins, and the other's work is dropped;
    so it is where the last holder was erased meanwhile.

    What befalls one file, whatever it is, stands with that file, and the others are raised.

    Raises:
        Unavailable: the database does not answer.
    """
    target, tsa = workshop.long_term.target, workshop.tsa
    if target is None or tsa is None:
        return Raised()
    with workshop.database.writing(VAULT) as db:  # 1
        claimed = claim_terms(db, at=at, until=at + LEASE, rows=files)
    if not claimed:
        return Raised()
    with workshop.database.reading(VAULT) as db:
        found = raisable_files(db, workshop.keys, [each.certificate_id for each in claimed])
    done, refusals = Raised(), 0
    for each in claimed:
        if refusals >= REFUSALS_MAX:
            done = done.and_(_put_off(workshop, each, _NOT_TRIED, at))
            continue
        file = found.get((each.certificate_id, each.format), _GONE)
        try:
            done = done.and_(_take_up(workshop, each, file, tsa, at))
            refusals = 0
        except Unavailable as error:
            refusals += 1
            done = done.and_(_put_off(workshop, each, error, at))
        except VaultError as error:
            done = done.and_(_put_off(workshop, each, error, at))
        except Exception as error:  # noqa: BLE001 - what nobody expected of one file must not stop the others
            done = done.and_(_put_off(workshop, each, _unexpected(each, error), at))
    return done


def _unexpected(claimed: Claimed, error: Exception) -> VaultError:
    """Logs what it was and where, not what it says: a strange exception may say anything."""
    where = ", ".join(f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__))
    what = type(error).__name__
    _log.error("raising a seal of %s failed: %s at %s", claimed.certificate_id, what, where)
    return VaultError(f"It failed in a way that nobody expected ({what}); see the log.")


_GAINS_NOTHING = (
    "A new time-stamp rests on what has ended already: its authority's certificate, or an algorithm that is "
    "no longer counted on. It is tried again after a month."
)
_GONE = NotFound("Its rows are gone.")
_NOT_TRIED = Unavailable("It was not tried: an authority did not answer for those before it.")


def _take_up(
    workshop: Workshop,
    claimed: Claimed,
    file: RaisableFile | VaultError,
    tsa: TimeStampAuthority,
    at: datetime,
) -> Raised:
    target = workshop.long_term.target
    if isinstance(file, VaultError):  # why it cannot be read
        raise file
    if file.filed.key is None:
        return _settled(workshop, claimed, _ended(claimed, at), Raised(looked_at=1))
    if target is None or claimed.format is not DocumentFormat.PDF:
        raise DocumentRefused("Only PDF files can be raised.")
    document = read_object(workshop.blobs, file.filed)  # 2
    step = target
    if reaches(claimed.level, target):
        proof = lasting(document, roots=workshop.trust_roots)
        term = _rests(workshop, claimed.level, claimed.number, proof, at)
        if term.due_at > at:
            return _settled(workshop, claimed, term, Raised(looked_at=1))
        # Validation data alone prove no time anew: what is B-LT is renewed by a time-stamp, as B-LTA is.
        step = SealLevel.B_LTA if target is SealLevel.B_LT else target
    raised = raise_pdf(  # 3
        document, target=step, roots=workshop.trust_roots, tsa=tsa, sources=workshop.revocation, at=at
    )
    _judge(workshop, document, raised, at)  # 4
    rendition = _rendition(file, raised, at)
    term = _term_of(workshop, rendition, raised.lasting, at)
    filed = _store(workshop, file, rendition, raised.content, at)  # 5
    return _commit(workshop, claimed, term, file, rendition, filed, at)  # 6


def _judge(workshop: Workshop, document: bytes, raised: RaisedPdf, at: datetime) -> None:
    required = reaches(raised.level, SealLevel.B_LT)
    trust = replace(workshop.trust, knowledge=RevocationKnowledge(required=required))
    reports = _seals(judge_pdf(raised.content, trust=trust, at=at))
    before = _seals(judge_pdf(document, trust=workshop.trust, at=at))
    if not raised.content.startswith(document) or not before or len(reports) != len(before):
        raise IntegrityError("A raised file does not begin with the file that it was raised from.")
    newest = reports[-1]
    if newest.indication is not Indication.TOTAL_PASSED or newest.proven_at is None:
        failed = ", ".join(check.name for check in newest.checks if check.result != "passed")
        raise IntegrityError(f"A raised file does not stand up to the reader: {failed}.")
    if newest.certificate_sha256 != before[-1].certificate_sha256:
        raise IntegrityError("A raised file bears another seal than the one that was raised.")


def _seals(reports: tuple[SealReport, ...]) -> list[SealReport]:
    return [report for report in reports if report.kind is SignatureKind.SEAL]


def _rendition(file: RaisableFile, raised: RaisedPdf, at: datetime) -> Rendition:
    document = StoredDocument(
        file.document.format,
        hashlib.sha256(raised.content).hexdigest(),
        hashlib.new("sm3", raised.content).hexdigest(),
        len(raised.content),
        raised.level,
        file.document.seal_id,
    )
    return Rendition(file.number + 1, document, at)


def _store(
    workshop: Workshop, file: RaisableFile, rendition: Rendition, content: bytes, at: datetime
) -> FiledObject:
    document, key = rendition.document, file.filed.key
    if key is None:
        raise NotFound("Its holders were erased meanwhile.")
    place = document_place(file.certificate_id, document.format)
    filed = new_object(file.certificate_id, place, key, document.sha256, document.size_bytes)
    kept = file.committed_at + workshop.retention_of(file.type_code, at)
    put_object(
        workshop.blobs,
        filed,
        content,
        retain_until=max(kept, at + workshop.long_term.margin),  # a lock that ends in the past is refused
        origin={"certificate": str(file.certificate_id)},
    )
    try:
        prove_object(workshop.blobs, filed)
    except IntegrityError as error:
        raise Unavailable("The object store did not keep what it acknowledged.") from error
    return filed


def _commit(
    workshop: Workshop,
    claimed: Claimed,
    term: NextTerm,
    file: RaisableFile,
    rendition: Rendition,
    filed: FiledObject,
    at: datetime,
) -> Raised:
    content = rendition_content(file.identifier, rendition, file.deposited)
    leaf = promised(workshop.log_key, content, at + workshop.promise_within)
    with workshop.database.writing(VAULT) as db:
        lock_holders_of(db, Subject(SubjectKind.CERTIFICATE, file.certificate_id))
        if not stands(db, file.certificate_id):  # erased since 2: nothing opens what 5 has stored
            settle(db, claimed, _ended(claimed, at))
            return Raised(looked_at=1)
        if not settle(db, claimed, term):
            return Raised(looked_at=1)  # another worker was quicker
        if not insert_rendition(db, file.certificate_id, rendition, filed.stored_name):
            raise IntegrityError("There is a rendition of this number that the file's term does not know.")
        insert_leaves(db, [LeafRow(file.certificate_id, leaf.content, leaf.hash, leaf.promise)])
    return Raised(raised=1)


def _term_of(workshop: Workshop, rendition: Rendition, proof: Lasting, at: datetime) -> NextTerm:
    """When a file that was just raised is looked at again: not at once for another time-stamp."""
    level, target = rendition.document.level, workshop.long_term.target
    if target is None or not reaches(level, target):
        due = (proof.since or at) + workshop.long_term.grace
        return NextTerm(level, rendition.number, TermState.WAITING, due, proof.until, proof.algorithms)
    term = _rests(workshop, level, rendition.number, proof, at)
    if term.due_at > at or level is SealLevel.B_LT:  # which has got no new time-stamp yet
        return term
    return replace(term, due_at=at + RENEW_AGAIN_AFTER, failure=_GAINS_NOTHING)


def _rests(workshop: Workshop, level: SealLevel, number: int, proof: Lasting, at: datetime) -> NextTerm:
    """Until the margin before what the newest proof of time rests on ends; `due_at` is never before `at`."""
    policy = workshop.long_term
    ends = min(proof.until, earliest_end(proof.algorithms, {**LIFETIMES, **policy.lifetimes}))
    due = at
    if ends > at:  # what is on no list has ended at the beginning of time, which has no margin before it
        due = max(due, ends - policy.margin)
        if proof.since is not None:
            due = max(due, min(proof.since + RENEW_AGAIN_AFTER, ends))
    return NextTerm(level, number, TermState.RESTING, due, proof.until, proof.algorithms)


def _ended(claimed: Claimed, at: datetime) -> NextTerm:
    """Its holders are erased: nobody looks at it again."""
    return NextTerm(claimed.level, claimed.number, TermState.ENDED, at, None, None)


def _settled(workshop: Workshop, claimed: Claimed, term: NextTerm, done: Raised) -> Raised:
    with workshop.database.writing(VAULT) as db:
        settle(db, claimed, term)
    return done


def _put_off(workshop: Workshop, claimed: Claimed, error: VaultError, at: datetime) -> Raised:
    away = isinstance(error, Unavailable)
    wait = min(BACKOFF_FIRST * 2 ** min(claimed.tries - 1, 10), BACKOFF_MAX)
    if isinstance(error, Unavailable):
        wait = max(wait, timedelta(seconds=error.retry_after_s))
    failed = claimed.failed_tries if away else claimed.failed_tries + 1
    over = not away and failed >= TRIES_MAX
    with workshop.database.writing(VAULT) as db:
        put_off(db, claimed, until=at + wait, why=error.detail, failed_tries=failed, given_up=over)
    return Raised(given_up=1) if over else Raised(put_off=1)
