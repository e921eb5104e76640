"""A seal's picture as PNG and as OFD: the same as on a PDF, by pixels."""

import io
import re
import zipfile
from xml.etree import ElementTree as ET

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops

from signing.ses.structure import PICTURE_MAX_BYTES
from signing.typeset import SEAL_MM, seal_ofd, seal_picture, seal_png
from signing.typeset.seal_forms import PNG_SIZE_PX

OPERATORS = seal_picture("样例市卫生健康委员会", centre="证照专用章", serial="9901000000001").operators
RED = (217, 20, 23)
OFD = {"ofd": "http://www.ofdspec.org/2016"}


def rendered(operators: bytes, box: float) -> Image.Image:
    """PDF operators on white, at the PNG's size."""
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page(page_size=(box, box))
        page.Contents = pdf.make_stream(operators)
        held = io.BytesIO()
        pdf.save(held)
    document = pypdfium2.PdfDocument(held.getvalue())
    picture: Image.Image = document[0].render(scale=PNG_SIZE_PX / box).to_pil().convert("RGB")
    document.close()
    return picture


def on_white(png: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    return ground.convert("RGB")


def differing(one: Image.Image, other: Image.Image) -> float:
    """The share of points that differ by more than a shade."""
    histogram = ImageChops.difference(one, other).convert("L").histogram()
    return sum(histogram[48:]) / sum(histogram)


def files(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        assert package.testzip() is None
        return {name: package.read(name) for name in package.namelist()}


def parsed(content: bytes) -> ET.Element:
    return ET.fromstring(content)


def as_operators(content: bytes) -> bytes:
    """An OFD's paths as PDF operators: what a reader would paint (GB/T 33190, 9.1: M, L, B and C)."""
    page = parsed(files(content)["Doc_0/Pages/Page_0/Content.xml"])
    lines = [f"0.85 0.08 0.09 rg 0.85 0.08 0.09 RG 1 j 1 0 0 -1 0 {SEAL_MM} cm"]
    for shape in page.iterfind(".//ofd:PathObject", OFD):
        path = shape.findtext("ofd:AbbreviatedData", namespaces=OFD)
        assert path is not None
        drawn = re.sub(
            r"([MLB])((?: -?[0-9.]+)+)", lambda m: m[2] + " " + {"M": "m", "L": "l", "B": "c"}[m[1]], path
        )
        stroked, filled = shape.get("Stroke") != "false", shape.get("Fill") == "true"
        lines.append(f"{shape.get('LineWidth', '0')} w" if stroked else "")
        lines.append(drawn.replace("C", "h") + (" B" if stroked and filled else " f" if filled else " S"))
    return "\n".join(lines).encode()


def test_the_png_is_one_red_on_nothing() -> None:
    picture = Image.open(io.BytesIO(seal_png(OPERATORS)))
    assert picture.size == (PNG_SIZE_PX, PNG_SIZE_PX)
    red, green, blue, alpha = picture.convert("RGBA").split()
    assert tuple(each.getextrema() for each in (red, green, blue)) == tuple((part, part) for part in RED)
    assert alpha.getextrema() == (0, 255)
    assert alpha.getpixel((0, 0)) == 0


def test_the_png_looks_as_on_a_pdf() -> None:
    assert differing(on_white(seal_png(OPERATORS)), rendered(OPERATORS, 1000)) < 0.002


def test_the_ofd_looks_as_on_a_pdf() -> None:
    ofd = rendered(as_operators(seal_ofd(OPERATORS)), SEAL_MM)
    assert differing(ofd, rendered(OPERATORS, 1000)) < 0.01
    blank = Image.new("RGB", ofd.size, "white")
    assert differing(ofd, blank) > 0.1  # or the comparison would say nothing


def test_the_ofd_is_a_whole_document_of_its_size() -> None:
    found = files(seal_ofd(OPERATORS))
    root = parsed(found["OFD.xml"])
    assert root.findtext(".//ofd:DocRoot", namespaces=OFD) == "/Doc_0/Document.xml"
    document = parsed(found["Doc_0/Document.xml"])
    assert document.findtext(".//ofd:PhysicalBox", namespaces=OFD) == "0 0 42 42"
    page = parsed(found["Doc_0/Pages/Page_0/Content.xml"])
    ids = [int(each.get("ID", "0")) for tree in (document, page) for each in tree.iter() if each.get("ID")]
    assert len(ids) == len(set(ids))
    assert max(ids) <= int(document.findtext(".//ofd:MaxUnitID", namespaces=OFD) or 0)


@pytest.mark.parametrize("make", [seal_png, seal_ofd])
def test_the_same_operators_give_the_same_bytes_that_a_seal_has_room_for(make: object) -> None:
    assert callable(make)
    first, second = make(OPERATORS), make(OPERATORS)
    assert first == second
    assert len(first) < PICTURE_MAX_BYTES // 10


def test_longest_names_can_be_drawn() -> None:
    long = seal_picture("样" * 30, centre="证" * 12, serial="9" * 20).operators
    assert differing(rendered(as_operators(seal_ofd(long)), SEAL_MM), rendered(long, 1000)) < 0.02


def test_other_operators_are_refused() -> None:
    with pytest.raises(ValueError, match="not those of a seal's picture"):
        seal_ofd(b"1 0 0 rg\n0 0 100 100 re F\n")
