"""Pages for everybody: verify a certificate, and the landing page of the QR code."""

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import FileResponse, HTMLResponse

from api.asking import admit_file, asked_by_code, asked_by_token
from api.auth import refuse_cross_origin
from api.deps import edge_of, now
from api.edge import Edge
from api.pages.rendering import STATIC, pages_of
from vault.verify import read_file

router = APIRouter(include_in_schema=False)

# File, number and code; a browser sends every field of a form, also the empty ones.
FORM_FILES_MAX = 1
FORM_FIELDS_MAX = 4
# A worker lives by the policy of its own file: it fetches from here, and nothing else.
_WORKER = {"Content-Security-Policy": "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"}


@router.get("/")
async def verify_page(request: Request) -> HTMLResponse:
    """The form: a file, or number and code."""
    return pages_of(request).render(request, "verify.html", hint=None, number="")


@router.post("/")
async def verify_form(request: Request) -> HTMLResponse:
    """The form's answer, as a page."""
    refuse_cross_origin(request.headers)
    edge = await edge_of(request)
    async with request.form(max_files=FORM_FILES_MAX, max_fields=FORM_FIELDS_MAX) as form:
        report = await _report(edge, request, form)
        number = form.get("number")
    if report is None:
        shown = number if isinstance(number, str) else ""
        return pages_of(request).render(
            request, "verify.html", status=422, hint="verify.nothing_given", number=shown
        )
    return pages_of(request).render(request, "report.html", report=report)


@router.get("/v")
async def landing_page(request: Request) -> HTMLResponse:
    """Where a QR code leads. The token is in the fragment: only the script on the page sees it."""
    return pages_of(request).render(request, "landing.html")


@router.get("/v-worker.js")
async def landing_worker() -> FileResponse:
    """What gives the landing page without network. At the root, since a worker serves what is below it."""
    return FileResponse(STATIC / "worker.js", media_type="text/javascript", headers=_WORKER)


@router.post("/v")
async def landing_answer(request: Request) -> HTMLResponse:
    """The report for the page's script, as a piece of HTML. The form has one field, `t`."""
    refuse_cross_origin(request.headers)
    edge = await edge_of(request)
    async with request.form(max_files=0, max_fields=1) as form:
        token = form.get("t")
    found = await asked_by_token(edge, request, token if isinstance(token, str) else "", now())
    return pages_of(request).render(request, "_report.html", report=edge.report(found))


async def _report(edge: Edge, request: Request, form: FormData) -> dict[str, Any] | None:
    """The report on what the form holds; None where it holds nothing to judge.

    Raises:
        TooMany: the questioner, or the number, was heard too often.
        Unavailable: the database does not answer.
    """
    file, number, code = form.get("file"), form.get("number"), form.get("code")
    if isinstance(file, UploadFile) and file.size:
        admit_file(edge, request)
        read = await to_thread.run_sync(read_file, await file.read())
        return edge.report(await edge.judged(read, now()))
    if isinstance(number, str) and isinstance(code, str) and number.strip() and code.strip():
        return edge.report(await asked_by_code(edge, request, number, code, now()))
    return None
