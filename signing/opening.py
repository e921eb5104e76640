"""Opening a PDF from outside without letting it fill the memory: every stream that is inflated has a cap.

A file of 1 kB can inflate to gigabytes (Flate packs 1,000 to 1, chained filters a million to 1).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO

import pikepdf
from pikepdf import settings

from vault.errors import DocumentRefused

# One stream, inflated: object streams hold some hundred objects, a page of dense vector drawing a few MB.
# Parsed, objects take up to 70 times their size. Pictures and fonts are never inflated here.
INFLATED_MAX_BYTES = 8 * 1024 * 1024
# All object streams of a file together: 100,000 objects of the usual size
OBJECT_STREAMS_MAX_BYTES = 8 * 1024 * 1024
FILTERS_MAX = 2  # ASCII85 around Flate is common; a second compression saves nothing and hides a bomb

_BLANKS = rb"[\x00\t\n\f\r ]*"
_NAME = rb"/[^\x00\t\n\f\r ()<>\[\]{}/%]{1,64}"


def _spelt(name: str) -> bytes:
    """A pattern for a name's characters, each as itself or as its #-escape (ISO 32000-1, clause 7.3.5)."""
    return b"".join(b"(?:%b|(?i:#%02x))" % (char.encode(), ord(char)) for char in name)


# LZW packs 1,000 to 1 too, and qpdf knows no cap for it. PDF/A forbids it (ISO 19005-2, clause 6.1.7.2).
_LZW = re.compile(rb"/" + _spelt("LZW") + rb"(?:Decode|.{0,16}#|[\x00\t\n\f\r /<>\[\]])")
# A filter has to stand in its own dictionary, in plain sight, or LZW could hide in a packed object.
_ODD_FILTER = re.compile(
    rb"/%b(?=[\x00\t\n\f\r ()<>\[\]/%%])(?!%b(?:%b|null|\[%b(?:%b%b){0,%d}\]))"
    % (_spelt("Filter"), _BLANKS, _NAME, _BLANKS, _NAME, _BLANKS, FILTERS_MAX)
)
# qpdf goes on without what it could not inflate, and takes the last of two equal keys; another reader may not
_LEFT_OUT = re.compile(r"limit|error decoding|unfilterable|object stream|duplicated key")


@contextmanager
def open_pdf(document: bytes) -> Iterator[pikepdf.Pdf]:
    """A PDF, read by qpdf as it is: never repaired, nothing inflated beyond `INFLATED_MAX_BYTES` a stream.

    When the caller is done without an error, what qpdf had to leave out is an error here.

    Raises:
        DocumentRefused: a filter that cannot be capped, or a stream over the cap.
        pikepdf.PdfError: it cannot be read.
    """
    _set_limits()
    if _LZW.search(document):
        raise DocumentRefused("The PDF uses LZW compression, which is not taken.")
    if _ODD_FILTER.search(document):
        raise DocumentRefused(f"The PDF packs a stream in more than {FILTERS_MAX} filters, or hides them.")
    with pikepdf.open(BytesIO(document), attempt_recovery=False, inherit_page_attributes=False) as pdf:
        _check_object_streams(pdf)
        yield pdf
        if any(_LEFT_OUT.search(warning) for warning in pdf.get_warnings()):
            raise DocumentRefused("The PDF is damaged, or packs something too large: a part cannot be read.")


def _check_object_streams(pdf: pikepdf.Pdf) -> None:
    """Inflate the object streams one by one, unparsed, before an object is taken from any."""
    # only entries of type 2 have a stream's number (ISO 32000-1, table 18)
    streams = {entry.obj_stream_number for entry in pdf.get_xref_table().values()}
    size = 0
    for number in streams:
        if number is None:
            continue
        held = pdf.get_object(number, 0)
        size += len(held.read_bytes()) if isinstance(held, pikepdf.Stream) else 0
        if size > OBJECT_STREAMS_MAX_BYTES:
            raise DocumentRefused(
                f"The PDF's object streams hold over {OBJECT_STREAMS_MAX_BYTES} bytes, inflated."
            )


@lru_cache(maxsize=1)
def _set_limits() -> None:
    """The limits are the process's: set with the first file, not on import."""
    settings.set_qpdf_limits(
        flate_max_memory=INFLATED_MAX_BYTES,
        run_length_max_memory=INFLATED_MAX_BYTES,
        png_max_memory=INFLATED_MAX_BYTES,
        tiff_max_memory=INFLATED_MAX_BYTES,
        max_stream_filters=FILTERS_MAX,
    )
