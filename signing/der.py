"""Distinguished Encoding Rules (ITU-T X.690, clause 10), byte exact: just enough for CMS and national seals.

Everything that we send is built here, never re-encoded by an object model: asn1crypto 1.5.1 takes a header
whose last byte is 0x80 for an indefinite length and encodes it anew, in exponential time
(wbond/asn1crypto#249). The reader admits definite, minimal lengths and single-byte tags only.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache

from vault.errors import SignatureError

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = b"\x05\x00"
OBJECT_IDENTIFIER = 0x06
UTF8_STRING = 0x0C
PRINTABLE_STRING = 0x13
IA5_STRING = 0x16
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

_LONG_FORM = 0x80  # X.690 8.1.3.5: from this length on, the first octet counts the length's octets
_MULTI_BYTE_TAG = 0x1F  # X.690 8.1.2.4: no type that we read has a tag number over 30
_LENGTH_OCTETS_MAX = 4  # 4 GiB: far above any file that is admitted


def context(number: int) -> int:
    """Identifier octet of the context-specific tag [number], constructed."""
    return 0xA0 | number


def tlv(tag: int, *parts: bytes) -> bytes:
    """One value: identifier octet, minimal definite length, and the parts one after another."""
    content = parts[0] if len(parts) == 1 else b"".join(parts)
    size = len(content)
    if size < _LONG_FORM:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG_FORM | len(octets))) + octets + content


def sequence(*parts: bytes) -> bytes:
    """SEQUENCE of values that are encoded already."""
    return tlv(SEQUENCE, *parts)


def set_of(*parts: bytes) -> bytes:
    """SET OF, its elements in ascending order of their encodings (X.690, clause 11.6)."""
    return tlv(SET, *sorted(parts))


def integer(value: int) -> bytes:
    """INTEGER in the fewest octets of two's complement."""
    bits = value if value >= 0 else ~value
    return tlv(INTEGER, value.to_bytes(bits.bit_length() // 8 + 1, "big", signed=True))


def boolean(*, value: bool) -> bytes:
    """BOOLEAN; true is 0xFF (X.690, clause 11.1)."""
    return tlv(BOOLEAN, b"\xff" if value else b"\x00")


def octet_string(value: bytes) -> bytes:
    """OCTET STRING, primitive."""
    return tlv(OCTET_STRING, value)


def bit_string(value: bytes) -> bytes:
    """BIT STRING of whole octets."""
    return tlv(BIT_STRING, b"\x00", value)


def ia5_string(value: str) -> bytes:
    """IA5String; `value` must be ASCII."""
    return tlv(IA5_STRING, value.encode("ascii"))


def utf8_string(value: str) -> bytes:
    """UTF8String."""
    return tlv(UTF8_STRING, value.encode())


@lru_cache(maxsize=128)
def oid(dotted: str) -> bytes:
    """OBJECT IDENTIFIER from its dotted form (X.690, clause 8.19)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    out = bytearray()
    for arc in (first * 40 + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        out += bytes(reversed(septets))
    return tlv(OBJECT_IDENTIFIER, bytes(out))


def generalized_time(moment: datetime) -> bytes:
    """GeneralizedTime in UTC, with a fraction only where there is one (X.690, clause 11.7).

    `moment` must know its zone. Trailing zeros of the fraction are left off, as DER demands.
    """
    utc = moment.astimezone(UTC)
    text = f"{utc:%Y%m%d%H%M%S}"
    if utc.microsecond:
        text += f".{utc.microsecond:06d}".rstrip("0")
    return tlv(GENERALIZED_TIME, text.encode("ascii") + b"Z")


@dataclass(frozen=True, slots=True)
class Element:
    """One value as it stands in `source`: identifier octet, and where header, content and value lie."""

    tag: int
    start: int
    content_start: int
    end: int
    source: bytes = field(repr=False)

    @property
    def content(self) -> bytes:
        """The content octets."""
        return self.source[self.content_start : self.end]

    @property
    def encoded(self) -> bytes:
        """The whole value, header and content, exactly as received."""
        return self.source[self.start : self.end]

    def children(self, at_most: int | None = None) -> list["Element"]:
        """The values inside a constructed one, in order. `at_most`: how many are taken.

        Raises:
            SignatureError: they do not fill the content exactly, or are more.
        """
        return _walk(self.source, self.content_start, self.end, at_most)


def read(source: bytes) -> Element:
    """The one value that `source` consists of, nothing behind it.

    Raises:
        SignatureError: not one whole value in DER.
    """
    element = _element(source, 0, len(source))
    if element.end != len(source):
        raise SignatureError(
            f"DER value ends at byte {element.end} of {len(source)}: bytes are left over.", reason="not-der"
        )
    return element


def read_integer(element: Element) -> int:
    """The number in an INTEGER element.

    Raises:
        SignatureError: another type.
    """
    if element.tag != INTEGER:
        raise SignatureError(f"DER tag is {element.tag:#x}, expected INTEGER (0x2).", reason="not-der")
    return int.from_bytes(element.content, "big", signed=True)


def _walk(source: bytes, start: int, end: int, at_most: int | None) -> list[Element]:
    found: list[Element] = []
    while start < end:
        if len(found) == at_most:
            raise SignatureError(
                f"DER value holds more than {at_most} values: one more at byte {start}.", reason="not-der"
            )
        element = _element(source, start, end)
        found.append(element)
        start = element.end
    return found


def _element(source: bytes, start: int, limit: int) -> Element:
    if limit - start < 2:  # noqa: PLR2004 - identifier and length take an octet each
        raise SignatureError(f"DER value at byte {start} has no header.", reason="not-der")
    tag, size, content_start = source[start], source[start + 1], start + 2
    if tag & _MULTI_BYTE_TAG == _MULTI_BYTE_TAG:
        raise SignatureError(f"DER value at byte {start} has a tag of several octets.", reason="not-der")
    if size >= _LONG_FORM:
        octets = size & 0x7F
        if not 1 <= octets <= _LENGTH_OCTETS_MAX or content_start + octets > limit:
            raise SignatureError(
                f"DER value at byte {start} has an indefinite or overlong length.", reason="not-der"
            )
        size = int.from_bytes(source[content_start : content_start + octets], "big")
        content_start += octets
        if size < _LONG_FORM or size.bit_length() <= 8 * (octets - 1):
            raise SignatureError(f"DER length at byte {start} is not in its shortest form.", reason="not-der")
    if content_start + size > limit:
        raise SignatureError(
            f"DER value at byte {start} is {size} bytes long and {limit - content_start} are left.",
            reason="not-der",
        )
    return Element(tag, start, content_start, content_start + size, source)
