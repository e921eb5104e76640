"""The transparency log for everybody (C2SP tlog-tiles), proofs, and what witnesses bring.

Below `/v1/log` is the shard of this year; below `/v1/log/2026` the shard of that year, for ever.
"""

import gzip
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from api.answers.log import CosignaturesOut, ShardsOut
from api.answers.problem import problems
from api.deps import EdgeHere, now
from api.files import SHA256_HEX
from vault.errors import InputError, NotFound
from vault.tlog.tiles import parse_entries, parse_tile
from vault.transparency import cosigning, serving

router = APIRouter(tags=["log"], prefix="/v1/log")

TEXT = "text/plain; charset=utf-8"
_OCTETS = "application/octet-stream"
_NOTE: dict[str, Any] = {"schema": {"type": "string"}}
_TILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The tile.",
        "content": {_OCTETS: {"schema": {"type": "string", "format": "binary"}}},
    },
    **problems(404, 503),
}
_CHECKPOINT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "A signed note.", "content": {"text/plain": _NOTE}},
    **problems(404, 503),
}
_COSIGNATURE_BODY = {"requestBody": {"required": True, "content": {"text/plain": _NOTE}}}

Year = Annotated[int, Path(ge=2000, le=9999)]


@router.get(
    "/checkpoint", summary="The newest checkpoint", response_class=Response, responses=_CHECKPOINT_RESPONSES
)
def get_checkpoint(edge: EdgeHere) -> Response:
    """A note (C2SP tlog-checkpoint) signed by the log, with the cosignatures that its witnesses brought."""
    return _checkpoint(edge, None)


@router.get("/shards", summary="The log's shards", response_model=ShardsOut, responses=problems(503))
def get_shards(edge: EdgeHere) -> JSONResponse:
    """One for each year, oldest first, each with its verifier key. Take the key from somebody you trust."""
    found = [
        {
            "year": each.year,
            "origin": each.origin,
            "prefix": f"/v1/log/{each.year}",
            "verifier_key": each.verifier_key,
            "size": each.size,
            "closed": each.closed,
        }
        for each in serving.shard_states(edge.workshop)
    ]
    return JSONResponse({"shards": found}, headers=_cached(serving.CHECKPOINT_FRESH))


@router.get(
    "/tile/{path:path}", summary="A tile, or entries", response_class=Response, responses=_TILE_RESPONSES
)
def get_tile(path: str, request: Request, edge: EdgeHere) -> Response:
    """`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`. Immutable; under this address until the year ends."""
    return _tile(edge, request, None, path)


@router.get("/entries/{path:path}", summary="Entries", response_class=Response, responses=_TILE_RESPONSES)
def get_entries(path: str, request: Request, edge: EdgeHere) -> Response:
    """The same as `tile/entries/<N>[.p/<W>]`."""
    return _tile(edge, request, None, f"entries/{path}")


@router.get(
    "/proofs/{certificate_id}",
    summary="The proof that a certificate is logged",
    response_class=Response,
    responses={
        200: {"description": "A tlog-proof.", "content": {"text/plain": _NOTE}},
        **problems(404, 422, 503),
    },
)
def get_proof(
    certificate_id: UUID,
    edge: EdgeHere,
    leaf: Annotated[
        str | None,
        Query(pattern=SHA256_HEX, description="Hash of a later leaf of it, as its promise names it."),
    ] = None,
) -> Response:
    """A `.tlog-proof` file (C2SP tlog-proof) for the leaf of its issue; the leaf itself is its `extra`.

    404 until a published checkpoint has the leaf; the promise in the receipt says by when.
    """
    wanted = None if leaf is None else bytes.fromhex(leaf)
    _, content = serving.proof(edge.workshop, certificate_id, wanted)
    headers = {"Content-Disposition": f'attachment; filename="{certificate_id}.tlog-proof"'}
    return Response(content, headers=headers, media_type=TEXT)


@router.post(
    "/cosignatures",
    summary="A witness brings its cosignature",
    response_model=CosignaturesOut,
    openapi_extra=_COSIGNATURE_BODY,
    responses=problems(413, 422, 503),
)
async def post_cosignatures(request: Request, edge: EdgeHere) -> JSONResponse:
    """The checkpoint as it was read, with the witness's line (cosignature/v1) below it.

    Only lines of the witnesses that this log knows count. Sent again, the answer is the same.
    """
    content = await request.body()
    taken = await run_in_threadpool(cosigning.take_cosignatures, edge.workshop, content, at=now())
    return JSONResponse({"origin": taken.origin, "size": taken.size, "witnesses": list(taken.witnesses)})


@router.get(
    "/{year}/checkpoint",
    summary="A shard's newest checkpoint",
    response_class=Response,
    responses={**_CHECKPOINT_RESPONSES, **problems(422)},
)
def get_shard_checkpoint(year: Year, edge: EdgeHere) -> Response:
    """Of a year that is over: its closing checkpoint."""
    return _checkpoint(edge, year)


@router.get(
    "/{year}/tile/{path:path}",
    summary="A shard's tile, or entries",
    response_class=Response,
    responses={**_TILE_RESPONSES, **problems(422)},
)
def get_shard_tile(year: Year, path: str, request: Request, edge: EdgeHere) -> Response:
    """`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`. Immutable."""
    return _tile(edge, request, year, path)


def _checkpoint(edge: EdgeHere, year: int | None) -> Response:
    file = serving.checkpoint(edge.workshop, year)
    return Response(file.content, headers=_cached(file.fresh_for), media_type=TEXT)


def _tile(edge: EdgeHere, request: Request, year: int | None, path: str) -> Response:
    entries = path.startswith("entries/")
    try:
        wanted = parse_entries(path.removeprefix("entries/")) if entries else parse_tile(path)
    except InputError as error:
        raise NotFound(error.detail) from None
    file = serving.tile(edge.workshop, year, wanted, entries=entries, at=now())
    headers = _cached(file.fresh_for, immutable=True)
    if not entries:
        return Response(file.content, headers=headers, media_type=_OCTETS)
    headers["Vary"] = "Accept-Encoding"
    content = file.content
    if "gzip" in request.headers.get("accept-encoding", ""):
        # C2SP tlog-tiles: entry bundles should be compressed. Hashes cannot be.
        content, headers["Content-Encoding"] = gzip.compress(content, mtime=0), "gzip"
    return Response(content, headers=headers, media_type=_OCTETS)


def _cached(fresh_for: timedelta, *, immutable: bool = False) -> dict[str, str]:
    seconds = int(fresh_for.total_seconds())
    return {"Cache-Control": f"public, max-age={seconds}{', immutable' if immutable and seconds else ''}"}
