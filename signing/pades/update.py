"""Our own incremental update (ISO 32000-1, clause 7.5.6): a certifying signature field appended to a file.

The file's bytes are never touched. Everything but the signature value is laid out first, so that all offsets
are known before anything is hashed.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from signing.appearance import (
    PICTURE_UNITS,
    PageFrame,
    SealAppearance,
    deflated,
    deflated_picture,
    number,
    qr_operators,
)
from signing.pades.crossreference import OFFSET_DIGITS, cross_reference, stream_object
from signing.pades.page import SealablePage
from signing.pades.structure import Sealable

TOKEN_GROWTH_BYTES = 256  # how much two tokens of one authority may differ
# Print (bit 3) and Locked (bit 8), ISO 32000-1 table 165; PDF/A demands Print and forbids the hiding flags
ANNOTATION_FLAGS = 132
# sRGB's primaries and white as CalRGB (IEC 61966-2-1), so that PDF/A without an RGB output intent stays PDF/A
DEFAULT_RGB = (
    b"[/CalRGB<</WhitePoint[0.9505 1 1.089]/Gamma[2.2 2.2 2.2]"
    b"/Matrix[0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505]>>]"
)


@dataclass(frozen=True, slots=True)
class SealText:
    """What the signature dictionary says: field name, reason, place, time of sealing."""

    field_name: str
    reason: str
    location: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PreparedUpdate:
    """An update with a gap for the signature: `head` ends before its `<`, `tail` begins behind its `>`."""

    document: bytes = field(repr=False)
    head: bytes = field(repr=False)
    room_bytes: int
    tail: bytes = field(repr=False)

    def digest(self) -> bytes:
        """SHA-256 over everything but the gap."""
        hashed = sha256(self.document)
        hashed.update(self.head)
        hashed.update(self.tail)
        return hashed.digest()

    def fill(self, cms: bytes) -> bytes:
        """The sealed file, with the signature in its gap.

        Raises:
            ValueError: the signature is longer than its room.
        """
        if len(cms) > self.room_bytes:
            raise ValueError(f"A signature of {len(cms)} bytes does not fit into {self.room_bytes}.")
        value = cms.hex().encode("ascii").ljust(2 * self.room_bytes, b"0")
        return b"".join((self.document, self.head, b"<", value, b">", self.tail))


def prepare_update(
    document: bytes, sealable: Sealable, appearance: SealAppearance, text: SealText, room_bytes: int
) -> PreparedUpdate:
    """Lay out the update: page, catalogue, field, appearance, QR, cross-reference, and a gap of `room_bytes`.

    Raises:
        InputError: seal or QR would stand off the page.
    """
    first = sealable.next_number
    widget, signature, form, opening, closing, xref = range(first, first + 6)
    objects = _page_objects(sealable, appearance, widget=widget, opening=opening, closing=closing)
    page = sealable.seal_page
    objects[sealable.catalogue_reference] = _catalogue(sealable, widget, signature)
    objects[widget, 0] = _widget(page, appearance, text, signature=signature, form=form)
    objects[form, 0] = _appearance_stream(appearance, page.frame, default_rgb=sealable.needs_default_rgb)

    out = bytearray() if document.endswith((b"\n", b"\r")) else bytearray(b"\n")
    offsets: dict[tuple[int, int], int] = {}
    base = len(document)
    for reference, body in objects.items():
        offsets[reference] = base + len(out)
        out += b"%d %d obj\n%b\nendobj\n" % (*reference, body)
    offsets[signature, 0] = base + len(out)
    out += b"%d 0 obj\n%b/ByteRange" % (signature, _signature_entries(text))
    range_text_bytes = len(b"[0   ]/Contents") + 3 * OFFSET_DIGITS
    gap_start = base + len(out) + range_text_bytes
    gap_end = gap_start + 2 * room_bytes + 2
    tail = bytearray(b">>\nendobj\n")
    last_xref = gap_end + len(tail)
    tail += cross_reference(sealable, offsets, xref, last_xref)
    tail += b"startxref\n%d\n%%%%EOF\n" % last_xref
    byte_range = b"[0 %d %d %d]" % (gap_start, gap_end, len(tail))
    out += byte_range.ljust(range_text_bytes - len(b"/Contents")) + b"/Contents"
    return PreparedUpdate(document, bytes(out), room_bytes, bytes(tail))


def text_string(value: str) -> bytes:
    """A text string (clause 7.9.2.2) in hexadecimal: UTF-16BE with its mark, or plain ASCII."""
    if value.isascii():
        return b"<%b>" % value.encode("ascii").hex().encode("ascii")
    return b"<FEFF%b>" % value.encode("utf-16-be").hex().upper().encode("ascii")


def pdf_date(moment: datetime) -> bytes:
    """A date (clause 7.9.4) in UTC."""
    return f"(D:{moment.astimezone(UTC):%Y%m%d%H%M%S}+00'00')".encode("ascii")


def _page_objects(
    sealable: Sealable, appearance: SealAppearance, *, widget: int, opening: int, closing: int
) -> dict[tuple[int, int], bytes]:
    """The rewritten page or pages, and the content streams around the QR."""
    page = sealable.seal_page
    objects: dict[tuple[int, int], bytes] = {}
    stamped = sealable.qr_page or (page if page.wrapping is not None else None)
    for rewritten in (page,) if stamped is None or stamped is page else (page, stamped):
        annotations = list(rewritten.annotations)
        if rewritten is page:
            annotations.append(b"%d 0 R" % widget)
        entries = rewritten.entries
        if annotations:
            entries += b"/Annots[%b]" % b" ".join(annotations)
        if rewritten is stamped:
            parts = (b"%d 0 R" % opening, *rewritten.contents, b"%d 0 R" % closing)
            entries += b"/Contents[%b]" % b" ".join(parts)
        objects[rewritten.reference] = b"<<%b>>" % entries
    if stamped is not None and stamped.wrapping is not None and appearance.qr is not None:
        start, end = stamped.wrapping.around(qr_operators(appearance.qr, stamped.frame))
        objects[opening, 0] = stream_object(b"", start)
        objects[closing, 0] = stream_object(b"/Filter/FlateDecode", deflated(end))
    return objects


def _catalogue(sealable: Sealable, widget: int, signature: int) -> bytes:
    fields = b" ".join((*sealable.fields, b"%d 0 R" % widget))
    # SigFlags 3: signatures exist, append only (table 219)
    return b"<<%b/AcroForm<<%b/Fields[%b]/SigFlags 3>>/Perms<</DocMDP %d 0 R>>>>" % (
        sealable.catalogue,
        sealable.form,
        fields,
        signature,
    )


def _widget(
    page: SealablePage, appearance: SealAppearance, text: SealText, *, signature: int, form: int
) -> bytes:
    """Field and widget in one (clause 12.7.4.5), printed and locked."""
    square = page.frame.square(appearance.x_mm, appearance.y_mm, appearance.diameter_mm)
    rectangle = " ".join(number(value) for value in square).encode("ascii")
    return (
        b"<</Type/Annot/Subtype/Widget/FT/Sig/T%b/TU%b/F %d/Rect[%b]/P %d %d R/V %d 0 R/AP<</N %d 0 R>>>>"
        % (
            text_string(text.field_name),
            text_string(text.reason),
            ANNOTATION_FLAGS,
            rectangle,
            *page.reference,
            signature,
            form,
        )
    )


def _appearance_stream(appearance: SealAppearance, frame: PageFrame, *, default_rgb: bool) -> bytes:
    matrix = " ".join(str(value) for value in frame.upright()).encode("ascii")
    resources = b"/ColorSpace<</DefaultRGB%b>>" % DEFAULT_RGB if default_rgb else b""
    entries = (
        b"/Type/XObject/Subtype/Form/BBox[0 0 %d %d]/Matrix[%b 0 0]/Resources<<%b>>/Filter/FlateDecode"
        % (
            PICTURE_UNITS,
            PICTURE_UNITS,
            matrix,
            resources,
        )
    )
    return stream_object(entries, deflated_picture(appearance.picture))


def _signature_entries(text: SealText) -> bytes:
    """The signature dictionary up to /ByteRange: certifies, no changes permitted (clause 12.8.2.2, P = 1)."""
    return (
        b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M%b/Reason%b/Location%b"
        b"/Reference[<</Type/SigRef/TransformMethod/DocMDP"
        b"/TransformParams<</Type/TransformParams/P 1/V/1.2>>>>]"
    ) % (pdf_date(text.at), text_string(text.reason), text_string(text.location))
