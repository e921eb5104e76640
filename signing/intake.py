"""The gate for PDFs handed in: what may be sealed, and a sentence for what may not.

A certification freezes what a file shows. So everything is refused that could show something else later:
code, forms with a life of their own, actions that leave the file, attached files, content kept elsewhere.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pikepdf

from signing.active_content import check_active
from signing.file_ends import check_ends
from signing.judge.integrity import broken_because
from signing.opening import open_pdf
from signing.pades.page import page_frame
from signing.pades.structure import is_certified, signature_fields
from vault.errors import DocumentRefused, VaultError

PDF_SIZE_MAX_BYTES = 50 * 1024 * 1024  # scans of whole project files stay under 30 MB
PAGES_MAX = 2_000  # a person has to be able to read it
SIGNATURES_MAX = 32  # each is a digest over the whole file
# Where qpdf guesses what an object, a stream or a table was meant to be, another reader guesses otherwise
_AMBIGUOUS = re.compile(
    r"unknown token|too many errors|expected (?:endobj|endstream|n n obj|\d+ \d+ obj)|stream keyword"
    r"|invalid xref table entry|can't find PDF header"
)
_PDFA_PART = re.compile(rb"pdfaid:part\s*(?:=\s*[\"']|>)\s*(\d)")
_PDFA_CONFORMANCE = re.compile(rb"pdfaid:conformance\s*(?:=\s*[\"']|>)\s*([A-Za-z])")


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


def check_pdf(document: bytes) -> None:
    """The rules of structure for any PDF that enters, also one that is kept as it is and never sealed.

    1. its size, its first and its last bytes (V1); 2. it can be read without repair, and nothing in it
    inflates beyond its cap; 3. it is not encrypted, and nothing in it is active or attached (V2).

    Raises:
        DocumentRefused: with a sentence that tells the sender what is wrong.
    """
    check_ends(document, size_max_bytes=PDF_SIZE_MAX_BYTES)  # 1
    with _readable(document) as pdf:  # 2
        check_active(pdf)  # 3


def admit_pdf(document: bytes) -> AdmittedPdf:
    """Decide whether a file handed in may be sealed.

    1. to 3. as `check_pdf`; 4. its pages have a size, its form its shape; 5. no signature that it carries is
    broken, or forbids another.

    Raises:
        DocumentRefused: with a sentence that tells the sender what is wrong.
    """
    check_ends(document, size_max_bytes=PDF_SIZE_MAX_BYTES)  # 1
    with _readable(document) as pdf:  # 2
        return _admitted(pdf, document)


@contextmanager
def _readable(document: bytes) -> Iterator[pikepdf.Pdf]:
    """The file as it is: a repaired one is another than the one that was handed in."""
    try:
        with open_pdf(document) as pdf:
            yield pdf
            if any(_AMBIGUOUS.search(warning) for warning in pdf.get_warnings()):
                raise DocumentRefused("The PDF is damaged: each reader would make something else of it.")
    except pikepdf.PasswordError as error:
        raise DocumentRefused("The PDF is encrypted; hand it in without a password.") from error
    except VaultError:
        raise
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise DocumentRefused("The PDF is damaged: it cannot be read.") from error


def _admitted(pdf: pikepdf.Pdf, document: bytes) -> AdmittedPdf:
    check_active(pdf)  # 3
    if not 1 <= len(pdf.pages) <= PAGES_MAX:
        raise DocumentRefused(f"The PDF has {len(pdf.pages)} pages; 1 to {PAGES_MAX} are taken.")
    frames = [page_frame(page.obj) for page in pdf.pages]  # 4
    _check_shapes(pdf)
    if is_certified(pdf.Root):  # 5
        raise DocumentRefused(
            "The PDF is certified already: a further seal would break the seal that it carries."
        )
    return AdmittedPdf(
        page_count=len(frames),
        page_sizes_mm=tuple((round(frame.width_mm, 2), round(frame.height_mm, 2)) for frame in frames),
        pdfa=_pdfa_claim(pdf.Root),
        existing_signatures=_check_signatures(pdf, document),
    )


def _check_shapes(pdf: pikepdf.Pdf) -> None:
    """Refuse a form of another shape than clause 12.7.2 gives it."""
    form = pdf.Root.get("/AcroForm", pikepdf.Dictionary())
    if not isinstance(form, pikepdf.Dictionary):
        raise DocumentRefused("The PDF is damaged: its form is no dictionary.")
    fields = form.get("/Fields", pikepdf.Array())
    if not isinstance(fields, pikepdf.Array) or any(
        not isinstance(entry, pikepdf.Dictionary) for entry in fields
    ):
        raise DocumentRefused("The PDF is damaged: its form's fields are no array of dictionaries.")


def _check_signatures(pdf: pikepdf.Pdf, document: bytes) -> int:
    """How many signatures the file carries, each of them whole."""
    count = 0
    for held in signature_fields(pdf.Root):
        count += 1
        if count > SIGNATURES_MAX:
            raise DocumentRefused(f"The PDF carries more than {SIGNATURES_MAX} signatures.")
        try:
            why = broken_because(document, held.V)
        except Exception as error:  # the boundary: a hostile CMS raises anything
            raise DocumentRefused("The PDF carries a signature that cannot be read.") from error
        if why is not None:
            raise DocumentRefused(f"The PDF carries a broken signature. {why}")
    return count


def _pdfa_claim(catalogue: pikepdf.Object) -> str | None:
    metadata = catalogue.get("/Metadata")
    if not isinstance(metadata, pikepdf.Stream):
        return None
    xmp = metadata.read_bytes()
    part, conformance = _PDFA_PART.search(xmp), _PDFA_CONFORMANCE.search(xmp)
    if part is None:
        return None
    return part.group(1).decode() + (conformance.group(1).decode().upper() if conformance else "")
