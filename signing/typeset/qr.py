"""The QR of a page, encoded by zxing-cpp in segments as short as can be: base45 takes 5.5 bits a character.

The `qrcode` package encodes the same text ten times slower; the tests hold the one against the other.
"""

import zxingcpp

from vault.errors import InputError

# ISO/IEC 18004: level M mends 15 % of a symbol, enough for a crease. Version 14 has 73 modules, which 30 mm
# of paper show to a phone, and to a scanner of 150 dpi wherever they stand on the page; with one version more
# some places fail. A text that is too long for that is set with level L, which mends 7 %.
LEVELS = ("M", "L")
SIDE_MAX_MODULES = 73
TEXT_MAX_BYTES = 1000
# ISO/IEC 18004, 7.8, has the best of eight masks looked for, which takes six times as long as all the rest. A
# statement and its token are as good as random: under any mask the symbol is as even as under another.
DATA_MASK = 3
_DARK = bytes([1]) + bytes(255)


def qr_modules(text: str) -> tuple[bytes, ...]:
    """Rows from the top, 1 for dark, without the quiet zone of 4 modules that the page has to leave.

    Raises:
        InputError: the text is empty, or more than a symbol of `SIDE_MAX_MODULES` holds.
    """
    if not 0 < len(text.encode()) <= TEXT_MAX_BYTES:
        raise InputError(f"A QR holds 1 to {TEXT_MAX_BYTES} bytes here, got {len(text.encode())}.")
    for level in LEVELS:
        rows = _rows(text, level)
        if len(rows) <= SIDE_MAX_MODULES:
            return rows
    raise InputError(f"A QR of more than {SIDE_MAX_MODULES} modules a side is too fine to print.")


def _rows(text: str, level: str) -> tuple[bytes, ...]:
    symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=level, data_mask=DATA_MASK)
    picture = symbol.to_image(scale=1, add_quiet_zones=False)
    pixels = memoryview(picture).tobytes()  # type: ignore[arg-type]  # a buffer, which its stub does not say
    dark, side = pixels.translate(_DARK), int(picture.shape[0])
    return tuple(dark[y * side : (y + 1) * side] for y in range(side))
