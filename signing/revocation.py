"""Asking configured responders and lists whether certificates were revoked (RFC 6960, RFC 5280).

The addresses come from configuration alone; those in a certificate are never followed. An answer is kept in
the process for an hour: one about a seal's certificate serves every file that was sealed before it was made,
so a million files cost as many questions as there are seals, an hour.
"""

import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.judge.revocation import NOT_BELIEVED, Answer, crl_answer, ocsp_answer
from signing.pades.long_term import ValidationData
from signing.trust import IssuedKey, certificates_der, development_crl
from vault.errors import SignatureError, Unavailable

OCSP_MAX_BYTES = 64 * 1024  # an answer with a responder's RSA-4096 certificate stays under 8 kB
CRL_MAX_BYTES = 4 * 1024 * 1024  # it is embedded in every file: a larger one wants an OCSP responder instead
TIMEOUT_S = 10.0
ANSWER_WITHIN_S = 60.0  # all of it: 4 MB over a slow line
ASK_AGAIN_AFTER = timedelta(seconds=60)  # a source that has nothing newer is left alone for so long
KEPT_MAX = timedelta(hours=1)  # so much later a revocation may be noticed here than at its source
NOTHING_NEW_MAX = timedelta(hours=1)  # lists are published before their predecessor's end, nobody knows when
AHEAD_MAX = timedelta(minutes=5)  # how far an answer's own time may run ahead of our clock


@dataclass(frozen=True, slots=True)
class RevocationSource:
    """Where to ask about certificates of one issuer. `issuer`: its certificate, DER; at least one address."""

    issuer: bytes = field(repr=False)
    ocsp_url: str | None
    crl_url: str | None


@dataclass(slots=True)
class _Kept:
    """The newest answer from one address about one thing, when it came, and when one was last asked for."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    encoded: bytes | None = None
    got_at: datetime | None = None
    asked_at: datetime | None = None


@dataclass(slots=True)
class RevocationSources:
    """All sources of a process. Thread-safe; a source is asked by one thread at a time.

    `made_here`: addresses that the process answers itself, for development only.
    """

    sources: Sequence[RevocationSource]
    timeout_s: float = TIMEOUT_S
    made_here: Mapping[str, Callable[[], bytes]] = field(default_factory=dict, repr=False)
    ask_again_after: timedelta = ASK_AGAIN_AFTER
    _kept: dict[tuple[str, int], _Kept] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def issuers(self) -> tuple[x509.Certificate, ...]:
        """The issuers that can be asked about."""
        return tuple(x509.load_der_x509_certificate(source.issuer) for source in self.sources)

    def answers(self, path: Sequence[x509.Certificate], *, since: datetime, now: datetime) -> ValidationData:
        """The certificates of a path and an answer about each below the root, made at `since` or later.

        Raises:
            Unavailable: a source does not answer, or has no answer as new as that yet; `retry_after_s` is
            when.
            SignatureError: `no-source` where none is configured; `REVOKED`: it was revoked by `since`.
        """
        data = ValidationData(tuple(each.public_bytes(Encoding.DER) for each in path))
        for subject, issuer in itertools.pairwise(path):
            data = data.joined(self._about(subject, issuer, since=since, now=now))
        return data

    def _about(
        self, subject: x509.Certificate, issuer: x509.Certificate, *, since: datetime, now: datetime
    ) -> ValidationData:
        source = self._source(issuer)
        refused: Unavailable | None = None
        if source.ocsp_url is not None:
            try:
                answer = self._ocsp(source.ocsp_url, subject, issuer, since=since, now=now)
            except Unavailable as error:
                refused = error
            else:
                _check_good(answer, subject, since)
                return ValidationData(ocsps=(answer.encoded,))
        if source.crl_url is not None:
            answer = self._crl(source.crl_url, subject, issuer, since=since, now=now)
            _check_good(answer, subject, since)
            return ValidationData(crls=(answer.encoded,))
        raise refused or Unavailable("No source answers about a certificate.")

    def _source(self, issuer: x509.Certificate) -> RevocationSource:
        for source in self.sources:
            known = x509.load_der_x509_certificate(source.issuer)
            if known.subject == issuer.subject and known.public_key() == issuer.public_key():
                return source
        raise SignatureError(
            f"No source of revocation data is configured for {issuer.subject.rfc4514_string()}.",
            reason="no-source",
        )

    def _ocsp(
        self,
        url: str,
        subject: x509.Certificate,
        issuer: x509.Certificate,
        *,
        since: datetime,
        now: datetime,
    ) -> Answer:
        # RFC 6960 leaves the digest to the client; RFC 5019, which caching responders follow, wants SHA-1
        # here
        request = ocsp.OCSPRequestBuilder().add_certificate(subject, issuer, SHA1()).build()  # noqa: S303 - names, no security rests on it
        headers = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
        body = request.public_bytes(Encoding.DER)

        def ask() -> bytes:
            return self._fetch("POST", url, OCSP_MAX_BYTES, headers, body)

        return self._newest(
            (url, subject.serial_number),
            ask,
            lambda encoded: ocsp_answer(encoded, subject, issuer),
            since=since,
            now=now,
        )

    def _crl(
        self,
        url: str,
        subject: x509.Certificate,
        issuer: x509.Certificate,
        *,
        since: datetime,
        now: datetime,
    ) -> Answer:
        return self._newest(
            (url, 0),
            lambda: self._fetch("GET", url, CRL_MAX_BYTES, {}, None),
            lambda encoded: crl_answer(encoded, subject, issuer),
            since=since,
            now=now,
        )

    def _newest(
        self,
        key: tuple[str, int],
        ask: Callable[[], bytes],
        read: Callable[[bytes], Answer],
        *,
        since: datetime,
        now: datetime,
    ) -> Answer:
        """What is kept, if it was made at `since` or later; else what the source says now, if that was."""
        with self._lock:
            kept = self._kept.setdefault(key, _Kept())
        with kept.lock:
            answer = None if kept.encoded is None else _believed(read, kept.encoded)
            fresh = kept.got_at is not None and now - kept.got_at < KEPT_MAX
            if answer is not None and fresh and answer.speaks_of(since):
                return answer
            rested = None if kept.asked_at is None else now - kept.asked_at
            if rested is not None and rested < self.ask_again_after:
                raise _not_yet(self.ask_again_after - rested)
            kept.asked_at = now
            encoded = ask()
            answer = _believed(read, encoded)
            if answer is None or answer.made_at > now + AHEAD_MAX:
                raise Unavailable(
                    "A source of revocation data gave an answer that cannot be believed.", retry_after_s=600
                )
            kept.encoded, kept.got_at = encoded, now
            if not answer.speaks_of(since):
                wait = NOTHING_NEW_MAX if answer.next_at is None else answer.next_at - now
                raise _not_yet(min(max(wait, self.ask_again_after), NOTHING_NEW_MAX))
            return answer

    def _fetch(
        self, method: str, url: str, most: int, headers: Mapping[str, str], body: bytes | None
    ) -> bytes:
        if url in self.made_here:
            return self.made_here[url]()
        headers = {**headers, "Accept-Encoding": "identity"}
        answer, deadline = bytearray(), time.monotonic() + ANSWER_WITHIN_S
        try:
            with httpx.stream(
                method, url, content=body, headers=headers, timeout=self.timeout_s, follow_redirects=False
            ) as response:
                response.raise_for_status()
                for part in response.iter_raw():
                    if time.monotonic() > deadline:  # httpx's own time-out begins again with every byte
                        raise httpx.ReadTimeout("The answer drips.")
                    answer += part
                    if len(answer) > most:
                        raise Unavailable(f"A source of revocation data answers with over {most} bytes.")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable("A source of revocation data does not answer.", retry_after_s=60) from error
        return bytes(answer)


def development_sources(
    authority: IssuedKey, passphrase: bytes, clock: Callable[[], datetime]
) -> RevocationSources:
    """The development authority's list, made whenever it is asked for: nothing is on it."""
    (issuer,) = certificates_der(authority.certificate_pem)
    address = "development:crl"

    def listed() -> bytes:
        return development_crl(authority, passphrase, at=clock())

    return RevocationSources(
        (RevocationSource(issuer, None, address),), made_here={address: listed}, ask_again_after=timedelta(0)
    )


def _believed(read: Callable[[bytes], Answer], encoded: bytes) -> Answer | None:
    try:
        return read(encoded)
    except NOT_BELIEVED:
        return None


def _check_good(answer: Answer, subject: x509.Certificate, since: datetime) -> None:
    if answer.revoked_at is not None and answer.revoked_at <= since:
        raise SignatureError(
            f"The certificate of {subject.subject.rfc4514_string()} was revoked on "
            f"{answer.revoked_at:%Y-%m-%d}.",
            reason="REVOKED",
        )


def _not_yet(wait: timedelta) -> Unavailable:
    seconds = max(1, int(wait.total_seconds()) + 1)
    return Unavailable("There is no answer on revocation from after the seal yet.", retry_after_s=seconds)
