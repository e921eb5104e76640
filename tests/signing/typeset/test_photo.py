"""Photos: printed upright and without a camera's notes, or refused; never left out in silence."""

import base64
from io import BytesIO

import pytest
from PIL import Image

from signing.typeset import Typesetter
from signing.typeset.photo import PRINT_PX, print_photo
from tests.signing.typeset.pages import AT, KINDS, example_data, opened, photo
from vault.errors import InputError

_HERE = b"GPS 39.9 N"


def _decoded(data_uri: str) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(data_uri.split(",")[1])))


def test_a_photo_reaches_the_page(typesetter: Typesetter) -> None:
    data = example_data(KINDS["护士执业证书"])
    data["photo"] = photo()
    page = typesetter.typeset("booklet-spread", data, at=AT)
    with opened(page.content) as pdf:
        middle = pdf[0].render(scale=1).to_pil().getpixel((round(259 * 72 / 25.4), round(55 * 72 / 25.4)))
    assert isinstance(middle, tuple)
    assert all(abs(got - wanted) < 8 for got, wanted in zip(middle, (100, 149, 237), strict=True))


@pytest.mark.parametrize(("form", "mode"), [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "RGBA"), ("PNG", "P")])
def test_every_kind_of_picture_becomes_a_plain_one(form: str, mode: str) -> None:
    plain = _decoded(print_photo(photo((900, 1200), form=form, mode=mode)))
    assert (plain.format, plain.mode) == ("JPEG", "RGB")
    assert plain.width <= PRINT_PX[0]
    assert plain.height <= PRINT_PX[1]


def test_what_a_camera_writes_is_dropped_and_its_turn_is_made() -> None:
    notes = Image.Exif()
    notes[0x0112] = 6  # orientation: turn by 90 degrees
    notes[0x010E] = _HERE.decode()
    out = BytesIO()
    Image.new("RGB", (200, 100), "red").save(out, "JPEG", exif=notes)
    assert _HERE in out.getvalue()
    printed = print_photo("data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode())
    assert _decoded(printed).size == (100, 200)
    assert _HERE not in base64.b64decode(printed.split(",")[1])


def _cut() -> str:
    whole = base64.b64decode(photo(form="PNG").split(",")[1])
    return "data:image/png;base64," + base64.b64encode(whole[: len(whole) // 2]).decode()


@pytest.mark.parametrize(
    "broken",
    [
        "data:image/jpeg;base64,####",
        "data:image/jpeg;base64," + base64.b64encode(b"<svg/>").decode(),
        "nothing",
        _cut(),
        photo((4001, 1), form="PNG"),
    ],
    ids=["no-base64", "no-picture", "no-uri", "cut-short", "too-large"],
)
def test_a_broken_photo_is_refused_at_its_field(broken: str) -> None:
    with pytest.raises(InputError) as refused:
        print_photo(broken)
    assert [problem.pointer for problem in refused.value.problems] == ["/fields/photo"]
