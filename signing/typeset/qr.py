"""The QR of a page: encoded by zxing-cpp, drawn as one vector path.

The `qrcode` package encodes the same text ten times slower; the tests hold the one against the other.
"""

import re

import zxingcpp

from vault.errors import InputError

# ISO/IEC 18004: level M mends 15 % of a symbol, enough for a crease; 40-M holds 2,331 bytes, but a phone
# reads 25 mm of paper only up to about version 12.
LEVEL = "M"
TEXT_MAX_BYTES = 287

_DARK = re.compile(rb"\x00+")


def qr_modules(text: str) -> tuple[tuple[bool, ...], ...]:
    """Rows from the top, True for dark, without the quiet zone of 4 modules that the page has to leave.

    Raises:
        InputError: the text is empty or longer than `TEXT_MAX_BYTES`.
    """
    rows = _rows(text)
    return tuple(tuple(dark == 0 for dark in row) for row in rows)


def qr_svg(text: str) -> bytes:
    """An SVG file of one black path in modules, without the quiet zone.

    Raises:
        InputError: the text is empty or longer than `TEXT_MAX_BYTES`.
    """
    rows = _rows(text)
    # A run of dark modules as one stroke as high as a module: two points where a filled box takes four.
    runs = [
        f"M{run.start()} {y}.5h{run.end() - run.start()}"
        for y, row in enumerate(rows)
        for run in _DARK.finditer(row)
    ]
    side = len(rows)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}" viewBox="0 0 {side} {side}">'
    )
    return f'{head}<path stroke="#000" d="{"".join(runs)}"/></svg>'.encode()


def _rows(text: str) -> tuple[bytes, ...]:
    """One byte for each module: 0 dark, 255 light."""
    size = len(text.encode())
    if not 0 < size <= TEXT_MAX_BYTES:
        raise InputError(f"A QR holds 1 to {TEXT_MAX_BYTES} bytes here, got {size}.")
    symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=LEVEL)
    picture = symbol.to_image(scale=1, add_quiet_zones=False)
    pixels = memoryview(picture).tobytes()  # type: ignore[arg-type]  # a buffer, which its stub does not say
    side = int(picture.shape[0])
    return tuple(pixels[y * side : (y + 1) * side] for y in range(side))
