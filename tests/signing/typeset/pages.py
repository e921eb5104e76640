"""The shipped kinds' examples as template data, pages read back by PDFium, and a photo of nobody."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import pypdfium2
import zxingcpp
from PIL import Image

from signing.typeset import SEAL_PLACES
from vault.catalogue import page_data, shipped_catalogue
from vault.model.catalogue import CertificateType
from vault.model.holders import Holder

AT = datetime(2026, 10, 26, 8, 0, tzinfo=UTC)
QR_TEXT = "https://vault.example/v#t=Qk3xZ0s8b2Yt4uW6aA9dF7&s=" + "A7$*+%20./:" * 38
CODE = "K7WQ3MHT9C"
_POINTS_PER_MM = 72 / 25.4

KINDS: Mapping[str, CertificateType] = {
    kind.name: kind for kind in shipped_catalogue(SEAL_PLACES).types.values()
}
ONE_OF_EACH: Mapping[str, CertificateType] = {kind.template: kind for kind in KINDS.values()}


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter of a page: its box in millimetres from the page's top left corner."""

    text: str
    left: float
    top: float
    right: float
    bottom: float


def example_data(kind: CertificateType) -> dict[str, Any]:
    """What a template gets for the kind's own example."""
    example = kind.example
    days = {
        key: None if example[key] is None else date.fromisoformat(example[key])
        for key in ("issued_on", "valid_from", "valid_to")
    }
    issued_on, valid_from = days["issued_on"], days["valid_from"]
    authority = kind.authority(example["issuing_authority"])
    assert issued_on is not None
    assert valid_from is not None
    assert authority is not None
    return page_data(
        kind,
        number=example["number"],
        holders=[Holder.parse(h["code_type"], h["code"], h["name"]) for h in example["holders"]],
        identifier=f"1.2.156.3005.2.{kind.code}.11990100MB99000131.SL2026000118.001.M",
        verification_code=CODE,
        authority_name=authority.name,
        issued_on=issued_on,
        valid_from=valid_from,
        valid_to=days["valid_to"],
        fields=example["fields"],
    )


def photo(size: tuple[int, int] = (413, 579), *, form: str = "JPEG", mode: str = "RGB") -> str:
    """A plain blue picture as a data URI."""
    out = BytesIO()
    Image.new(mode, size, "cornflowerblue").save(out, form)
    return f"data:image/{form.lower()};base64,{base64.b64encode(out.getvalue()).decode()}"


@contextmanager
def opened(content: bytes) -> Iterator[pypdfium2.PdfDocument]:
    """The file in PDFium, which shares no code with Typst."""
    pdf = pypdfium2.PdfDocument(content)
    try:
        yield pdf
    finally:
        pdf.close()


def text_of(content: bytes) -> str:
    """All text, without the blanks and line ends that a layout puts between letters."""
    with opened(content) as pdf:
        return "".join("".join(page.get_textpage().get_text_range().split()) for page in pdf)


def letters_of(content: bytes, index: int) -> list[Letter]:
    """The visible letters of a page."""
    with opened(content) as pdf:
        page = pdf[index]
        height = page.get_height()
        text = page.get_textpage()
        found = []
        for place in range(text.count_chars()):
            letter = text.get_text_range(place, 1)
            if letter.strip():
                left, bottom, right, top = (edge / _POINTS_PER_MM for edge in text.get_charbox(place))
                page_mm = height / _POINTS_PER_MM
                found.append(Letter(letter, left, page_mm - top, right, page_mm - bottom))
        return found


def page_size_mm(content: bytes, index: int) -> tuple[float, float]:
    """Width and height of a page."""
    with opened(content) as pdf:
        width, height = pdf[index].get_size()
        return width / _POINTS_PER_MM, height / _POINTS_PER_MM


def scanned(content: bytes, index: int, *, dpi: int = 150) -> list[str]:
    """What a reader finds in a rendering of the page."""
    with opened(content) as pdf:
        picture = pdf[index].render(scale=dpi / 72, grayscale=True).to_pil()
    return codes_in(picture)


def codes_in(picture: Image.Image) -> list[str]:
    """The QR codes in a picture. Engraved borders are taken for other kinds of barcodes now and then."""
    wanted = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    return [code.text for code in zxingcpp.read_barcodes(picture, formats=wanted)]
