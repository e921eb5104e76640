"""Every shipped kind on its page: complete, inside its frame, the QR readable, the date under the seal."""

from io import BytesIO
from math import hypot

import pikepdf
import pytest

from signing.typeset import LAST_PAGE, SEAL_PLACES, TypesetPage, Typesetter
from tests.signing.typeset.overlay import with_seal
from tests.signing.typeset.pages import (
    AT,
    CODE,
    KINDS,
    ONE_OF_EACH,
    QR_TEXT,
    example_data,
    letters_of,
    page_size_mm,
    photo,
    scanned,
    text_of,
)
from vault.catalogue.pages import date_text

_LETTERS = {"approval-document", "proof-letter"}
_FRAME_MM = 8.0  # nothing is printed nearer to the paper's edge
_SIZE_MAX_BYTES = 90_000


def _page(typesetter: Typesetter, template: str) -> TypesetPage:
    kind = ONE_OF_EACH[template]
    return typesetter.typeset(template, example_data(kind), at=AT)


def _sealed_index(template: str, page: TypesetPage) -> int:
    place = SEAL_PLACES[template]
    return (page.page_count if place.page == LAST_PAGE else place.page) - 1


def test_every_template_has_a_seal_place_and_a_kind_that_uses_it() -> None:
    assert set(ONE_OF_EACH) == set(SEAL_PLACES)


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_shows_all_that_it_was_given(typesetter: Typesetter, name: str) -> None:
    kind = KINDS[name]
    data = example_data(kind)
    if data["photo"] is not None:
        data["photo"] = photo()
    page = typesetter.typeset(kind.template, data, at=AT)
    text = text_of(page.content)
    assert page.page_count == 1 or kind.template in _LETTERS
    assert len(page.content) < _SIZE_MAX_BYTES * page.page_count
    for wanted in (
        data["number"],
        data["identifier"],
        data["authority"],
        CODE,
        date_text_of(data["issued_on"]),
    ):
        assert "".join(wanted.split()) in text, wanted
    for holder in data["holders"]:
        assert "".join(holder["name"].split()) in text
    for field in data["face"]:
        values = field["value"] if isinstance(field["value"], list) else [field["value"]]
        for value in values:
            assert "".join(value.split()) in text, field["key"]


def date_text_of(iso: str) -> str:
    return date_text(AT.date().fromisoformat(iso))


@pytest.mark.parametrize("template", SEAL_PLACES)
def test_the_qr_reads_back_with_the_seal_on_the_page(typesetter: Typesetter, template: str) -> None:
    page = _page(typesetter, template)
    sealed = with_seal(page, template, "样例市住房和城乡建设局", qr_text=QR_TEXT)
    assert scanned(sealed, _sealed_index(template, page)) == [QR_TEXT]


@pytest.mark.parametrize("template", SEAL_PLACES)
def test_the_seal_covers_the_date_and_no_field(typesetter: Typesetter, template: str) -> None:
    page = _page(typesetter, template)
    data = example_data(ONE_OF_EACH[template])
    place = SEAL_PLACES[template]
    letters = letters_of(page.content, _sealed_index(template, page))
    under = [
        letter.text
        for letter in letters
        if hypot((letter.left + letter.right) / 2 - place.x_mm, (letter.top + letter.bottom) / 2 - place.y_mm)
        < place.diameter_mm / 2
    ]
    expected = (
        data["authority"] + date_text_of(data["issued_on"]) + data["layout"].get("authority_label", "") + "："
    )
    assert set(under) <= set(expected), "the seal covers something else"
    assert {"年", "月"} <= set(under)


@pytest.mark.parametrize("template", SEAL_PLACES)
def test_nothing_stands_outside_the_frame(typesetter: Typesetter, template: str) -> None:
    page = _page(typesetter, template)
    width, height = page_size_mm(page.content, 0)
    for letter in letters_of(page.content, 0):
        assert letter.left > _FRAME_MM, letter
        assert letter.right < width - _FRAME_MM, letter
        assert letter.top > _FRAME_MM, letter
        assert letter.bottom < height - _FRAME_MM, letter


@pytest.mark.parametrize("template", SEAL_PLACES)
def test_the_file_says_that_it_is_pdf_a_2b_and_embeds_its_fonts(
    typesetter: Typesetter, template: str
) -> None:
    page = _page(typesetter, template)
    with pikepdf.open(BytesIO(page.content)) as pdf:
        assert len(pdf.pages) == page.page_count
        metadata = pdf.open_metadata()
        assert metadata.pdfa_status == "2B"
        descriptors = [
            thing
            for thing in pdf.objects
            if isinstance(thing, pikepdf.Dictionary) and thing.get("/Type") == "/FontDescriptor"
        ]
        assert descriptors
        assert all("/FontFile3" in descriptor for descriptor in descriptors)


@pytest.mark.parametrize("name", KINDS)
def test_a_pages_content_closes_what_it_opens(typesetter: Typesetter, name: str) -> None:
    """The QR is drawn behind it without reading it."""
    data = example_data(KINDS[name])
    page = typesetter.typeset(KINDS[name].template, {**data, "photo": photo()}, at=AT)
    with pikepdf.open(BytesIO(page.content)) as pdf:
        depth = 0
        for instruction in pikepdf.parse_content_stream(pdf.pages[page.qr_place.page - 1], "q Q"):
            depth += 1 if str(instruction.operator) == "q" else -1
            assert depth >= 0
        assert depth == 0
