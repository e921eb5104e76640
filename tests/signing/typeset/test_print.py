"""Certificates printed and photographed: their QR still says everything, also that with the longest names."""

from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image, ImageEnhance, ImageFilter

from signing.offline import OfflineVerdict, judge_offline
from signing.typeset import QR_PLACES, SEAL_PLACES, Typesetter
from tests.signing.statements import AS_OF, LONGEST, STATEMENT, listed, statement_key, trust, url_of
from tests.signing.typeset.overlay import with_seal
from tests.signing.typeset.pages import (
    AT,
    ONE_OF_EACH,
    codes_in,
    example_data,
    opened,
    page_size_mm,
    photo,
    scanned,
)
from vault.model.statement import QR_SIZE_MM, Statement

KEY = statement_key()
TRUST = trust(listed(KEY))
PRINT_DPI = 300
PAPER_GREY = 90


def _printed(
    typesetter: Typesetter, template: str, statement: Statement, dpi: int, *, with_photo: bool = False
) -> Image.Image:
    data = example_data(ONE_OF_EACH[template])
    if with_photo:
        data["photo"] = photo()
    page = typesetter.typeset(template, data, at=AT)
    sealed = with_seal(page, template, "样例市住房和城乡建设局", qr_text=url_of(statement, KEY))
    with opened(sealed) as pdf:
        picture: Image.Image = pdf[page.qr_place.page - 1].render(scale=dpi / 72, grayscale=True).to_pil()
    return picture


def _photographed(
    page: Image.Image, *, px_per_mm: float, turned: float, tilted: float, blur: float, quality: int
) -> Image.Image:
    """As a phone takes it: from a distance, turned, from the side, out of focus, in poor light, as JPEG."""
    scale = px_per_mm * 25.4 / PRINT_DPI
    taken = page.resize((int(page.width * scale), int(page.height * scale)), Image.Resampling.LANCZOS)
    taken = taken.rotate(turned, Image.Resampling.BICUBIC, expand=True, fillcolor=PAPER_GREY)
    width, height = taken.size
    shift = int(width * tilted)
    taken = taken.transform(
        (width, height),
        Image.Transform.QUAD,
        (-shift, 0, 0, height, width, height, width + shift, 0),
        Image.Resampling.BICUBIC,
        fillcolor=PAPER_GREY,
    )
    taken = taken.filter(ImageFilter.GaussianBlur(blur))
    taken = ImageEnhance.Brightness(ImageEnhance.Contrast(taken).enhance(0.6)).enhance(0.9)
    out = BytesIO()
    taken.save(out, "JPEG", quality=quality)
    return Image.open(BytesIO(out.getvalue()))


@pytest.mark.parametrize("statement", [STATEMENT, LONGEST])
@pytest.mark.parametrize("template", SEAL_PLACES)
def test_a_page_rendered_at_150_dpi_reads_back_as_a_genuine_statement(
    typesetter: Typesetter, template: str, statement: Statement
) -> None:
    (text,) = codes_in(_printed(typesetter, template, statement, 150))
    report = judge_offline(text, TRUST, at=AS_OF)
    assert (report.verdict, report.statement) == (OfflineVerdict.GENUINE, statement)


def test_so_does_a_page_that_has_its_photo_beside_it(typesetter: Typesetter) -> None:
    page = _printed(typesetter, "booklet-spread", LONGEST, 150, with_photo=True)
    assert codes_in(page) == [url_of(LONGEST, KEY)]


@pytest.mark.parametrize(
    "taken",
    [
        {"px_per_mm": 6.5, "turned": 3, "tilted": 0.0, "blur": 0.5, "quality": 75},
        {"px_per_mm": 8, "turned": -7, "tilted": 0.02, "blur": 1.0, "quality": 60},
        {"px_per_mm": 10, "turned": 12, "tilted": 0.04, "blur": 1.2, "quality": 60},
        {"px_per_mm": 12, "turned": 95, "tilted": 0.0, "blur": 1.6, "quality": 50},
    ],
)
@pytest.mark.parametrize("template", ["licence-landscape", "personal-card", "proof-letter"])
def test_a_photograph_of_a_print_reads_back(
    typesetter: Typesetter, template: str, taken: dict[str, float]
) -> None:
    page = _printed(typesetter, template, LONGEST, PRINT_DPI)
    picture = _photographed(page, **taken)  # type: ignore[arg-type]  # numbers, each of its own kind
    assert codes_in(picture) == [url_of(LONGEST, KEY)]


@pytest.mark.parametrize("template", SEAL_PLACES)
def test_every_template_has_thirty_millimetres_for_it_on_the_page(
    typesetter: Typesetter, template: str
) -> None:
    data = example_data(ONE_OF_EACH[template])
    for given in (data, {**data, "photo": photo()}):
        page = typesetter.typeset(template, given, at=AT)
        width, height = page_size_mm(page.content, page.qr_place.page - 1)
        place = page.qr_place
        assert min(place.left_mm, place.top_mm) > 10
        assert place.left_mm + QR_SIZE_MM < width - 10
        assert place.top_mm + QR_SIZE_MM < height - 10
    assert set(QR_PLACES) == set(SEAL_PLACES)
    assert QR_SIZE_MM == 30


def test_a_page_says_nothing_of_a_symbol_that_it_does_not_have_yet(typesetter: Typesetter) -> None:
    page = typesetter.typeset("licence-landscape", example_data(ONE_OF_EACH["licence-landscape"]), at=AT)
    assert scanned(page.content, 0) == []
    again = typesetter.typeset("licence-landscape", example_data(ONE_OF_EACH["licence-landscape"]), at=AT)
    assert again.content == page.content
    assert replace(page, content=b"") == replace(again, content=b"")
