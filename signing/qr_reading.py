"""Reading QR codes from a picture, such as a photograph of a print."""

from io import BytesIO

import zxingcpp
from PIL import Image

from vault.errors import InputError

# A phone's largest pictures have 200 million pixels; more is a bomb.
PIXELS_MAX = 250_000_000


def read_codes(picture: bytes) -> tuple[str, ...]:
    """The text of every QR code that stands in a picture (PNG, JPEG, WebP).

    Raises:
        InputError: it is no picture that can be read.
    """
    try:
        with Image.open(BytesIO(picture), formats=("PNG", "JPEG", "WEBP")) as opened:
            if opened.width * opened.height > PIXELS_MAX:
                raise InputError(f"Expected a picture of at most {PIXELS_MAX} pixels.")
            grey = opened.convert("L")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError("The picture cannot be read: expected PNG, JPEG or WebP.") from error
    found = zxingcpp.read_barcodes(grey, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return tuple(code.text for code in found)
