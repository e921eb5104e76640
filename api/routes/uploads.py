"""Files that approval systems hand in before the deposit that names them."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from api.answers import UploadOut, problems
from api.deps import ClientHere, EdgeHere
from api.limits import media_type
from api.problems import MediaTypeError
from vault.uploads import STOCK_TYPES, Kept, keep_upload

router = APIRouter(tags=["deposit"])

MEDIA_TYPES = ("application/pdf", "application/ofd", *sorted(STOCK_TYPES))
_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"requestBody": {"required": True, "content": dict.fromkeys(MEDIA_TYPES, _FILE)}}


@router.put(
    "/v1/uploads/{sha256}",
    summary="Hand in a file",
    status_code=201,
    response_model=UploadOut,
    openapi_extra=_BODY,
    responses={
        200: {"model": UploadOut, "description": "It was there already."},
        **problems(401, 413, 415, 422, 503),
    },
)
async def upload(
    request: Request,
    edge: EdgeHere,
    client: ClientHere,
    sha256: Annotated[str, Path(pattern="^[0-9a-fA-F]{64}$", description="SHA-256 of the body, in hex.")],
) -> JSONResponse:
    """The file's bytes are the body, at most 32 MiB; the digest in the path must be theirs.

    PDF and OFD for deposits and imports; CSV, JSON lines, XLSX and ZIP for imports alone.
    """
    sent_as = media_type(request.headers.get("content-type"))
    if sent_as not in MEDIA_TYPES:
        raise MediaTypeError(f"Send the file as {' or '.join(MEDIA_TYPES)}.")
    content = await request.body()
    kept = await run_in_threadpool(keep_upload, edge.workshop, client, sha256, content, sent_as)
    answer = {"sha256": sha256.lower(), "size_bytes": len(content)}
    return JSONResponse(answer, 201 if kept is Kept.NEW else 200)
