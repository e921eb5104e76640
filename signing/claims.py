"""What a strange file says that it is: identifiers in its text, tokens in its QR codes. Nothing is believed.

A claim decides only which record is compared with the file.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import pypdfium2

from signing.drawing import drawn, opened
from signing.qr_reading import codes_in

TEXT_MAX_CHARS = 50_000  # of a page: more is no certificate
CLAIMS_MAX = 8  # a page that names more is a list of certificates, not one
# 150 dots to the inch: our QR, 22 mm wide, has 130 pixels
SCALE = 150 / 72
SIDE_MAX_PIXELS = 2_500
_BLANKS = re.compile(r"\s+")
# As `vault.model.identifier` writes them; what does not check out there is none
_IDENTIFIER = re.compile(
    r"1\.2\.156\.3005\.2\.[0-9A-Z]{21}\.[0-9A-Z]{18}\.[0-9A-Z]{1,64}\.[0-9]{3}\.[0-9A-Z]"
)
# In the address that a QR holds, the token stands in the fragment: 16 bytes in base64url
_TOKEN = re.compile(r"#(?:[^\s#]*&)?t=([A-Za-z0-9_-]{22})(?![A-Za-z0-9_-])")


@dataclass(frozen=True, slots=True)
class Claims:
    """Identifiers and tokens that stand in a file, in the order found, each once."""

    identifiers: tuple[str, ...] = ()
    tokens: tuple[str, ...] = field(default=(), repr=False)


def read_claims(pdf: bytes) -> Claims:
    """The claims on the first and the last page and in the information of a PDF; none where it is none."""
    identifiers: list[str] = []
    tokens: list[str] = []
    try:
        with opened(pdf, forms=False) as document:
            identifiers += _IDENTIFIER.findall(document.get_metadata_dict().get("Keywords", ""))
            # What we typeset has one or two pages; a QR on a file handed in stands on its last page
            for number in sorted({0, len(document) - 1}):
                if number < 0:
                    continue
                page = document[number]
                identifiers += _IDENTIFIER.findall(_BLANKS.sub("", _text(page)))
                shown = drawn(page, scale=SCALE, side_max_pixels=SIDE_MAX_PIXELS, forms=False)
                for text in codes_in(shown):
                    tokens += _TOKEN.findall(text)
    except pypdfium2.PdfiumError:  # what cannot be read or drawn claims no more than it did
        pass
    return Claims(_once(identifiers), _once(tokens))


def claims_in(texts: Iterable[str]) -> Claims:
    """The claims in texts: identifiers, also where blanks part them, and addresses with a token."""
    identifiers: list[str] = []
    tokens: list[str] = []
    for text in texts:
        identifiers += _IDENTIFIER.findall(_BLANKS.sub("", text))
        tokens += _TOKEN.findall(text)
    return Claims(_once(identifiers), _once(tokens))


def _once(found: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:CLAIMS_MAX]


def _text(page: pypdfium2.PdfPage) -> str:
    text = page.get_textpage()
    count = min(text.count_chars(), TEXT_MAX_CHARS)
    return str(text.get_text_range(0, count)) if count else ""  # of none it asks itself for ever
