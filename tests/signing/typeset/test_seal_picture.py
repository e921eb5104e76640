"""The seal's picture: paths of one red and nothing else, small, the same every time, round and full."""

import re
from io import BytesIO

import pikepdf
import pytest
from PIL import Image

from signing.typeset import seal_picture
from signing.typeset.seal_picture import NAME_LENGTH_MAX, OPERATORS_MAX_BYTES
from tests.signing.typeset.pages import opened
from vault.errors import InputError

_NAMES = ["样例市公安局", "样例市市场监督管理局", "样例省样例市经济技术开发区管理委员会行政审批服务局"]
_PATH_AND_COLOUR = {"m", "l", "c", "h", "f", "B", "S", "w", "j", "rg", "RG", "q", "Q", "cm"}


def _rendered(operators: bytes) -> Image.Image:
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(1000, 1000))
    pdf.pages[0].contents_add(operators)
    out = BytesIO()
    pdf.save(out)
    with opened(out.getvalue()) as read:
        picture: Image.Image = read[0].render(scale=0.5).to_pil().convert("RGB")
    return picture


@pytest.mark.parametrize("name", _NAMES)
@pytest.mark.parametrize("centre", [None, "行政审批专用章"])
def test_only_paths_and_one_red(name: str, centre: str | None) -> None:
    operators = seal_picture(name, centre=centre, serial="9901001234567").operators
    assert len(operators) < OPERATORS_MAX_BYTES
    words = set(operators.decode("ascii").split())
    assert {word for word in words if not re.fullmatch(r"-?[0-9.]+", word)} <= _PATH_AND_COLOUR
    assert operators.count(b"rg") == 1
    assert operators.split().count(b"q") == operators.split().count(b"Q")


def test_the_picture_is_round_red_and_fills_its_box() -> None:
    picture = _rendered(seal_picture(_NAMES[1], centre=None, serial=None).operators)
    red = [
        (x, y)
        for x in range(picture.width)
        for y in range(picture.height)
        if picture.getpixel((x, y)) == (217, 20, 23)
    ]
    assert all((x - 250) ** 2 + (y - 250) ** 2 < 252**2 for x, y in red)
    for edge in ((250, 6), (250, 493), (6, 250), (493, 250), (250, 250)):  # the ring on four sides, the star
        assert edge in red
    assert picture.getpixel((250, 320)) == (255, 255, 255)  # nothing below the star without a line


def test_a_line_below_the_star_meets_neither_star_nor_name() -> None:
    plain = _rendered(seal_picture(_NAMES[1], centre=None, serial=None).operators)
    lined = _rendered(seal_picture(_NAMES[1], centre="专用章", serial=None).operators)
    box = (200, 345, 300, 400)
    assert plain.crop(box).getcolors() == [(100 * 55, (255, 255, 255))]
    assert len(lined.crop(box).getcolors(maxcolors=1000) or []) > 1


def test_the_same_seal_twice_is_the_same_bytes() -> None:
    first, second = (seal_picture(_NAMES[0], centre="（1）", serial="9901") for _ in range(2))
    assert first == second
    assert first.svg.startswith(b"<svg")


@pytest.mark.parametrize(
    ("name", "centre", "serial"),
    [
        ("", None, None),
        ("样" * (NAME_LENGTH_MAX + 1), None, None),
        ("样例𠀋局", None, None),
        ("样例局", "", None),
        ("样例局", None, "1" * 21),
    ],
)
def test_what_cannot_be_cut_is_refused(name: str, centre: str | None, serial: str | None) -> None:
    with pytest.raises(InputError):
        seal_picture(name, centre=centre, serial=serial)
