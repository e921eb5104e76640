"""QR codes in pictures: what is read, and what is refused before it takes memory."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image

from signing.qr_reading import PIXELS_MAX, read_codes
from signing.typeset import qr_modules
from vault.errors import InputError

TEXT = "https://vault.example/v#t=Qk3xZ0s8b2Yt4uW6aA9dF7"


def picture(side: int, *, width: int = 400) -> bytes:
    """A white PNG of this height with a QR at its upper left, a module this many pixels wide."""
    modules = qr_modules(TEXT)
    code = Image.new("1", (len(modules), len(modules)), 1)
    for down, row in enumerate(modules):
        for across, dark in enumerate(row):
            code.putpixel((across, down), 0 if dark else 1)
    page = Image.new("1", (width, side), 1)
    page.paste(code.resize((len(modules) * 4, len(modules) * 4)), (40, 40))
    out = BytesIO()
    page.save(out, "PNG", compress_level=1)
    return out.getvalue()


def claiming(width: int, height: int) -> bytes:
    """A PNG that says how large it is and has nothing more."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 8) + b"IDAT" + bytes(8)


def test_a_code_is_read_from_a_picture() -> None:
    assert read_codes(picture(400)) == (TEXT,)


def test_a_photograph_of_ninety_million_pixels_is_read() -> None:
    assert read_codes(picture(9_600, width=9_600)) == (TEXT,)


def test_more_pixels_than_the_bound_are_refused_as_that() -> None:
    with pytest.raises(InputError, match=f"at most {PIXELS_MAX} pixels"):
        read_codes(claiming(10, PIXELS_MAX // 10 + 1))
    with pytest.raises(InputError, match="cannot be read"):  # at the bound it is looked at, and broken
        read_codes(claiming(10, PIXELS_MAX // 10))


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match="expected PNG, JPEG or WebP"):
        read_codes(content)
