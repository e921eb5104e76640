"""The few types of which national seals consist, read strictly (ITU-T X.690, clauses 8 and 10).

Each function takes an element, says which type it expects and what the field is called, and raises
`SignatureError`: `ses-shape` for another type or a value out of its limits, `not-der` for an encoding that
DER does not admit. Nothing is ever encoded again: values are slices of what was received.
"""

import re
from datetime import UTC, datetime

from signing import der
from signing.der import Element
from vault.errors import SignatureError

_NAMES = {
    der.BOOLEAN: "BOOLEAN",
    der.INTEGER: "INTEGER",
    der.BIT_STRING: "BIT STRING",
    der.OCTET_STRING: "OCTET STRING",
    der.OBJECT_IDENTIFIER: "OBJECT IDENTIFIER",
    der.UTF8_STRING: "UTF8String",
    der.PRINTABLE_STRING: "PrintableString",
    der.IA5_STRING: "IA5String",
    der.UTC_TIME: "UTCTime",
    der.GENERALIZED_TIME: "GeneralizedTime",
    der.SEQUENCE: "SEQUENCE",
    der.SET: "SET",
    der.context(0): "[0]",
}
_INTEGER_MAX_OCTETS = 8  # versions, kinds and millimetres; serial numbers are kept as slices
_OID_MAX_OCTETS = 64
_CONTINUED = 0x80  # X.690 8.19.2: set in every octet of an arc but its last
# X.690 11.7 and 11.8: seconds are there, a fraction only without trailing zeros, and the time is UTC.
_GENERALIZED = re.compile(rb"(\d{14})(\.\d{0,5}[1-9])?Z")
_UTC = re.compile(rb"\d{12}Z")
_CENTURY_TURN = 50  # RFC 5280, clause 4.1.2.5.1: from 50 on, UTCTime means 19xx


def shape(what: str, expected: str) -> SignatureError:
    """An error for a structure that is not what the standard says."""
    return SignatureError(f"{what}: expected {expected}.", reason="ses-shape")


def typed(element: Element, tag: int, what: str) -> Element:
    """The element, where it has this tag."""
    if element.tag != tag:
        got = _NAMES.get(element.tag, f"tag {element.tag:#04x}")
        raise shape(what, f"{_NAMES.get(tag, f'tag {tag:#04x}')}, got {got}")
    return element


def members(element: Element, what: str, least: int, most: int, tag: int = der.SEQUENCE) -> list[Element]:
    """The values of a SEQUENCE (or SET) that holds `least` to `most` of them."""
    found = typed(element, tag, what).children(most)
    if len(found) < least:
        number = str(least) if least == most else f"{least} to {most}"
        raise shape(what, f"{number} values, got {len(found)}")
    return found


def only(element: Element, tag: int, what: str) -> Element:
    """The one value inside an explicit tag."""
    return members(element, what, 1, 1, tag)[0]


def integer(element: Element, what: str) -> int:
    """An INTEGER of at most 64 bits, in its shortest form."""
    content = typed(element, der.INTEGER, what).content
    if not 0 < len(content) <= _INTEGER_MAX_OCTETS:
        raise shape(what, f"an INTEGER of 1 to {_INTEGER_MAX_OCTETS} octets, got {len(content)}")
    value = int.from_bytes(content, "big", signed=True)
    if der.integer(value) != element.encoded:
        raise SignatureError(f"{what}: INTEGER is not in its shortest form.", reason="not-der")
    return value


def boolean(element: Element, what: str) -> bool:
    """A BOOLEAN; false is taken although DER leaves a default out, since real seals write it."""
    content = typed(element, der.BOOLEAN, what).content
    if content not in {b"\x00", b"\xff"}:
        raise SignatureError(f"{what}: BOOLEAN is neither 00 nor FF.", reason="not-der")
    return content == b"\xff"


def octets(element: Element, what: str, most: int) -> bytes:
    """The content of an OCTET STRING of 1 to `most` bytes."""
    content = typed(element, der.OCTET_STRING, what).content
    return _sized(content, what, most)


def bit_octets(element: Element, what: str, most: int) -> bytes:
    """The content of a BIT STRING of whole octets, 1 to `most` of them."""
    content = typed(element, der.BIT_STRING, what).content
    if content[:1] != b"\x00":
        raise shape(what, "a BIT STRING without unused bits")
    return _sized(content[1:], what, most)


def ascii_text(element: Element, what: str, most: int, tag: int = der.IA5_STRING) -> str:
    """An IA5String (or PrintableString) of 1 to `most` printable characters."""
    content = _sized(typed(element, tag, what).content, what, most)
    if not all(0x20 <= octet < 0x7F for octet in content):  # noqa: PLR2004 - ASCII's printable range
        raise shape(what, "printable ASCII")
    return content.decode("ascii")


def utf8_text(element: Element, what: str, most: int) -> str:
    """A UTF8String of 1 to `most` bytes, no control characters."""
    content = _sized(typed(element, der.UTF8_STRING, what).content, what, most)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise shape(what, "UTF-8") from error
    if not text.isprintable():
        raise shape(what, "a text without control characters")
    return text


def oid(element: Element, what: str) -> str:
    """An OBJECT IDENTIFIER in its dotted form."""
    content = typed(element, der.OBJECT_IDENTIFIER, what).content
    if not 0 < len(content) <= _OID_MAX_OCTETS or content[-1] & _CONTINUED:
        raise shape(what, f"an OBJECT IDENTIFIER of 1 to {_OID_MAX_OCTETS} octets that ends with an arc")
    arcs, arc, fresh = [], 0, True
    for octet in content:
        if fresh and octet == _CONTINUED:
            raise SignatureError(f"{what}: an arc begins with zero.", reason="not-der")
        arc, fresh = arc << 7 | octet & 0x7F, not octet & _CONTINUED
        if fresh:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(number) for number in (first, arcs[0] - 40 * first, *arcs[1:]))


def moment(element: Element, what: str) -> datetime:
    """A GeneralizedTime in UTC."""
    match = _GENERALIZED.fullmatch(typed(element, der.GENERALIZED_TIME, what).content)
    if match is None:
        raise SignatureError(f"{what}: GeneralizedTime is not YYYYMMDDhhmmssZ.", reason="not-der")
    fraction = int((match[2] or b".0")[1:].ljust(6, b"0"))
    return _moment(match[1].decode(), what).replace(microsecond=fraction)


def utc_moment(element: Element, what: str) -> datetime:
    """A UTCTime (V1 seals)."""
    content = typed(element, der.UTC_TIME, what).content
    if not _UTC.fullmatch(content):
        raise SignatureError(f"{what}: UTCTime is not YYMMDDhhmmssZ.", reason="not-der")
    century = "19" if int(content[:2]) >= _CENTURY_TURN else "20"
    return _moment(century + content[:-1].decode(), what)


def _moment(digits: str, what: str) -> datetime:
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise shape(what, "a time that exists") from error


def _sized(content: bytes, what: str, most: int) -> bytes:
    if not 0 < len(content) <= most:
        raise shape(what, f"1 to {most} bytes, got {len(content)}")
    return content
