"""Photos on a face: judged by their headers alone, so that no decoder meets what it cannot take."""

import struct
from typing import Final

# Enough for 35 × 49 mm at 1,000 dpi. A header may claim 65,535 pixels each way in a hundred bytes, and the
# typesetter would reserve memory for them.
SIDE_MAX_PX: Final = 2000

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_HEADER = struct.Struct(">8sI4sII")
# Start-of-frame markers of ITU-T T.81, table B.1 that photos use: baseline, extended sequential, progressive.
_JPEG_FRAMES: Final = (0xC0, 0xC1, 0xC2)
_JPEG_OTHER_FRAMES: Final = (0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)


def photo_problem(content: bytes, media_type: str) -> str | None:
    """Why these bytes cannot stand as a photo of this media type (`image/jpeg`, `image/png`), or None."""
    size = _jpeg_size(content) if media_type == "image/jpeg" else _png_size(content)
    if size is None:
        return f"expected a photo as {media_type}, got {len(content)} bytes of something else"
    if not all(1 <= side <= SIDE_MAX_PX for side in size):
        return f"expected a photo of at most {SIDE_MAX_PX} pixels each way, got {size[0]} × {size[1]}"
    return None


def _png_size(content: bytes) -> tuple[int, int] | None:
    if len(content) < _PNG_HEADER.size:
        return None
    signature, _length, chunk, width, height = _PNG_HEADER.unpack_from(content)
    return (width, height) if signature == _PNG_SIGNATURE and chunk == b"IHDR" else None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    """Width and height from the first frame header (ITU-T T.81, B.2.2), None where there is none."""
    if not content.startswith(b"\xff\xd8"):
        return None
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:  # noqa: PLR2004 - every JPEG marker starts with this byte
        marker = content[at + 1]
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, at + 5)
            return width, height
        if marker in _JPEG_OTHER_FRAMES:
            return None
        (length,) = struct.unpack_from(">H", content, at + 2)
        at += 2 + length
    return None
