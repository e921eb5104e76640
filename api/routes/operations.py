"""For whoever runs the vault: alive, ready, counted, and which version."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from api.answers import ReadyOut, VersionOut
from api.deps import EdgeHere
from vault.errors import Unavailable

router = APIRouter(tags=["operations"])

_ALIVE = b"ok\n"


@router.get("/livez", summary="The process answers", response_class=PlainTextResponse)
async def livez() -> Response:
    """Always `ok`; touches nothing."""
    return Response(_ALIVE, media_type="text/plain")


@router.get(
    "/readyz",
    summary="The engines answer",
    response_model=ReadyOut,
    responses={503: {"model": ReadyOut, "description": "One does not; `checks` says which."}},
)
def readyz(edge: EdgeHere) -> JSONResponse:
    """Asks the database and the object store, each by itself."""
    checks = {}
    for name, engine in (("database", edge.workshop.database), ("object_store", edge.workshop.blobs)):
        try:
            engine.ping()
            checks[name] = "ok"
        except Unavailable as error:
            checks[name] = error.detail
    ready = all(answer == "ok" for answer in checks.values())
    return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503)


@router.get("/metrics", summary="Counters of this process", response_class=PlainTextResponse)
async def metrics(edge: EdgeHere) -> Response:
    """In Prometheus' text format. With several processes each has its own: scrape each."""
    return Response(edge.metrics.text(), media_type="text/plain; version=0.0.4")


@router.get("/version", summary="What runs here", response_model=VersionOut)
async def version(edge: EdgeHere) -> JSONResponse:
    """Name and version."""
    return JSONResponse({"name": "certvault", "version": edge.settings.version})
