"""The gate for PDFs handed in: what may be sealed, and a sentence for what may not.

A certification freezes what a file shows. So everything is refused that could show something else later:
code, forms with a life of their own, actions that leave the file, attached files, content kept elsewhere.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

import pikepdf

from signing.pades.page import page_frame
from signing.pades.structure import is_certified, signature_fields
from vault.errors import DocumentRefused, VaultError

PDF_SIZE_MAX_BYTES = 50 * 1024 * 1024  # scans of whole project files stay under 30 MB
PAGES_MAX = 2_000  # a person has to be able to read it
OBJECTS_MAX = 300_000  # beside 2,000 pages of text and pictures; reading more keeps a core busy for seconds
NESTING_MAX = 100  # ISO 32000-1, annex C has no figure; real files stay under 20

# Actions (ISO 32000-1, table 198) that run code, leave the file or change it. GoTo, URI, Named, Thread stay.
_ACTIONS = frozenset(
    {
        "/JavaScript",
        "/Launch",
        "/SubmitForm",
        "/ImportData",
        "/ResetForm",
        "/GoToR",
        "/GoToE",
        "/Rendition",
        "/Movie",
        "/Sound",
        "/Hide",
        "/SetOCGState",
        "/GoTo3DView",
        "/RichMediaExecute",
    }
)
# Annotations (table 169) that play, or carry a file
_ANNOTATIONS = frozenset({"/RichMedia", "/Movie", "/Screen", "/Sound", "/3D", "/FileAttachment"})
_TREES = {
    "/JavaScript": "JavaScript",
    "/EmbeddedFiles": "embedded files",
    "/Renditions": "renditions",
}
# Names that make a closer look worth its time; qpdf writes names out in their plain form (no #-escapes)
_SUSPICIOUS = re.compile(
    b"/(?:AA|EF|XFA|Ref|Collection|"
    + b"|".join(name[1:].encode() for name in sorted(_ACTIONS | _ANNOTATIONS | set(_TREES)))
    + rb")(?=[\s/<>\[\]()]|$)"
)
_PDFA_PART = re.compile(rb"pdfaid:part\s*(?:=\s*[\"']|>)\s*(\d)")
_PDFA_CONFORMANCE = re.compile(rb"pdfaid:conformance\s*(?:=\s*[\"']|>)\s*([A-Za-z])")
_BLANK = b"\x00\t\n\f\r "


@dataclass(frozen=True, slots=True)
class AdmittedPdf:
    """What is known of a PDF that may be sealed.

    `page_sizes_mm`: width and height of each page as displayed; `pdfa`: the PDF/A level that it claims, such
    as "2B", None without a claim; `existing_signatures`: how many signatures it carries (a seal can then only
    be added beside them, not certify the file).
    """

    page_count: int
    page_sizes_mm: tuple[tuple[float, float], ...]
    pdfa: str | None
    existing_signatures: int

    @property
    def is_pdfa(self) -> bool:
        """Whether the file claims to be PDF/A."""
        return self.pdfa is not None


def admit_pdf(document: bytes) -> AdmittedPdf:
    """Decide whether a file handed in may be sealed.

    1. its size, its first and its last bytes; 2. it can be read without repair and is not encrypted; 3.
    nothing in it is active or attached; 4. its pages have a size; 5. no signature that it carries forbids
    another.

    Raises:
        DocumentRefused: with a sentence that tells the sender what is wrong.
    """
    _check_ends(document)  # 1
    try:
        # 2: a repaired file is another file than the one that was handed in
        with pikepdf.open(BytesIO(document), attempt_recovery=False, inherit_page_attributes=False) as pdf:
            return _admitted(pdf)
    except pikepdf.PasswordError as error:
        raise DocumentRefused("The PDF is encrypted; hand it in without a password.") from error
    except VaultError:
        raise
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DocumentRefused("The PDF is damaged: it cannot be read.") from error


def _check_ends(document: bytes) -> None:
    if len(document) > PDF_SIZE_MAX_BYTES:
        raise DocumentRefused(f"The PDF has {len(document)} bytes; at most {PDF_SIZE_MAX_BYTES} are taken.")
    if not document.startswith(b"%PDF-"):
        raise DocumentRefused("The file is no PDF: it does not begin with %PDF-.")
    if not document.rstrip(_BLANK).endswith(b"%%EOF"):
        raise DocumentRefused("The PDF is cut off or has something behind it: it does not end with %%EOF.")


def _admitted(pdf: pikepdf.Pdf) -> AdmittedPdf:
    if pdf.is_encrypted:
        raise DocumentRefused("The PDF is encrypted; hand it in without a password.")
    _check_catalogue(pdf.Root)  # 3
    _check_objects(pdf)
    if not 1 <= len(pdf.pages) <= PAGES_MAX:
        raise DocumentRefused(f"The PDF has {len(pdf.pages)} pages; 1 to {PAGES_MAX} are taken.")
    frames = [page_frame(page.obj) for page in pdf.pages]  # 4
    if is_certified(pdf.Root):  # 5
        raise DocumentRefused(
            "The PDF is certified already: a further seal would break the seal that it carries."
        )
    return AdmittedPdf(
        page_count=len(frames),
        page_sizes_mm=tuple((round(frame.width_mm, 2), round(frame.height_mm, 2)) for frame in frames),
        pdfa=_pdfa_claim(pdf.Root),
        existing_signatures=sum(1 for _ in signature_fields(pdf.Root)),
    )


def _check_catalogue(catalogue: pikepdf.Object) -> None:
    opening = catalogue.get("/OpenAction")
    # an explicit destination or GoTo only chooses the view; office programs write one into every file
    if isinstance(opening, pikepdf.Dictionary) and opening.get("/S") != "/GoTo":
        raise DocumentRefused("The PDF starts an action when it is opened.")
    if "/Collection" in catalogue:
        raise DocumentRefused("The PDF is a portfolio of other files.")
    names = catalogue.get("/Names")
    if isinstance(names, pikepdf.Dictionary):
        for key, what in _TREES.items():
            if key in names:
                raise DocumentRefused(f"The PDF contains {what}.")


def _check_objects(pdf: pikepdf.Pdf) -> None:
    """Look at every object of the file, whether anything refers to it or not."""
    for count, held in enumerate(pdf.objects):
        if count > OBJECTS_MAX:
            raise DocumentRefused(f"The PDF has more than {OBJECTS_MAX} objects.")
        if isinstance(held, pikepdf.Stream):
            if "/F" in held.stream_dict:
                raise DocumentRefused("The PDF keeps content in other files.")
            held = held.stream_dict  # noqa: PLW2901 - what is looked at is the stream's dictionary
        if not isinstance(held, pikepdf.Dictionary | pikepdf.Array):
            continue
        if _SUSPICIOUS.search(held.unparse(resolved=True)):
            for dictionary in _dictionaries(held, 0):
                found = _forbidden(dictionary)
                if found is not None:
                    raise DocumentRefused(f"The PDF contains {found}.")


def _dictionaries(held: pikepdf.Object, depth: int) -> Iterator[pikepdf.Object]:
    """The dictionaries inside one object, references not followed: each object has its own turn."""
    if depth > NESTING_MAX:
        raise DocumentRefused("The PDF nests its objects too deep.")
    inner: list[object] = []
    if isinstance(held, pikepdf.Dictionary):
        yield held
        inner = [value for _, value in held.items()]
    elif isinstance(held, pikepdf.Array):
        inner = list(held)
    for value in inner:
        if isinstance(value, pikepdf.Dictionary | pikepdf.Array) and not value.is_indirect:
            yield from _dictionaries(value, depth + 1)


def _forbidden(dictionary: pikepdf.Object) -> str | None:
    """What of the forbidden things a dictionary is or has, in words; None if nothing."""
    action = dictionary.get("/S")
    if (
        isinstance(action, pikepdf.Name)
        and str(action) in _ACTIONS
        and dictionary.get("/Type") != "/StructElem"
    ):
        return f"an action of type {str(action)[1:]}"
    subtype = dictionary.get("/Subtype")
    if isinstance(subtype, pikepdf.Name) and str(subtype) in _ANNOTATIONS:
        return f"an annotation of type {str(subtype)[1:]}"
    if "/XFA" in dictionary:
        return "an XFA form"
    # a font or picture may be named AA or EF as well; those have a type or are streams
    for key, what in (("/AA", "actions started by events"), ("/EF", "an embedded file")):
        value = dictionary.get(key)
        if isinstance(value, pikepdf.Dictionary) and "/Type" not in value:
            return what
    if isinstance(dictionary.get("/Ref"), pikepdf.Dictionary) and dictionary.get("/Subtype") == "/Form":
        return "content kept in another file"
    return None


def _pdfa_claim(catalogue: pikepdf.Object) -> str | None:
    metadata = catalogue.get("/Metadata")
    if not isinstance(metadata, pikepdf.Stream):
        return None
    xmp = metadata.read_bytes()
    part, conformance = _PDFA_PART.search(xmp), _PDFA_CONFORMANCE.search(xmp)
    if part is None:
        return None
    return part.group(1).decode() + (conformance.group(1).decode().upper() if conformance else "")
