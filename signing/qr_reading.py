"""Reading QR codes from a picture, such as a photograph of a print or a page that was drawn."""

import warnings
from io import BytesIO

import zxingcpp
from PIL import Image

from vault.errors import InputError

# Where Pillow itself stops. Photographs of 108 million pixels are read, those of 200 million are not.
PIXELS_MAX = 178_956_970
_QR = zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)


def read_codes(picture: bytes) -> tuple[str, ...]:
    """The text of every QR code that stands in a picture (PNG, JPEG, WebP).

    Raises:
        InputError: it is no picture that can be read, or has over `PIXELS_MAX` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # given from half as many on
            with Image.open(BytesIO(picture), formats=("PNG", "JPEG", "WEBP")) as opened:
                grey = opened.convert("L")
    except Image.DecompressionBombError as error:
        raise InputError(f"Expected a picture of at most {PIXELS_MAX} pixels.") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise InputError("The picture cannot be read: expected PNG, JPEG or WebP.") from error
    return codes_in(grey)


def codes_in(picture: Image.Image) -> tuple[str, ...]:
    """The text of every QR code in a picture that was read already, in grey."""
    return tuple(code.text for code in zxingcpp.read_barcodes(picture, formats=_QR))
