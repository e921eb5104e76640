"""A sealed file as an HTTP answer."""

import base64
from typing import Any

from starlette.responses import Response

from vault.download import SealedFile

_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
SHA256_HEX = "^[0-9a-f]{64}$"
WHICH_RENDITION = "SHA-256 in hex: that rendition of the file. Left out: the newest."
# For `responses` of a route that answers with a file.
FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The sealed file.",
        "content": {"application/pdf": _FILE, "application/ofd": _FILE},
    }
}


def file_response(file: SealedFile) -> Response:
    """The bytes as a download; the name is the certificate's identifier, never a person's."""
    digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
    headers = {
        "Content-Disposition": f'attachment; filename="{file.file_name}"',
        "Repr-Digest": f"sha-256=:{digest}:",
    }
    return Response(file.content, headers=headers, media_type=file.media_type)
