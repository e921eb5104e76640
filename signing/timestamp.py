"""Time-stamp tokens (RFC 3161): asked for over HTTP, or made in the process for development.

`TimeStampAuthority` is a seam; it answers with the DER of a TimeStampToken, or raises `Unavailable`.
"""

import secrets
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Protocol

import httpx

from signing import cms, der
from signing.keys import SealingKey
from vault.errors import SignatureError, Unavailable

ANSWER_MAX_BYTES = 32 * 1024  # a token with a chain of four RSA-4096 certificates stays under 12 kB
HTTP_TOKEN_ROOM_BYTES = 8 * 1024  # what is kept free in a file for a token whose size is not known before
_TOKEN_GROWTH_BYTES = 128  # serial numbers and fractions of seconds vary a little
CLOCK_SKEW_MAX = timedelta(minutes=5)  # a token further away from our clock proves the wrong time
NONCE_BITS = 64

_DIGEST_SHA256_BYTES = 32
_GRANTED = (0, 1)  # PKIStatus granted, grantedWithMods (RFC 3161, clause 2.4.2)
_RETRY_AFTER_S = 10
# An arc for examples and documentation (ITU-T X.660: 2.999): nobody can take the token for a qualified one
DEVELOPMENT_POLICY = "2.999.3161.1"


class TimeStampAuthority(Protocol):
    """Whoever proves that a digest existed at a time."""

    @property
    def token_room_bytes(self) -> int:
        """The longest token to expect: so much room is kept for it in a file."""

    def stamp(self, digest_sha256: bytes, at: datetime) -> bytes:
        """The DER TimeStampToken over a SHA-256 digest. `at`: now, by the caller's clock.

        Raises:
            Unavailable: no answer, or none that can be used.
        """


class DevelopmentTimeStampAuthority:
    """A time-stamp authority inside the process: believes the caller's clock. For development only."""

    def __init__(self, key: SealingKey) -> None:
        self._key = key
        self._prepared = cms.prepare(key, content_type=cms.ID_CT_TST_INFO)
        self._room = len(
            self.stamp(bytes(_DIGEST_SHA256_BYTES), datetime(2000, 1, 1, 0, 0, 0, 123456, tzinfo=UTC))
        )

    @property
    def token_room_bytes(self) -> int:
        """The longest token: an ECDSA value may be some octets longer than the one tried at the start."""
        return self._room + 16

    def stamp(self, digest_sha256: bytes, at: datetime) -> bytes:
        """The DER TimeStampToken over a SHA-256 digest, with `at` as its time."""
        info = der.sequence(
            der.integer(1),
            der.oid(DEVELOPMENT_POLICY),
            _imprint(digest_sha256),
            der.integer(secrets.randbits(NONCE_BITS)),  # serialNumber: up to 160 bits, unique by chance
            der.generalized_time(at),
        )
        attributes = self._prepared.signed_attributes(_sha256(info))
        return self._prepared.finish(attributes, self._key.sign(attributes), content=info)


class HttpTimeStampAuthority:
    """A time-stamp authority spoken to over HTTP (RFC 3161, clause 3.4)."""

    def __init__(self, url: str, timeout_s: float, *, pause_s: float = 0.0) -> None:
        """`pause_s`: after it did not answer, nobody else waits for it so long."""
        self._url = url
        self._timeout_s = timeout_s
        self._pause_s = pause_s
        self._asked_again_s = 0.0  # on the monotonic clock
        self._longest_token_bytes = 0

    @property
    def token_room_bytes(self) -> int:
        """The longest token so far and some more; before the first one, a generous guess."""
        if not self._longest_token_bytes:
            return HTTP_TOKEN_ROOM_BYTES
        return self._longest_token_bytes + _TOKEN_GROWTH_BYTES

    def stamp(self, digest_sha256: bytes, at: datetime) -> bytes:
        """Ask for a token and check it before it is used.

        1. send the imprint and a nonce; 2. read the answer up to its cap; 3. its status is granted; 4. the
        token speaks of our imprint, carries our nonce and lies near our clock. Its signature is judged with
        the file.

        Raises:
            Unavailable: no answer in time, refused, or not an answer to what was asked.
        """
        nonce = secrets.randbits(NONCE_BITS)
        request = der.sequence(
            der.integer(1), _imprint(digest_sha256), der.integer(nonce), der.boolean(value=True)
        )
        answer = self._post(request)
        try:
            token = _granted_token(answer)
            info = _tst_info(token)
            problem = _mismatch(info, digest_sha256, nonce, at)
        except (SignatureError, IndexError, ValueError) as error:
            raise Unavailable(
                "The time-stamp authority's answer cannot be read.", retry_after_s=_RETRY_AFTER_S
            ) from error
        if problem is not None:
            raise Unavailable(problem, retry_after_s=_RETRY_AFTER_S)
        self._longest_token_bytes = max(self._longest_token_bytes, len(token))
        return token

    def _post(self, request: bytes) -> bytes:
        if time.monotonic() < self._asked_again_s:
            raise Unavailable(
                "The time-stamp authority did not answer a moment ago.", retry_after_s=_RETRY_AFTER_S
            )
        headers = {
            "Content-Type": "application/timestamp-query",
            "Accept": "application/timestamp-reply",
            "Accept-Encoding": "identity",
        }
        answer, deadline = bytearray(), time.monotonic() + self._timeout_s
        try:
            with httpx.stream(
                "POST", self._url, content=request, headers=headers, timeout=self._timeout_s
            ) as response:
                response.raise_for_status()
                for part in response.iter_raw():
                    if time.monotonic() > deadline:  # httpx's own time-out begins again with every byte
                        raise httpx.ReadTimeout("The answer drips.")
                    answer += part
                    if len(answer) > ANSWER_MAX_BYTES:
                        raise Unavailable(
                            f"The time-stamp authority's answer is over {ANSWER_MAX_BYTES} bytes.",
                            retry_after_s=_RETRY_AFTER_S,
                        )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._asked_again_s = time.monotonic() + self._pause_s
            raise Unavailable(
                "The time-stamp authority does not answer.", retry_after_s=_RETRY_AFTER_S
            ) from error
        return bytes(answer)


def _sha256(octets: bytes) -> bytes:
    return sha256(octets).digest()


def _imprint(digest_sha256: bytes) -> bytes:
    if len(digest_sha256) != _DIGEST_SHA256_BYTES:
        raise ValueError(f"A SHA-256 digest has {_DIGEST_SHA256_BYTES} bytes, got {len(digest_sha256)}.")
    return der.sequence(cms.SHA256_ALGORITHM, der.octet_string(digest_sha256))


def _granted_token(answer: bytes) -> bytes:
    """The token of a TimeStampResp whose status is granted (RFC 3161, clause 2.4.2)."""
    status_info, *rest = der.read(answer).children()
    status = der.read_integer(status_info.children()[0])
    if status not in _GRANTED or not rest:
        raise Unavailable(
            f"The time-stamp authority refused: PKIStatus {status}.", retry_after_s=_RETRY_AFTER_S
        )
    return rest[0].encoded


def _tst_info(token: bytes) -> list[der.Element]:
    """The fields of the TSTInfo inside a token: ContentInfo, SignedData, encapContentInfo, eContent."""
    signed_data = der.read(token).children()[1].children()[0]
    content_type, content = signed_data.children()[2].children()
    if content_type.encoded != der.oid(cms.ID_CT_TST_INFO):
        raise ValueError("not a TSTInfo")
    return der.read(content.children()[0].content).children()


def _mismatch(info: list[der.Element], digest_sha256: bytes, nonce: int, at: datetime) -> str | None:
    """Why the token does not answer our request, or None."""
    _, _, imprint, _, time, *rest = info
    if _algorithm_and_digest(imprint) != (cms.SHA256_ALGORITHM, digest_sha256):
        return "The time-stamp token speaks of another digest."
    if not any(e.tag == der.INTEGER and der.read_integer(e) == nonce for e in rest):
        return "The time-stamp token does not carry our nonce."
    moment = datetime.strptime(time.content.decode("ascii")[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    if abs(moment - at) > CLOCK_SKEW_MAX:
        return f"The time-stamp token's time is more than {CLOCK_SKEW_MAX} away from our clock."
    return None


def _algorithm_and_digest(imprint: der.Element) -> tuple[bytes, bytes]:
    algorithm, digest = imprint.children()
    # RFC 5754, clause 2: parameters may be absent or NULL; both name the same algorithm
    return der.sequence(algorithm.children()[0].encoded), digest.content
