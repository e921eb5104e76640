"""The statement in a QR: CBOR claims, a COSE_Sign1 around them, deflated, base45, in an address's fragment.

    https://vault.example/v#t=TOKEN&s=STATEMENT

The claims are a CWT claims set (RFC 8392): `iat` is the moment as of which all the rest is true, and a claim
of the private range holds what is said of the certificate, under small numbers (docs/offline.md lists them).
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from urllib.parse import unquote

from signing import base45, cbor
from signing.cbor import Cbor
from signing.cose import Sign1, read_sign1, sign1
from signing.statement_key import StatementKey, StatementPublicKey
from vault.errors import InputError
from vault.model.certificate import Status
from vault.model.identifier import ROOT, CertificateIdentifier
from vault.model.legal_time import LEGAL_TIME
from vault.model.origin import OriginKind
from vault.model.statement import DIGEST_PREFIX_BYTES, Covers, DocumentMark, Statement
from vault.model.written import UNPRINTABLE

# What is read: ours have about 400 characters and 270 bytes; a bomb of more is not inflated.
TEXT_MAX_CHARS = 1200
STATEMENT_MAX_BYTES = 1024
HOLDERS_MAX = 10_000

_ISSUED_AT = 6  # CWT iat
_CERTIFICATE = -65537  # the first of the private range (RFC 8392, 9.1)
_IDENTIFIER, _TYPE, _AUTHORITY, _HOLDER, _HOLDERS = 1, 2, 3, 4, 5
_ISSUED_ON, _VALID_FROM, _VALID_TO, _STATUS, _ORIGIN = 6, 7, 8, 11, 12
_KNOWN = frozenset(range(1, 13))
# Never renumbered: printed paper says them.
_STATUSES = (
    Status.VALID,
    Status.SUSPENDED,
    Status.SUPERSEDED,
    Status.CANCELLED,
    Status.WITHDRAWN,
    Status.REVOKED,
    Status.ABOLISHED,
)
# Never renumbered either. The first is said by saying nothing: two bytes less, and the statements of before.
_ORIGINS = (
    OriginKind.BORN_SEALED,
    OriginKind.TYPESET_ANEW,
    OriginKind.SCAN_ATTESTED,
    OriginKind.SCAN_UNVERIFIED,
)
_EPOCH = date(1970, 1, 1)
# Raw deflate (RFC 1951): what is inside is signed, and needs no checksum of zlib's.
_RAW = -15
_LEVEL = 9
# An identifier's parts without root and full stops, all but the serial of fixed length.
_PARTS = re.compile(
    r"1(?P<type>[0-9A-Z]{21})(?P<authority>[0-9A-Z]{18})(?P<serial>[0-9A-Z]{1,64})(?P<version>[0-9]{3})"
    r"(?P<check>[0-9A-Z])"
)
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_STATEMENT_PART = "s="


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A statement as it was read; nothing is proved until `check` was called."""

    statement: Statement
    _sign1: Sign1

    @property
    def kid(self) -> bytes:
        """Which key it says has signed it."""
        return self._sign1.kid

    def check(self, key: StatementPublicKey) -> None:
        """Proves that this key signed it.

        Raises:
            SignatureError: it did not.
        """
        self._sign1.check(key)


def write_statement(statement: Statement, key: StatementKey) -> str:
    """The statement signed, in base45. The same arguments give the same text."""
    deflate = zlib.compressobj(_LEVEL, wbits=_RAW)
    return base45.encode(deflate.compress(sign1(key, _claims(statement))) + deflate.flush())


def read_statement(text: str) -> SignedStatement:
    """The statement in a QR's text: an address with it in its fragment, or the base45 alone.

    Raises:
        InputError: there is none in it, or it is not as `write_statement` writes it.
    """
    if len(text) > TEXT_MAX_CHARS:
        raise InputError(f"Expected the text of a QR code, at most {TEXT_MAX_CHARS} characters.")
    signed = read_sign1(_inflated(base45.decode(_statement_part(text))))
    return SignedStatement(_statement(cbor.decode(signed.payload)), signed)


def in_fragment(text: str) -> str:
    """The text percent-encoded as an address needs it, still in characters that a QR packs densely."""
    return text.replace("%", "%25").replace(" ", "%20")


def _statement_part(text: str) -> str:
    _, fragment, parts = text.partition("#")
    if not fragment:
        return text
    found = [part for part in parts.split("&") if part.startswith(_STATEMENT_PART)]
    if len(found) != 1:
        raise InputError("The address has no statement in it: nothing of it can be checked without network.")
    return unquote(found[0].removeprefix(_STATEMENT_PART))


def _inflated(content: bytes) -> bytes:
    inflate = zlib.decompressobj(_RAW)
    try:
        inflated = inflate.decompress(content, STATEMENT_MAX_BYTES + 1)
    except zlib.error:
        raise InputError("Expected a deflated statement.") from None
    if len(inflated) > STATEMENT_MAX_BYTES:
        raise InputError(f"Expected a statement of at most {STATEMENT_MAX_BYTES} bytes.")
    if not inflate.eof or inflate.unused_data:
        raise InputError("The deflated statement ends too soon, or bytes stand behind its end.")
    return inflated


# --- claims ------------------------------------------------------------------------------------------


def _claims(statement: Statement) -> bytes:
    certificate: dict[int, Cbor] = {
        _IDENTIFIER: _packed(statement.identifier),
        _TYPE: statement.type_name,
        _AUTHORITY: statement.authority_name,
        _HOLDER: statement.holder,
        _ISSUED_ON: _days(statement.issued_on),
        _VALID_FROM: _days(statement.valid_from),
        statement.document.covers.value: statement.document.prefix,
        _STATUS: _STATUSES.index(statement.status),
    }
    if statement.holders != 1:
        certificate[_HOLDERS] = statement.holders
    if statement.valid_to is not None:
        certificate[_VALID_TO] = _days(statement.valid_to)
    if statement.origin is not OriginKind.BORN_SEALED:
        certificate[_ORIGIN] = _ORIGINS.index(statement.origin)
    return cbor.encode({_ISSUED_AT: int(statement.as_of.timestamp()), _CERTIFICATE: certificate})


def _statement(claims: Cbor) -> Statement:
    if not isinstance(claims, Mapping) or claims.keys() != {_ISSUED_AT, _CERTIFICATE}:
        raise InputError("Expected a statement's claims: its time and its certificate, no more.")
    certificate = claims[_CERTIFICATE]
    if not isinstance(certificate, Mapping) or not certificate.keys() <= _KNOWN:
        raise InputError("The statement has claims that are not known here: it needs a newer reader.")
    valid_to = certificate.get(_VALID_TO)
    return Statement(
        identifier=_identifier(_bytes(certificate, _IDENTIFIER)),
        type_name=_text(certificate, _TYPE),
        authority_name=_text(certificate, _AUTHORITY),
        holder=_text(certificate, _HOLDER),
        holders=_number(certificate, _HOLDERS, HOLDERS_MAX) if _HOLDERS in certificate else 1,
        issued_on=_day(_number(certificate, _ISSUED_ON)),
        valid_from=_day(_number(certificate, _VALID_FROM)),
        valid_to=None if valid_to is None else _day(_number(certificate, _VALID_TO)),
        status=_STATUSES[_number(certificate, _STATUS, len(_STATUSES) - 1)],
        as_of=_moment(_number(claims, _ISSUED_AT)),
        document=_mark(certificate),
        origin=_origin(certificate),
    )


def _origin(certificate: Mapping[int, Cbor]) -> OriginKind:
    if _ORIGIN not in certificate:
        return OriginKind.BORN_SEALED
    return _ORIGINS[_number(certificate, _ORIGIN, len(_ORIGINS) - 1, least=1)]


def _mark(certificate: Mapping[int, Cbor]) -> DocumentMark:
    covers = [each for each in Covers if each.value in certificate]
    if len(covers) != 1:
        raise InputError("Expected one digest in the statement.")
    prefix = _bytes(certificate, covers[0].value)
    if len(prefix) != DIGEST_PREFIX_BYTES:
        raise InputError(f"Expected {DIGEST_PREFIX_BYTES} bytes of a digest, got {len(prefix)}.")
    return DocumentMark(covers[0], prefix)


def _packed(identifier: str) -> bytes:
    """The parts, a 1 before them, as one number in base 36: 43 bytes where the text has 82."""
    number = int("1" + identifier.removeprefix(ROOT).replace(".", ""), 36)
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _identifier(packed: bytes) -> str:
    found = _PARTS.fullmatch(_base36(int.from_bytes(packed, "big")))
    if found is None or packed[:1] == b"\x00":
        raise InputError("Expected a certificate identifier in the statement.")
    text = ".".join((ROOT, *found.group("type", "authority", "serial", "version", "check")))
    return str(CertificateIdentifier.parse(text))


def _base36(number: int) -> str:
    digits = []
    while number:
        number, digit = divmod(number, len(_ALPHANUMERIC))
        digits.append(_ALPHANUMERIC[digit])
    return "".join(reversed(digits))


def _days(day: date) -> int:
    """Days since 1970-01-01, as CBOR's tag 100 counts them (RFC 8943)."""
    return (day - _EPOCH).days


def _day(days: int) -> date:
    try:
        return _EPOCH + timedelta(days=days)
    except OverflowError:
        raise InputError("A date of the statement lies beyond the year 9999.") from None


def _moment(seconds: int) -> datetime:
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
        moment.astimezone(LEGAL_TIME)  # what readers are told: eight hours of the year 9999 are none there
    except (ValueError, OverflowError, OSError):
        raise InputError("The statement's time lies beyond the year 9999.") from None
    return moment


def _bytes(claims: Mapping[int, Cbor], claim: int) -> bytes:
    value = claims.get(claim)
    if not isinstance(value, bytes):
        raise InputError(f"Expected bytes as claim {claim} of the statement.")
    return value


def _text(claims: Mapping[int, Cbor], claim: int) -> str:
    value = claims.get(claim)
    if not isinstance(value, str) or UNPRINTABLE.search(value):
        raise InputError(f"Expected a text of one line as claim {claim} of the statement.")
    return value


def _number(claims: Mapping[int, Cbor], claim: int, most: int | None = None, *, least: int = 0) -> int:
    value = claims.get(claim)
    if not isinstance(value, int) or (most is not None and not least <= value <= most):
        raise InputError(f"Expected a number in its range as claim {claim} of the statement.")
    return value
