"""What keeps a seal checkable: validation data and document time-stamps, appended to a sealed PDF.

ETSI EN 319 142-1, clauses 5.4.2 (document security store) and 5.4.3 (document time-stamp); ISO 32000-2,
clauses 12.8.4.3 and 12.8.5. A certification with P = 1 permits both (ISO 32000-2, table 257). The bytes that
are sealed stand unchanged in front; what is embedded is embedded as it came, since asn1crypto may encode it
anew.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from zlib import compress

import pikepdf

from signing.opening import open_pdf
from signing.pades.crossreference import OFFSET_DIGITS, cross_reference, stream_object
from signing.pades.page import dictionary_entries
from signing.pades.structure import first_id, last_cross_reference, trailer_entries
from signing.pades.update import TOKEN_GROWTH_BYTES, PreparedUpdate
from signing.timestamp import TimeStampAuthority
from vault.errors import DocumentRefused, Unavailable

TIME_STAMP_FIELD = "certvault-time-stamp"
# What reading a damaged structure raises
UNREADABLE = (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError)
STORED_MAX = 4_000  # values in a store: thirty years of renewals have some hundred
TRIES = 2  # to make room for a token: what it has to hold does not depend on the room
_NAMED_FIELD = re.compile(rf"{TIME_STAMP_FIELD}-(\d{{1,6}})$")
# EN 319 142-1, clause 5.6: who reads PDF 1.7 is told that there is more in this file
_EXTENSION = b"/Extensions<</ESIC<</BaseVersion/1.7/ExtensionLevel 1>>>>"
_KINDS = ("/Certs", "/OCSPs", "/CRLs")


@dataclass(frozen=True, slots=True)
class ValidationData:
    """What a seal can be judged by when nobody answers any more; DER, as it came.

    `ocsps`: whole OCSPResponses (RFC 6960), `crls`: CertificateLists (RFC 5280).
    """

    certificates: tuple[bytes, ...] = field(default=(), repr=False)
    ocsps: tuple[bytes, ...] = field(default=(), repr=False)
    crls: tuple[bytes, ...] = field(default=(), repr=False)

    def joined(self, other: "ValidationData") -> "ValidationData":
        """Both, each value once, in their order."""
        return ValidationData(
            _once(self.certificates + other.certificates),
            _once(self.ocsps + other.ocsps),
            _once(self.crls + other.crls),
        )


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed file as the update sees it; `stored` are the values of its store by kind and SHA-256."""

    catalogue_reference: tuple[int, int]
    catalogue: bytes = field(repr=False)
    form: bytes = field(repr=False)
    fields: tuple[bytes, ...] = field(repr=False)
    stored: dict[str, dict[bytes, bytes]] = field(repr=False)
    store_rest: bytes = field(repr=False)
    page_reference: tuple[int, int]
    next_field: int
    trailer: bytes = field(repr=False)
    first_id: bytes | None = field(repr=False)
    next_number: int
    last_xref: int
    xref_is_stream: bool


def append_validation_data(document: bytes, data: ValidationData) -> bytes:
    """The file with this data in its document security store (level B-LT); itself if it has all of it.

    Raises:
        DocumentRefused: the file's structure is not understood.
    """
    sealed = _read_sealed(document)
    if not any(_missing(sealed, data).values()):
        return document
    update = _Update(document, sealed)
    update.store(data)
    return update.plain()


def append_time_stamp(
    document: bytes, *, tsa: TimeStampAuthority, at: datetime, data: ValidationData | None = None
) -> bytes:
    """The file with a document time-stamp over all of it, and before that, in the same update, with `data`.

    On a seal without a time-stamp of its own this makes level B-T; with validation data before it, B-LTA.

    Raises:
        DocumentRefused: the file's structure is not understood.
        Unavailable: no time-stamp, or each token is longer than the one before.
    """
    sealed = _read_sealed(document)
    room = tsa.token_room_bytes
    for _ in range(TRIES):
        update = _Update(document, sealed)
        if data is not None:
            update.store(data)
        prepared = update.with_gap(room)
        token = tsa.stamp(prepared.digest(), at)
        if len(token) <= room:
            return prepared.fill(token)
        room = len(token) + TOKEN_GROWTH_BYTES  # longer than any before: once more, with room for it
    raise Unavailable("The time-stamp authority's tokens grow from one to the next.", retry_after_s=600)


class _Update:
    """An incremental update under construction (ISO 32000-1, clause 7.5.6)."""

    def __init__(self, document: bytes, sealed: _Sealed) -> None:
        self._document = document
        self._sealed = sealed
        self._out = bytearray() if document.endswith((b"\n", b"\r")) else bytearray(b"\n")
        self._offsets: dict[tuple[int, int], int] = {}
        self._next = sealed.next_number
        self._store = _store_entries(sealed, {})

    def store(self, data: ValidationData) -> None:
        """Adds the streams that the file does not have yet, and the store that names them."""
        added: dict[str, list[bytes]] = {kind: [] for kind in _KINDS}
        for kind, values in _missing(self._sealed, data).items():
            for value in values:
                number = self._add(stream_object(b"/Filter/FlateDecode", compress(value, 9)))
                added[kind].append(b"%d 0 R" % number)
        self._store = _store_entries(self._sealed, added)

    def plain(self) -> bytes:
        """The whole file, without a time-stamp."""
        self._catalogue(())
        return self._document + bytes(self._out) + self._end(self._take())

    def with_gap(self, room_bytes: int) -> PreparedUpdate:
        """The update with an invisible field for a time-stamp, and a gap for its token."""
        signature, widget, xref = self._take(), self._take(), self._take()
        held = self._sealed
        name = f"{TIME_STAMP_FIELD}-{held.next_field}".encode("ascii")
        # Hidden from nobody: a rectangle without area is what clause 12.7.5.5 of ISO 32000-2 wants
        self._put(
            widget,
            b"<</Type/Annot/Subtype/Widget/FT/Sig/T(%b)/F 132/Rect[0 0 0 0]/P %d %d R/V %d 0 R>>"
            % (name, *held.page_reference, signature),
        )
        self._catalogue((b"%d 0 R" % widget,))
        self._offsets[signature, 0] = len(self._document) + len(self._out)
        self._out += (
            b"%d 0 obj\n<</Type/DocTimeStamp/Filter/Adobe.PPKLite/SubFilter/ETSI.RFC3161/ByteRange"
            % signature
        )
        range_text_bytes = len(b"[0   ]/Contents") + 3 * OFFSET_DIGITS
        gap_start = len(self._document) + len(self._out) + range_text_bytes
        gap_end = gap_start + 2 * room_bytes + 2
        closing = b">>\nendobj\n"
        tail = closing + self._end(xref, at=gap_end + len(closing))
        byte_range = b"[0 %d %d %d]" % (gap_start, gap_end, len(tail))
        self._out += byte_range.ljust(range_text_bytes - len(b"/Contents")) + b"/Contents"
        return PreparedUpdate(self._document, bytes(self._out), room_bytes, tail)

    def _catalogue(self, new_fields: tuple[bytes, ...]) -> None:
        held = self._sealed
        entries = held.catalogue + self._store
        if b"/Extensions" not in held.catalogue and self._store:
            entries += _EXTENSION
        fields = b" ".join((*held.fields, *new_fields))
        body = b"<<%b/AcroForm<<%b/Fields[%b]/SigFlags 3>>>>" % (entries, held.form, fields)
        self._put(held.catalogue_reference[0], body, held.catalogue_reference[1])

    def _end(self, xref: int, *, at: int | None = None) -> bytes:
        place = len(self._document) + len(self._out) if at is None else at
        return cross_reference(self._sealed, self._offsets, xref, place) + (
            b"startxref\n%d\n%%%%EOF\n" % place
        )

    def _add(self, body: bytes) -> int:
        number = self._take()
        self._put(number, body)
        return number

    def _take(self) -> int:
        self._next += 1
        return self._next - 1

    def _put(self, number: int, body: bytes, generation: int = 0) -> None:
        self._offsets[number, generation] = len(self._document) + len(self._out)
        self._out += b"%d %d obj\n%b\nendobj\n" % (number, generation, body)


def _store_entries(sealed: _Sealed, added: dict[str, list[bytes]]) -> bytes:
    """The catalogue's /DSS: what the file has and what comes to it; nothing where there is nothing."""
    lists = b""
    for kind in _KINDS:
        references = [*sealed.stored[kind].values(), *added.get(kind, [])]
        if references:
            lists += kind.encode("ascii") + b"[" + b" ".join(references) + b"]"
    return b"/DSS<</Type/DSS%b%b>>" % (lists, sealed.store_rest) if lists or sealed.store_rest else b""


def _missing(sealed: _Sealed, data: ValidationData) -> dict[str, list[bytes]]:
    given = {"/Certs": data.certificates, "/OCSPs": data.ocsps, "/CRLs": data.crls}
    return {
        kind: [value for value in _once(values) if sha256(value).digest() not in sealed.stored[kind]]
        for kind, values in given.items()
    }


def _once(values: tuple[bytes, ...]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(values))


def _read_sealed(document: bytes) -> _Sealed:
    try:
        with open_pdf(document) as pdf:
            return _read(pdf, document)
    except pikepdf.PasswordError as error:
        raise DocumentRefused("The PDF is encrypted; nothing can be appended to it.") from error
    except UNREADABLE as error:
        raise DocumentRefused("The PDF is damaged: its structure cannot be read.") from error


def _read(pdf: pikepdf.Pdf, document: bytes) -> _Sealed:
    if pdf.is_encrypted:
        raise DocumentRefused("The PDF is encrypted; nothing can be appended to it.")
    last_xref, is_stream = last_cross_reference(document)
    size = int(pdf.trailer.Size)
    catalogue = pdf.Root
    beyond = any(number >= size for number, _ in pdf.get_xref_table())
    if last_xref <= 0 or "/XRefStm" in pdf.trailer or beyond or not 0 < catalogue.objgen[0] < size:
        raise DocumentRefused("The PDF's cross-reference is of a kind that nothing can be appended to here.")
    form = catalogue.get("/AcroForm", pikepdf.Dictionary())
    fields = list(form.get("/Fields", pikepdf.Array()))
    store = catalogue.get("/DSS", pikepdf.Dictionary())
    return _Sealed(
        catalogue_reference=catalogue.objgen,
        catalogue=dictionary_entries(catalogue, "/AcroForm", "/DSS"),
        form=dictionary_entries(form, "/Fields", "/SigFlags"),
        fields=tuple(entry.unparse() for entry in fields),
        stored={kind: _stored(store, kind) for kind in _KINDS},
        store_rest=dictionary_entries(store, *_KINDS, "/Type"),
        page_reference=pdf.pages[0].obj.objgen,
        next_field=1 + max((_number_of(entry) for entry in fields), default=0),
        trailer=trailer_entries(pdf.trailer),
        first_id=first_id(pdf.trailer),
        next_number=size,
        last_xref=last_xref,
        xref_is_stream=is_stream,
    )


def _stored(store: pikepdf.Object, kind: str) -> dict[bytes, bytes]:
    """The store's values of one kind: SHA-256 of each, and the reference to its stream."""
    held = list(store.get(kind, pikepdf.Array()))
    if len(held) > STORED_MAX:
        raise DocumentRefused(f"The PDF's security store has over {STORED_MAX} values of a kind.")
    return {sha256(entry.read_bytes()).digest(): entry.unparse() for entry in held}


def _number_of(entry: pikepdf.Object) -> int:
    matched = _NAMED_FIELD.match(str(entry.get("/T", "")))
    return int(matched.group(1)) if matched else 0
