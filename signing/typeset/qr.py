"""The QR of a page, encoded by zxing-cpp in segments as short as can be: base45 takes 5.5 bits a character.

The `qrcode` package encodes the same text ten times slower; the tests hold the one against the other.
"""

import zxingcpp

from vault.errors import InputError

# ISO/IEC 18004: level M mends 15 % of a symbol, enough for a crease. Version 15 has 77 modules, which a phone
# reads from 30 mm of paper; it holds 412 bytes, or some 600 characters of base45.
LEVEL = "M"
SIDE_MAX_MODULES = 77
TEXT_MAX_BYTES = 1000


def qr_modules(text: str) -> tuple[tuple[bool, ...], ...]:
    """Rows from the top, True for dark, without the quiet zone of 4 modules that the page has to leave.

    Raises:
        InputError: the text is empty, or more than a symbol of `SIDE_MAX_MODULES` holds.
    """
    if not 0 < len(text.encode()) <= TEXT_MAX_BYTES:
        raise InputError(f"A QR holds 1 to {TEXT_MAX_BYTES} bytes here, got {len(text.encode())}.")
    symbol = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, ec_level=LEVEL)
    picture = symbol.to_image(scale=1, add_quiet_zones=False)
    pixels = memoryview(picture).tobytes()  # type: ignore[arg-type]  # a buffer, which its stub does not say
    side = int(picture.shape[0])
    if side > SIDE_MAX_MODULES:
        raise InputError(
            f"A QR of {side} modules a side is too fine to print: at most {SIDE_MAX_MODULES} are."
        )
    return tuple(tuple(not pixel for pixel in pixels[y * side : (y + 1) * side]) for y in range(side))
