"""Imports of a register's stock: asked for here, done by the worker, shown while they run."""

from collections.abc import Iterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse, StreamingResponse

from api.answers.imports import ImportOut, ImportsOut
from api.answers.problem import problems
from api.deps import ClientHere, EdgeHere, StrictRoute, now
from api.schemas import ImportIn
from vault.importing import Asked, ask_import, result_lines, run_json, shown_run, shown_runs
from vault.model.imports import ImportMode

router = APIRouter(tags=["import"], route_class=StrictRoute)

ImportId = Annotated[UUID, Path(description="As the import was answered.")]
CSV = "text/csv"


@router.post(
    "/v1/imports",
    summary="Import a register's stock",
    status_code=201,
    response_model=ImportOut,
    responses=problems(400, 401, 403, 413, 415, 422, 503),
)
def post_import(body: ImportIn, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """The worker reads the manifest row by row; what is imported is never imported twice.

    Upload manifest and files first. The same manifest under the same mapping is the same import: sent again,
    it goes on where it was, and tries what was rejected once more. With `dry_run` every row is looked at and
    nothing is stored.
    """
    asked = Asked(
        body.manifest.sha256,
        body.manifest.name,
        body.mapping,
        None if body.files is None else body.files.sha256,
        ImportMode.CHECK if body.dry_run else ImportMode.IMPORT,
    )
    return JSONResponse(run_json(ask_import(edge.workshop, client, asked, at=now())), 201)


@router.get(
    "/v1/imports",
    summary="My imports",
    response_model=ImportsOut,
    responses=problems(401, 503),
)
def get_imports(edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """The newest imports that this client asked for, with counts, rate and time left."""
    found = shown_runs(edge.workshop, client, at=now())
    return JSONResponse({"imports": [run_json(run) for run in found]})


@router.get(
    "/v1/imports/{import_id}",
    summary="How an import stands",
    response_model=ImportOut,
    responses=problems(401, 404, 422, 503),
)
def get_import(import_id: ImportId, edge: EdgeHere, client: ClientHere) -> JSONResponse:
    """Its counts, rate and time left. `stopped`: whoever worked on it died; send it again, and it goes on."""
    return JSONResponse(run_json(shown_run(edge.workshop, client, import_id, at=now())))


@router.get(
    "/v1/imports/{import_id}/results",
    summary="What became of every row",
    response_class=StreamingResponse,
    responses={
        200: {"content": {CSV: {"schema": {"type": "string"}}}, "description": "One line for each row."},
        **problems(401, 404, 422, 503),
    },
)
def get_results(import_id: ImportId, edge: EdgeHere, client: ClientHere) -> StreamingResponse:
    """CSV: each row's number in the manifest, `imported`, `already_there` or `rejected`, and why in words."""
    run = shown_run(edge.workshop, client, import_id, at=now())
    lines: Iterator[str] = result_lines(edge.workshop, run.run_id, at=now())
    return StreamingResponse(lines, media_type=CSV)
