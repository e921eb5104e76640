"""What a phone reads off a screen: the QR of the page that shows a code, as that page draws it."""

import re

import zxingcpp
from PIL import Image, ImageDraw

SCALE = 4
CODE = re.compile(r'class="show-code">\s*<svg viewBox="0 0 (\d+) \d+"[^>]*><path d="([^"]+)"')


def address_shown(page: str) -> str:
    """Where the QR leads that this page's HTML draws."""
    ((side, path),) = CODE.findall(page)
    image = Image.new("L", (int(side), int(side)), 255)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1H\1z", path):
        ImageDraw.Draw(image).line((int(x), int(y), int(x) + int(width) - 1, int(y)), fill=0)
    image = image.resize((image.width * SCALE, image.height * SCALE), Image.Resampling.NEAREST)
    (read,) = zxingcpp.read_barcodes(image)
    return str(read.text)
