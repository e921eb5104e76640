"""Reading what a seal signed (SES_Signature) of any version, strictly and byte-exact."""

from datetime import datetime

from signing import der
from signing.der import Element
from signing.ses import fields
from signing.ses.seal_reading import certificate, extensions, seal_of, time_stamp
from signing.ses.structure import (
    PATH_MAX_CHARS,
    SIGNATURE_VALUE_MAX_BYTES,
    SIGNED_MAX_BYTES,
    TIME_STAMP_MAX_BYTES,
    V1,
    V1_NUMBERS,
    ReadSesSignature,
)
from vault.errors import SignatureError

_V1_PARTS = 2
_DIGEST_MAX_BYTES = 64


def read_ses(content: bytes) -> ReadSesSignature:
    """A SES_Signature, such as an OFD's SignedValue.dat.

    Two values are V1; four, or five with a time-stamp, V4 or V5, as the seal's header says. A seal of one
    version inside a signature of another is refused: it would be checked by rules that are not its own.

    Raises:
        SignatureError: too large (`ses-size`), not DER or bytes left over (`not-der`), another structure
            (`ses-shape`), or versions that do not agree (`ses-version`).
    """
    if len(content) > SIGNED_MAX_BYTES:
        detail = f"A seal's signature has at most {SIGNED_MAX_BYTES} bytes, got {len(content)}."
        raise SignatureError(detail, reason="ses-size")
    parts = fields.members(der.read(content), "Seal signature", 2, 5)
    if len(parts) == _V1_PARTS:
        return _read_v1(parts)
    if len(parts) < 4:  # noqa: PLR2004 - what is signed, certificate, algorithm, signature
        raise fields.shape("Seal signature", "2, 4 or 5 values, got 3")
    tbs = fields.members(parts[0], "Signed part (TBS_Sign)", 5, 6)
    seal = seal_of(tbs[1])
    _check_version(tbs[0], seal.version, first_version=False)
    return ReadSesSignature(
        version=seal.version,
        seal=seal.encoded,
        read_seal=seal,
        time_info=tbs[2].content,
        signed_at=fields.moment(tbs[2], "Time of sealing (timeInfo)"),
        data_hash=fields.bit_octets(tbs[3], "Digest (dataHash)", _DIGEST_MAX_BYTES),
        property_info=fields.ascii_text(tbs[4], "Path (propertyInfo)", PATH_MAX_CHARS),
        extensions=extensions(tbs[5]) if len(tbs) > 5 else (),  # noqa: PLR2004 - the sixth field
        certificate=certificate(parts[1], "Signer's certificate"),
        algorithm=fields.oid(parts[2], "Signer's algorithm"),
        signature=fields.bit_octets(parts[3], "Signature", SIGNATURE_VALUE_MAX_BYTES),
        tbs=parts[0].encoded,
        time_stamp=time_stamp(parts[4]) if len(parts) > 4 else None,  # noqa: PLR2004 - the fifth field
    )


def _read_v1(parts: list[Element]) -> ReadSesSignature:
    tbs = fields.members(parts[0], "Signed part (TBS_Sign)", 7, 7)
    seal = seal_of(tbs[1])
    _check_version(tbs[0], seal.version, first_version=True)
    time_info = fields.bit_octets(tbs[2], "Time of sealing (timeInfo)", TIME_STAMP_MAX_BYTES)
    return ReadSesSignature(
        version=V1,
        seal=seal.encoded,
        read_seal=seal,
        time_info=time_info,
        signed_at=_v1_moment(time_info),
        data_hash=fields.bit_octets(tbs[3], "Digest (dataHash)", _DIGEST_MAX_BYTES),
        property_info=fields.ascii_text(tbs[4], "Path (propertyInfo)", PATH_MAX_CHARS),
        extensions=(),
        certificate=certificate(tbs[5], "Signer's certificate"),
        algorithm=fields.oid(tbs[6], "Signer's algorithm"),
        signature=fields.bit_octets(parts[1], "Signature", SIGNATURE_VALUE_MAX_BYTES),
        tbs=parts[0].encoded,
    )


def _check_version(element: Element, of_seal: int, *, first_version: bool) -> None:
    number = fields.integer(element, "Signature version")
    agrees = number in V1_NUMBERS and of_seal == V1 if first_version else number == of_seal != V1
    if not agrees:
        built = "GM/T 0031-2014 (V1)" if first_version else "GB/T 38540 (V4)"
        detail = (
            f"Signature version: the signature is built as {built} says, calls itself {number},"
            f" and its seal is of version {of_seal}."
        )
        raise SignatureError(detail, reason="ses-version")


def _v1_moment(time_info: bytes) -> datetime | None:
    """V1 puts a time-stamp token or an encoded UTCTime here, and vendors write text: only a time is told."""
    try:
        return fields.utc_moment(der.read(time_info), "Time of sealing (timeInfo)")
    except SignatureError:
        return None
