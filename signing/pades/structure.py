"""What a PDF looks like to somebody who wants to append a seal to it: read once, by qpdf, and never repaired.

The fast path takes a file when all that an incremental update touches (catalogue, page, form,
cross-reference) is understood; `obstacle` names the first thing that is not, and then pyHanko seals the file.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pikepdf

from signing.appearance import QrStamp
from signing.opening import open_pdf
from signing.pades.page import SealablePage, dictionary_entries, is_odd, sealable_page
from vault.errors import DocumentRefused, InputError

NEW_OBJECTS = 6  # widget, signature, appearance, two content streams, cross-reference stream
FIELD_DEPTH_MAX = 32  # a form nested deeper than this is no form but a loop
_TAIL_BYTES = 1024  # ISO 32000-1, annex H, note 18: readers look for the end mark in the last 1,024 bytes
_START_XREF = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF\s*$")
_STREAM_HEAD = re.compile(rb"\d+\s+\d+\s+obj\b")


@dataclass(frozen=True, slots=True)
class Sealable:
    """A PDF as the update sees it. `obstacle` None: the fast path takes it.

    `catalogue` and `form` are the dictionaries' entries without /AcroForm, /Perms and /Fields, /SigFlags;
    `next_number` is the first free object number; `trailer` the entries to carry over.
    """

    obstacle: str | None
    signed: bool
    catalogue_reference: tuple[int, int]
    catalogue: bytes = field(repr=False)
    form: bytes = field(repr=False)
    fields: tuple[bytes, ...] = field(repr=False)
    trailer: bytes = field(repr=False)
    first_id: bytes | None = field(repr=False)
    next_number: int
    last_xref: int
    xref_is_stream: bool
    needs_default_rgb: bool
    seal_page: SealablePage = field(repr=False)
    qr_page: SealablePage | None = field(repr=False)


def read_sealable(document: bytes, *, field_name: str, seal_page: int, qr: QrStamp | None) -> Sealable:
    """Read what sealing needs to know. Pages count from 1. `qr`: what is to be drawn, too.

    Raises:
        DocumentRefused: not readable without repair, encrypted, or certified already.
        InputError: no such page, or the field name is taken.
    """
    try:
        with open_pdf(document) as pdf:
            return _read(pdf, document, field_name, seal_page, qr)
    except pikepdf.PasswordError as error:
        raise DocumentRefused("The PDF is encrypted; hand it in without a password.") from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise DocumentRefused("The PDF is damaged: its structure cannot be read.") from error


def signature_fields(catalogue: pikepdf.Object) -> Iterator[pikepdf.Object]:
    """All signature fields that hold a signature, wherever they stand in the form's tree."""
    form = catalogue.get("/AcroForm")
    if isinstance(form, pikepdf.Dictionary):
        yield from _signed_below(form.get("/Fields"), None, 0)


def is_certified(catalogue: pikepdf.Object) -> bool:
    """Whether a signature forbids adding another: a DocMDP, or a lock with P = 1 (ISO 32000-2, 12.8.2)."""
    permissions = catalogue.get("/Perms")
    if isinstance(permissions, pikepdf.Dictionary) and len(permissions.keys()):
        return True
    for held in signature_fields(catalogue):
        lock = held.get("/Lock")
        if isinstance(lock, pikepdf.Dictionary) and lock.get("/P") == 1:
            return True
        references = held.V.get("/Reference")
        if isinstance(references, pikepdf.Array) and any(
            reference.get("/TransformMethod") == "/DocMDP" for reference in references
        ):
            return True
    return False


def _read(pdf: pikepdf.Pdf, document: bytes, field_name: str, seal_page: int, qr: QrStamp | None) -> Sealable:
    if pdf.is_encrypted:
        raise DocumentRefused("The PDF is encrypted; hand it in without a password.")
    catalogue = pdf.Root
    if is_certified(catalogue):
        raise DocumentRefused(
            "The PDF is certified already: a further seal would break the seal that it carries."
        )
    form = catalogue.get("/AcroForm", pikepdf.Dictionary())
    fields = list(form.get("/Fields", pikepdf.Array()))
    if any(str(entry.get("/T", "")) == field_name for entry in fields):
        raise InputError("The PDF has a form field of the seal's name already.")
    page = _page(pdf, seal_page)
    last_xref, is_stream = last_cross_reference(document)
    signed = next(signature_fields(catalogue), None) is not None
    size = int(pdf.trailer.Size)
    stamped = None if qr is None or signed else _page(pdf, qr.page)
    drawing = None if stamped is None else qr
    return Sealable(
        obstacle=_obstacle(pdf, [page] if stamped is None else [page, stamped], last_xref, signed=signed),
        signed=signed,
        catalogue_reference=catalogue.objgen,
        catalogue=dictionary_entries(catalogue, "/AcroForm", "/Perms"),
        form=dictionary_entries(form, "/Fields", "/SigFlags"),
        fields=tuple(entry.unparse() for entry in fields),
        trailer=trailer_entries(pdf.trailer),
        first_id=first_id(pdf.trailer),
        next_number=size,
        last_xref=last_xref,
        xref_is_stream=is_stream,
        needs_default_rgb=_needs_default_rgb(catalogue),
        seal_page=sealable_page(page, drawing if drawing is not None and drawing.page == seal_page else None),
        qr_page=None
        if stamped is None or drawing is None or drawing.page == seal_page
        else sealable_page(stamped, drawing),
    )


def _obstacle(pdf: pikepdf.Pdf, pages: list[pikepdf.Object], last_xref: int, *, signed: bool) -> str | None:
    """The first thing that the fast path does not understand, or None."""
    size = int(pdf.trailer.Size)
    references = [pdf.Root.objgen, *(page.objgen for page in pages)]
    obstacles: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("signed already", lambda: signed),
        ("no cross-reference at its end mark", lambda: last_xref <= 0),
        ("hybrid cross-reference", lambda: "/XRefStm" in pdf.trailer),
        ("qpdf warns", lambda: bool(pdf.get_warnings())),
        ("no object of its own", lambda: any(not 0 < number < size for number, _ in references)),
        (
            "object numbers beyond /Size",
            lambda: any(pdf.get_object((size + n, 0)) is not None for n in range(NEW_OBJECTS)),
        ),
        ("an odd page", lambda: any(is_odd(page) for page in pages)),
    )
    return next((what for what, found in obstacles if found()), None)


def _page(pdf: pikepdf.Pdf, number: int) -> pikepdf.Object:
    if not 1 <= number <= len(pdf.pages):
        raise InputError(f"There is no page {number}: the PDF has {len(pdf.pages)}.")
    return pdf.pages[number - 1].obj


def trailer_entries(trailer: pikepdf.Object) -> bytes:
    """What an update's trailer takes over, as PDF text."""
    return b" ".join(
        key.encode() + b" " + trailer[key].unparse() for key in ("/Root", "/Info") if key in trailer
    )


def first_id(trailer: pikepdf.Object) -> bytes | None:
    """The file identifier's unchanging half (ISO 32000-1, clause 14.4) as PDF text."""
    identifiers = trailer.get("/ID")
    if not isinstance(identifiers, pikepdf.Array) or len(identifiers) == 0:
        return None
    return bytes(identifiers[0]).hex().encode("ascii")


def last_cross_reference(document: bytes) -> tuple[int, bool]:
    """Where the newest cross-reference stands, and whether it is a stream; (-1, False) if that is unclear."""
    end = _START_XREF.search(document, max(0, len(document) - _TAIL_BYTES))
    if end is None:
        return -1, False
    offset = int(end.group(1))
    if document[offset : offset + 4] == b"xref":
        return offset, False
    if _STREAM_HEAD.match(document, offset):
        return offset, True
    return -1, False


def _needs_default_rgb(catalogue: pikepdf.Object) -> bool:
    """Whether plain RGB would break a PDF/A claim: no RGB output intent (ISO 19005-2, clause 6.2.4.3)."""
    for intent in catalogue.get("/OutputIntents", pikepdf.Array()):
        if intent.get("/DestOutputProfile", pikepdf.Dictionary()).get("/N") == 3:  # noqa: PLR2004 - R, G, B
            return False
    metadata = catalogue.get("/Metadata")
    return isinstance(metadata, pikepdf.Stream) and b"pdfaid" in metadata.read_bytes()


def _signed_below(
    fields: pikepdf.Object | None, inherited: pikepdf.Object | None, depth: int
) -> Iterator[pikepdf.Object]:
    if not isinstance(fields, pikepdf.Array) or depth > FIELD_DEPTH_MAX:
        return
    for held in fields:
        if not isinstance(held, pikepdf.Dictionary):
            continue
        kind = held.get("/FT", inherited)
        if kind == "/Sig" and isinstance(held.get("/V"), pikepdf.Dictionary):
            yield held
        yield from _signed_below(held.get("/Kids"), kind, depth + 1)
