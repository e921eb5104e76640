"""A holder's photo made fit for the page: upright, RGB, print size, without a camera's notes."""

import base64
import binascii
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from vault.errors import InputError

POINTER = "/fields/photo"
SIDE_MAX_PX = 4000  # 16 million pixels take 50 MB while they are decoded
# 53 × 49 mm, the widest photo box of the templates, at 300 dpi.
PRINT_PX = (640, 580)
QUALITY = 82  # a face of 35 × 49 mm in about 25 kB


def print_photo(data_uri: str) -> str:
    """A base64 data URI of any JPEG or PNG as one of a baseline RGB JPEG without metadata.

    An SVG renderer leaves a broken picture out without a word; here it is decoded first.

    Raises:
        InputError: at `/fields/photo`: not base64, not a picture, too large, cut short.
    """
    _, _, encoded = data_uri.partition("base64,")
    try:
        content = base64.b64decode(encoded, validate=True)
        with Image.open(BytesIO(content), formats=("JPEG", "PNG")) as picture:
            if max(picture.size) > SIDE_MAX_PX:
                raise InputError.at(POINTER, f"expected a photo of at most {SIDE_MAX_PX} pixels a side")
            upright = ImageOps.exif_transpose(picture)
            upright.thumbnail(PRINT_PX)
            flat = Image.new("RGB", upright.size, "white")
            mask = upright.convert("RGBA").getchannel("A") if upright.has_transparency_data else None
            flat.paste(upright.convert("RGB"), mask=mask)
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise InputError.at(POINTER, "expected a whole JPEG or PNG picture in base64") from None
    out = BytesIO()
    flat.save(out, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode()
