"""Raising a sealed PDF by a level, and for how long what it has will do.

B-B gets a document time-stamp (B-T); B-T the validation data of seal and time-stamp (B-LT), and a document
time-stamp over those (B-LTA); B-LTA is renewed by the validation data of its newest time-stamp and another
time-stamp.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pikepdf
from asn1crypto import tsp
from cryptography import x509

from signing.algorithms import digest_algorithm, key_algorithm
from signing.judge.chain import find_path
from signing.judge.fields import is_time_stamp
from signing.judge.findings import SubIndication, failure
from signing.judge.message import SignedMessage, load_certificates, read_message, signing_certificate
from signing.judge.ranges import covered_bytes
from signing.judge.revocation import NOTHING, RevocationKnowledge, answers_for
from signing.opening import open_pdf
from signing.pades.long_term import UNREADABLE, ValidationData, append_time_stamp, append_validation_data
from signing.pades.structure import signature_fields
from signing.revocation import RevocationSources
from signing.timestamp import TimeStampAuthority
from vault.errors import DocumentRefused
from vault.model.certificate import SealLevel

__all__ = ["Lasting", "RaisedPdf", "lasting", "raise_pdf"]


@dataclass(frozen=True, slots=True)
class Lasting:
    """Until when what proves the seal's time can be checked by itself: its certificates' end, its algorithms.

    `since`: when the newest time-stamp was made; None for a seal without any.
    """

    until: datetime
    algorithms: tuple[str, ...]
    since: datetime | None


@dataclass(frozen=True, slots=True)
class RaisedPdf:
    """A raised file: the old one stands unchanged at its front."""

    content: bytes = field(repr=False)
    level: SealLevel
    lasting: Lasting


@dataclass(frozen=True, slots=True)
class _Signed:
    """A signature or time-stamp in the file; `since`: the time that its status is asked for."""

    path: tuple[x509.Certificate, ...] = field(repr=False)
    since: datetime | None
    stamp: bool
    algorithms: tuple[str, ...]


def raise_pdf(
    document: bytes,
    *,
    target: SealLevel,
    roots: Sequence[bytes],
    tsa: TimeStampAuthority,
    sources: RevocationSources,
    at: datetime,
) -> RaisedPdf:
    """Raise a sealed file by one step towards `target`; a file of level B-LTA is renewed.

    1. read what was signed in it, and when.
    2. without any time-stamp: add one, and that is all: what is known of revocation now is older than it.
    3. ask the sources for what the file does not have of each certificate's status since it was used.
    4. add that, and for B-LTA a time-stamp over it all. Only that proves the time anew: a file of level B-LT
       is renewed with B-LTA as its target.

    The result has to be judged before it is kept.

    Raises:
        DocumentRefused: the file's structure is not understood.
        SignatureError: a signature cannot be read, a certificate leads to no root
            (NO_CERTIFICATE_CHAIN_FOUND), was revoked before it was used (REVOKED), or nobody can be asked
            about it (`no-source`).
        Unavailable: an authority or a source does not answer, or not yet.
    """
    trusted = load_certificates(list(roots))
    signed, held = _signed(document, trusted, sources)  # 1
    if target is SealLevel.B_T or all(each.since is None for each in signed):  # 2
        content = append_time_stamp(document, tsa=tsa, at=at)
        return RaisedPdf(content, SealLevel.B_T, lasting(content, roots=roots))
    data = ValidationData()
    newest = _newest(signed)
    for each in signed:  # 3
        # Until another one covers it, a time-stamp's own standing is as of today.
        known = NOTHING if each is newest else held
        data = data.joined(_needed(each, known, sources, at))
    if target is SealLevel.B_LT:  # 4
        content = append_validation_data(document, data)
    else:
        content = append_time_stamp(document, tsa=tsa, at=at, data=data)
    return RaisedPdf(content, target, lasting(content, roots=roots))


def lasting(document: bytes, *, roots: Sequence[bytes]) -> Lasting:
    """How long the newest proof of time in a file lasts; of a seal without one, the seal itself.

    Raises:
        DocumentRefused, SignatureError: as `raise_pdf`.
    """
    signed, _ = _signed(document, load_certificates(list(roots)), None)
    newest = _newest(signed)
    until = min(certificate.not_valid_after_utc for certificate in newest.path)
    return Lasting(until, newest.algorithms, newest.since if newest.stamp else None)


def _newest(signed: Sequence[_Signed]) -> _Signed:
    """The newest proof of time, of what was read newest first; of a seal without one, the seal itself."""
    return next((each for each in signed if each.stamp), signed[0])


def _needed(
    signed: _Signed, held: RevocationKnowledge, sources: RevocationSources, at: datetime
) -> ValidationData:
    """The path's certificates, and answers about those of which the file has none that is new enough."""
    since = at if signed.since is None else signed.since
    for subject, issuer in zip(signed.path, signed.path[1:], strict=False):
        if not any(answer.speaks_of(since) for answer in answers_for(subject, issuer, held)):
            return sources.answers(signed.path, since=since, now=at)
    return ValidationData()


def _signed(
    document: bytes, roots: list[x509.Certificate], sources: RevocationSources | None
) -> tuple[list[_Signed], RevocationKnowledge]:
    """Every signature and time-stamp in a file, and the answers on revocation in its store."""
    try:
        with open_pdf(document) as pdf:
            store = pdf.Root.get("/DSS", pikepdf.Dictionary())
            pool = load_certificates(_values(store, "/Certs"))
            pool += sources.issuers() if sources is not None else ()
            held = RevocationKnowledge(tuple(_values(store, "/OCSPs")), tuple(_values(store, "/CRLs")))
            found = list(_newest_first(document, pdf.Root, pool, roots))
    except UNREADABLE as error:
        raise DocumentRefused("The PDF cannot be read.") from error
    if not found:
        raise failure(SubIndication.FORMAT_FAILURE, "The file bears no seal.")
    return found, held


def _newest_first(
    document: bytes, catalogue: pikepdf.Object, pool: list[x509.Certificate], roots: list[x509.Certificate]
) -> Iterator[_Signed]:
    """What was signed, to the newest seal and its time-stamp; what others had signed before is their own."""
    found = [(covered_bytes(document, each.V), each.V) for each in signature_fields(catalogue)]
    found.sort(key=lambda each: each[0].end, reverse=True)
    by_file: datetime | None = None
    for covered, signature in found:
        if not is_time_stamp(signature):
            # A seal without a time-stamp of its own has that of the file
            yield from _seal(read_message(covered.value), by_file, pool, roots)
            return
        stamp = _stamp(covered.value, pool, roots)
        by_file = stamp.since
        yield stamp


def _seal(
    message: SignedMessage,
    by_file: datetime | None,
    pool: list[x509.Certificate],
    roots: list[x509.Certificate],
) -> Iterator[_Signed]:
    stamp = None if message.token is None else _stamp(message.token, pool, roots)
    times = [moment for moment in (by_file, None if stamp is None else stamp.since) if moment is not None]
    certificate = signing_certificate(message)
    path = find_path(certificate, [*load_certificates(message.certificates), *pool], roots)
    algorithms = (message.digest_name, key_algorithm(certificate))
    yield _Signed(tuple(path), min(times, default=None), stamp=False, algorithms=algorithms)
    if stamp is not None:
        yield stamp


def _stamp(encoded: bytes, pool: list[x509.Certificate], roots: list[x509.Certificate]) -> _Signed:
    token = read_message(encoded)
    certificate = signing_certificate(token, sha1_allowed=True)
    path = find_path(certificate, [*load_certificates(token.certificates), *pool], roots)
    info = tsp.TSTInfo.load(token.content or b"", strict=True)
    imprint = digest_algorithm(info["message_imprint"]["hash_algorithm"])
    algorithms = tuple(sorted({imprint, token.digest_name, key_algorithm(certificate)}))
    return _Signed(tuple(path), info["gen_time"].native, stamp=True, algorithms=algorithms)


def _values(store: pikepdf.Object, kind: str) -> list[bytes]:
    return [entry.read_bytes() for entry in store.get(kind, pikepdf.Array())]
