"""The QR's encoder against another one, and against a reader."""

import pytest
import qrcode
import zxingcpp
from PIL import Image
from qrcode.constants import ERROR_CORRECT_M

from signing.typeset import qr_modules
from signing.typeset.qr import SIDE_MAX_MODULES, TEXT_MAX_BYTES
from vault.errors import InputError

_URL = "https://vault.example/v#t=" + "Qk3x" * 11
_FINDER = (
    (1, 1, 1, 1, 1, 1, 1),
    (1, 0, 0, 0, 0, 0, 1),
    (1, 0, 1, 1, 1, 0, 1),
    (1, 0, 1, 1, 1, 0, 1),
    (1, 0, 1, 1, 1, 0, 1),
    (1, 0, 0, 0, 0, 0, 1),
    (1, 1, 1, 1, 1, 1, 1),
)


def _picture(modules: tuple[bytes, ...]) -> Image.Image:
    side = len(modules) + 8
    picture = Image.new("L", (side, side), 255)
    for y, row in enumerate(modules):
        for x, dark in enumerate(row):
            if dark:
                picture.putpixel((x + 4, y + 4), 0)
    return picture.resize((side * 4, side * 4), Image.Resampling.NEAREST)


@pytest.mark.parametrize("text", [_URL, "https://v.cn/v#t=1", "样例市电子证照", "x" * 362])
def test_modules_read_back(text: str) -> None:
    modules = qr_modules(text)
    assert tuple(tuple(int(m) for m in row[:7]) for row in modules[:7]) == _FINDER
    (code,) = zxingcpp.read_barcodes(_picture(modules))
    assert code.text == text
    assert code.ec_level == "M"


@pytest.mark.parametrize("text", [_URL, "https://v.cn/v#t=1"])
def test_the_pure_python_encoder_needs_a_symbol_of_the_same_size_or_larger(text: str) -> None:
    other = qrcode.QRCode(error_correction=ERROR_CORRECT_M, border=0)
    other.add_data(text)
    other.make()
    theirs = tuple(bytes(row) for row in other.get_matrix())
    assert len(qr_modules(text)) <= len(theirs)
    (code,) = zxingcpp.read_barcodes(_picture(theirs))
    assert code.text == text


def test_base45_behind_an_address_is_packed_densely() -> None:
    text = _URL + "&s=" + "A7$*+-./:" * 46
    assert len(qr_modules(text)) <= SIDE_MAX_MODULES


@pytest.mark.parametrize("text", ["", "x" * (TEXT_MAX_BYTES + 1)])
def test_no_text_and_too_much_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="bytes"):
        qr_modules(text)


def test_a_symbol_too_fine_to_print_is_refused() -> None:
    with pytest.raises(InputError, match="too fine to print"):
        qr_modules("x" * 459)


@pytest.mark.parametrize(("size", "level"), [(362, "M"), (363, "L"), (458, "L")])
def test_what_is_long_is_set_with_less_to_mend_rather_than_finer(size: int, level: str) -> None:
    modules = qr_modules("x" * size)
    (code,) = zxingcpp.read_barcodes(_picture(modules))
    assert (len(modules) <= SIDE_MAX_MODULES, code.ec_level, code.text) == (True, level, "x" * size)
