"""Reading a seal (SESeal) of any version, strictly and without encoding anything again."""

from datetime import datetime
from typing import NamedTuple

from signing import der
from signing.der import Element
from signing.ses import fields
from signing.ses.structure import (
    CERTIFICATE_MAX_BYTES,
    CERTIFICATES,
    CERTIFICATES_MAX,
    DIGESTS,
    EXTENSION_MAX_BYTES,
    EXTENSIONS_MAX,
    HEADER_ID,
    ID_MAX_CHARS,
    NAME_MAX_BYTES,
    PICTURE_MAX_BYTES,
    PICTURE_MAX_MM,
    SEAL_MAX_BYTES,
    SIGNATURE_VALUE_MAX_BYTES,
    TIME_STAMP_MAX_BYTES,
    V1,
    V1_NUMBERS,
    V4,
    V5,
    CertificateDigest,
    Extension,
    Picture,
    ReadSeal,
)
from vault.errors import SignatureError

_DIGEST_MAX_BYTES = 64
_V1_PARTS = 2


class _Property(NamedTuple):
    kind: int
    name: str
    certificates: tuple[bytes, ...]
    digests: tuple[CertificateDigest, ...]
    created_at: datetime
    valid_from: datetime
    valid_to: datetime


class _Maker(NamedTuple):
    certificate: bytes
    algorithm: str
    signature: bytes
    signed: bytes
    time_stamp: bytes | None


def read_seal(content: bytes) -> ReadSeal:
    """A SESeal from its bytes: an `.esl` file, or the seal inside a signature.

    The version is told by the outer shape and must agree with the header: two values are GM/T 0031-2014 (V1),
    four GB/T 38540 (V4) or GM/T 0031-2025 (V5, with one more for a time-stamp).

    Raises:
        SignatureError: too large (`ses-size`), not DER or bytes left over (`not-der`), another structure
            (`ses-shape`), or shape and number of version do not agree (`ses-version`).
    """
    if len(content) > SEAL_MAX_BYTES:
        detail = f"A seal has at most {SEAL_MAX_BYTES} bytes, got {len(content)}."
        raise SignatureError(detail, reason="ses-size")
    return seal_of(der.read(content))


def seal_of(element: Element) -> ReadSeal:
    """A SESeal from an element inside something larger.

    Raises:
        SignatureError: as for `read_seal`.
    """
    parts = fields.members(element, "Seal", _V1_PARTS, 5)
    info = fields.members(parts[0], "Seal information", 4, 5)
    version, vendor = _header(info[0], first_version=len(parts) == _V1_PARTS)
    maker = _maker_v1(parts) if version == V1 else _maker(parts, version)
    signed_property = _property_v1(info[2]) if version == V1 else _property(info[2])
    if signed_property.valid_to < signed_property.valid_from:
        raise fields.shape("Seal validity", "an end after its beginning")
    return ReadSeal(
        version=version,
        vendor=vendor,
        es_id=fields.ascii_text(info[1], "Seal number (esID)", ID_MAX_CHARS),
        kind=signed_property.kind,
        name=signed_property.name,
        certificates=signed_property.certificates,
        digests=signed_property.digests,
        created_at=signed_property.created_at,
        valid_from=signed_property.valid_from,
        valid_to=signed_property.valid_to,
        picture=_picture(info[3]),
        extensions=extensions(info[4]) if len(info) > 4 else (),  # noqa: PLR2004 - the fifth field
        maker_certificate=maker.certificate,
        maker_algorithm=maker.algorithm,
        maker_signature=maker.signature,
        info=parts[0].encoded,
        signed=maker.signed,
        encoded=element.encoded,
        time_stamp=maker.time_stamp,
    )


def certificate(element: Element, what: str) -> bytes:
    """A whole DER certificate inside an OCTET STRING; its inside is not looked at."""
    content = fields.octets(element, what, CERTIFICATE_MAX_BYTES)
    fields.typed(der.read(content), der.SEQUENCE, what)
    return content


def extensions(element: Element) -> tuple[Extension, ...]:
    """ExtensionDatas, bare as real seals have it, or under [0] as the text of GM/T 0031 reads."""
    what = "Extensions (extDatas)"
    if element.tag == der.context(0):
        element = fields.only(element, der.context(0), what)
    return tuple(_extension(each) for each in fields.members(element, what, 0, EXTENSIONS_MAX))


def time_stamp(element: Element) -> bytes:
    """A time-stamp token as [0] EXPLICIT BIT STRING."""
    what = "Time-stamp"
    return fields.bit_octets(fields.only(element, der.context(0), what), what, TIME_STAMP_MAX_BYTES)


def _header(element: Element, *, first_version: bool) -> tuple[int, str]:
    """Version (V1 for all of its shape) and vendor."""
    header = fields.members(element, "Seal header", 3, 3)
    if fields.ascii_text(header[0], "Seal header ID", ID_MAX_CHARS) != HEADER_ID:
        raise fields.shape("Seal header ID", HEADER_ID)
    number = fields.integer(header[1], "Seal version")
    vendor = fields.ascii_text(header[2], "Seal vendor (Vid)", ID_MAX_CHARS)
    if number not in (V1_NUMBERS if first_version else {V4, V5}):
        built = "GM/T 0031-2014 (V1)" if first_version else "GB/T 38540 (V4)"
        detail = f"Seal version: the seal is built as {built} says and calls itself version {number}."
        raise SignatureError(detail, reason="ses-version")
    return (V1 if first_version else number), vendor


def _maker(parts: list[Element], version: int) -> _Maker:
    allowed = 5 if version == V5 else 4
    if not 4 <= len(parts) <= allowed:  # noqa: PLR2004 - information, certificate, algorithm, signature
        raise fields.shape("Seal", f"4{' or 5' if version == V5 else ''} values, got {len(parts)}")
    return _Maker(
        certificate(parts[1], "Seal maker's certificate"),
        fields.oid(parts[2], "Seal maker's algorithm"),
        fields.bit_octets(parts[3], "Seal maker's signature", SIGNATURE_VALUE_MAX_BYTES),
        parts[0].encoded,
        time_stamp(parts[4]) if len(parts) == allowed == 5 else None,  # noqa: PLR2004 - the fifth field
    )


def _maker_v1(parts: list[Element]) -> _Maker:
    sign_info = fields.members(parts[1], "Seal maker (signInfo)", 3, 3)
    return _Maker(
        certificate(sign_info[0], "Seal maker's certificate"),
        fields.oid(sign_info[1], "Seal maker's algorithm"),
        fields.bit_octets(sign_info[2], "Seal maker's signature", SIGNATURE_VALUE_MAX_BYTES),
        # GM/T 0031-2014: signed is a SEQUENCE of these three, which stands nowhere as such.
        der.sequence(parts[0].encoded, sign_info[0].encoded, sign_info[1].encoded),
        None,
    )


def _property(element: Element) -> _Property:
    parts = fields.members(element, "Seal property", 7, 7)
    list_type = fields.integer(parts[2], "Certificate list type (certListType)")
    if list_type not in {CERTIFICATES, DIGESTS}:
        raise fields.shape("Certificate list type (certListType)", f"1 or 2, got {list_type}")
    listed = fields.members(parts[3], "Certificate list (certList)", 1, CERTIFICATES_MAX)
    named = list_type == CERTIFICATES
    return _Property(
        fields.integer(parts[0], "Seal type"),
        fields.utf8_text(parts[1], "Seal name", NAME_MAX_BYTES),
        tuple(certificate(each, "Listed certificate") for each in listed) if named else (),
        () if named else tuple(_digest(each) for each in listed),
        fields.moment(parts[4], "Seal's making (createDate)"),
        fields.moment(parts[5], "Seal's beginning (validStart)"),
        fields.moment(parts[6], "Seal's end (validEnd)"),
    )


def _property_v1(element: Element) -> _Property:
    parts = fields.members(element, "Seal property", 6, 6)
    listed = fields.members(parts[2], "Certificate list (certList)", 1, CERTIFICATES_MAX)
    return _Property(
        fields.integer(parts[0], "Seal type"),
        fields.utf8_text(parts[1], "Seal name", NAME_MAX_BYTES),
        tuple(certificate(each, "Listed certificate") for each in listed),
        (),
        fields.utc_moment(parts[3], "Seal's making (createDate)"),
        fields.utc_moment(parts[4], "Seal's beginning (validStart)"),
        fields.utc_moment(parts[5], "Seal's end (validEnd)"),
    )


def _digest(element: Element) -> CertificateDigest:
    parts = fields.members(element, "Certificate digest", 2, 2)
    return CertificateDigest(
        fields.ascii_text(parts[0], "Certificate digest's algorithm", ID_MAX_CHARS, der.PRINTABLE_STRING),
        fields.octets(parts[1], "Certificate digest", _DIGEST_MAX_BYTES),
    )


def _picture(element: Element) -> Picture:
    parts = fields.members(element, "Seal picture", 4, 4)
    picture = Picture(
        fields.ascii_text(parts[0], "Picture type", ID_MAX_CHARS),
        fields.octets(parts[1], "Picture", PICTURE_MAX_BYTES),
        fields.integer(parts[2], "Picture width"),
        fields.integer(parts[3], "Picture height"),
    )
    for what, size_mm in (("width", picture.width_mm), ("height", picture.height_mm)):
        if not 0 < size_mm <= PICTURE_MAX_MM:
            raise fields.shape(f"Picture {what}", f"1 to {PICTURE_MAX_MM} mm, got {size_mm}")
    return picture


def _extension(element: Element) -> Extension:
    parts = fields.members(element, "Extension", 2, 3)
    critical = fields.boolean(parts[1], "Extension's critical") if len(parts) > 2 else False  # noqa: PLR2004 - DEFAULT FALSE, left out or written
    return Extension(
        fields.oid(parts[0], "Extension's OID"),
        critical,
        fields.octets(parts[-1], "Extension's value", EXTENSION_MAX_BYTES),
    )
