"""Where seal and QR stand, measured on the page as PDFium draws it, for every turn and box of a page."""

from collections.abc import Mapping
from io import BytesIO

import pikepdf
import pypdfium2
import pytest
from PIL import Image, ImageChops

from signing.appearance import PageFrame, QrStamp, SealAppearance, qr_operators
from signing.seal import seal_pdf
from signing.validate import judge_pdf
from tests.signing.workshop import MODULES, NOW, PICTURE, Workshop, tiny_pdf
from vault.errors import DocumentRefused, InputError
from vault.model.verdict import Indication

DOTS_PER_MM = 4
SEAL = (60.0, 80.0, 40.0)
STAMP = (120.0, 60.0, 30.0)
# A finder pattern in one corner only shows how the symbol is turned
CORNER = tuple(bytes(row < 10 and column < 10 for column in range(29)) for row in range(29))
PAGES: Mapping[str, Mapping[str, object]] = {
    "plain": {},
    "turned 90": {"/Rotate": 90},
    "turned 180": {"/Rotate": 180},
    "turned 270": {"/Rotate": 270},
    "turned back 90": {"/Rotate": -90},
    "cropped": {"/CropBox": [50, 60, 550, 800]},
    "cropped and turned": {"/CropBox": [50, 60, 550, 800], "/Rotate": 90},
    "origin elsewhere": {"/MediaBox": [-100, -200, 495, 642]},
    "corners swapped": {"/MediaBox": [595, 842, 0, 0]},
    "crop beyond the sheet": {"/CropBox": [-50, -50, 900, 900]},
    "large unit": {"/MediaBox": [0, 0, 297.5, 421], "/UserUnit": 2},
}


def drawn(content: bytes) -> Image.Image:
    """The first page with its annotations, in dots of known size."""
    with pypdfium2.PdfDocument(content) as document:
        document.init_forms()
        page = document[0]
        image: Image.Image = page.render(scale=DOTS_PER_MM * 25.4 / 72, may_draw_forms=True).to_pil()
        page.close()
    return image.convert("RGB")


def bounds(image: Image.Image, *, red: bool) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in mm of what is red, or of what is black."""
    r, g, _ = image.split()
    bright = r.point(lambda value: 255 if value > 150 else 0)
    dark_green = g.point(lambda value: 255 if value < 80 else 0)
    mask = ImageChops.multiply(bright if red else ImageChops.invert(bright), dark_green)
    box = mask.getbbox()
    assert box is not None
    left, top, right, bottom = (side / DOTS_PER_MM for side in box)
    return left, top, right, bottom


def green(image: Image.Image, x: float, y: float) -> int:
    """How much green there is in a dot: little in red and black, all of it in white."""
    dot = image.getpixel((int(x), int(y)))
    assert isinstance(dot, tuple)
    return dot[1]


def sealed(document: bytes, workshop: Workshop, modules: tuple[bytes, ...] = CORNER) -> bytes:
    key = next(iter(workshop.keys.values()))
    appearance = SealAppearance(PICTURE, 1, *SEAL, qr=QrStamp(modules, 1, *STAMP))
    return seal_pdf(
        document,
        key=key,
        appearance=appearance,
        field_name="seal",
        reason="签发",
        location="样例市",
        at=NOW,
        tsa=None,
    ).content


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_seal_and_qr_stand_where_they_should(page: Mapping[str, object], workshop: Workshop) -> None:
    content = sealed(tiny_pdf(b"", page=page), workshop)
    image = drawn(content)
    if "/UserUnit" in page:  # PDFium does not scale by it; the page comes out half as large
        image = image.resize((image.width * 2, image.height * 2))
    x, y, size = SEAL
    half = size / 2 - size * 0.02  # the picture's border ends 0 to 20 units inside its box
    assert bounds(image, red=True) == pytest.approx((x - half, y - half, x + half, y + half), abs=0.8)
    x, y, size = STAMP
    module = size / 37
    left, top = x - size / 2 + 4 * module, y - size / 2 + 4 * module
    corner = (left, top, left + 10 * module, top + 10 * module)
    assert bounds(image, red=False) == pytest.approx(corner, abs=0.5)


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_the_seal_s_picture_stands_upright(page: Mapping[str, object], workshop: Workshop) -> None:
    image = drawn(sealed(tiny_pdf(b"", page=page), workshop))
    unit = 2 if "/UserUnit" in page else 1
    x, y, size = (value / unit * DOTS_PER_MM for value in SEAL)
    # the picture's wedge points up: red at 25 % from the top, nothing at 25 % from the bottom
    assert green(image, x, y - size / 4) < 100
    assert green(image, x, y + size / 4) > 200


@pytest.mark.parametrize(
    "content",
    [
        b"q 2 0 0 2 0 0 cm 0.5 0 0 0.5 10 10 cm",  # never restored
        b"q q q 3 0 0 3 0 0 cm",
        b"q Q Q",  # a Q too many, nothing behind it
        b"1 0 0 1 300 300 cm Q Q",
        b"",
    ],
)
def test_unbalanced_content_moves_nothing(content: bytes, workshop: Workshop) -> None:
    image = drawn(sealed(tiny_pdf(content), workshop))
    x, y, size = STAMP
    module = size / 37
    left, top = x - size / 2 + 4 * module, y - size / 2 + 4 * module
    assert bounds(image, red=False)[:2] == pytest.approx((left, top), abs=0.5)


def test_painting_behind_a_stray_restore_is_refused(workshop: Workshop) -> None:
    with pytest.raises(DocumentRefused, match="graphics states"):
        sealed(tiny_pdf(b"2 0 0 2 0 0 cm Q 0 0 10 10 re f"), workshop)


def test_the_page_s_own_drawing_stays(workshop: Workshop) -> None:
    document = tiny_pdf(b"2 0 0 2 0 0 cm 0 0 1 rg 100 50 20 20 re f")
    before = drawn(document)
    after = drawn(sealed(document, workshop))
    place = (int(220 * 25.4 / 72 * DOTS_PER_MM), int((842 - 120) * 25.4 / 72 * DOTS_PER_MM))
    assert before.getpixel(place) == after.getpixel(place) == (0, 0, 255)


def test_seal_and_qr_on_different_pages(workshop: Workshop) -> None:
    pdf = pikepdf.new()
    for _ in range(3):
        pdf.add_blank_page(page_size=(595, 842))
    out = BytesIO()
    pdf.save(out)
    sealed_pdf = seal_pdf(
        out.getvalue(),
        key=next(iter(workshop.keys.values())),
        appearance=SealAppearance(PICTURE, 3, *SEAL, qr=QrStamp(MODULES, 1, *STAMP)),
        field_name="seal",
        reason="签发",
        location="样例市",
        at=NOW,
        tsa=None,
    )
    assert sealed_pdf.path == "fast"
    with pikepdf.open(BytesIO(sealed_pdf.content)) as after:
        assert ["/Annots" in page.obj for page in after.pages] == [False, False, True]
        assert [len(page.obj.Contents) for page in after.pages[:1]] == [3]
    (report,) = judge_pdf(sealed_pdf.content, trust=workshop.trust, at=NOW)
    assert report.indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize(
    "place", [(10.0, 80.0, 40.0), (60.0, 290.0, 40.0), (205.0, 80.0, 40.0), (60.0, 80.0, 0.0)]
)
def test_a_place_off_the_page_is_told(place: tuple[float, float, float]) -> None:
    frame = PageFrame((0, 0, 595, 842), 0, 1)
    with pytest.raises(InputError, match="does not lie on"):
        frame.square(*place)


def test_a_matrix_that_is_no_square_is_told() -> None:
    frame = PageFrame((0, 0, 595, 842), 0, 1)
    with pytest.raises(InputError, match="square"):
        qr_operators(QrStamp((bytes((1, 0)), bytes((1,))), 1, 50, 50, 20), frame)


@pytest.mark.parametrize("page", [0, 2])
def test_a_page_that_is_not_there_is_told(page: int, workshop: Workshop) -> None:
    with pytest.raises(InputError, match="no page"):
        workshop.seal(tiny_pdf(), page=page)
