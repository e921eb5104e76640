"""Pages for everybody: verify a certificate, and the landing page of the QR code."""

from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.datastructures import FormData, UploadFile
from starlette.responses import FileResponse, HTMLResponse

from api.asking import admit_file, admit_presented_code, asked_by_code, asked_by_token, seen_by_code
from api.auth import refuse_cross_origin
from api.deps import edge_of, now
from api.edge import Edge
from api.headers import SCANNING
from api.pages.rendering import STATIC, pages_of
from api.pages.scanned import ScannedCode, ScannedElsewhere, ScannedToken, read_scanned
from api.pages.signed_in import person_at
from vault.catalogue import face_texts
from vault.errors import CodeOpensNothing
from vault.model.actors import Person
from vault.verify import read_file

router = APIRouter(include_in_schema=False)

# File, number, code and what was scanned; a browser sends every field of a form, also the empty ones.
FORM_FILES_MAX = 1
FORM_FIELDS_MAX = 4
# A worker lives by the policy of its own file: it fetches from here, and nothing else.
_WORKER = {"Content-Security-Policy": "default-src 'none'; connect-src 'self'; frame-ancestors 'none'"}

_Asked = dict[str, Any]
"""What a result shows: the report, and how it was asked for. `report` None: the code opens nothing."""


@router.get("/")
async def verify_page(request: Request) -> HTMLResponse:
    """The form: a file, number and code, or what was scanned."""
    return _form_page(request)


@router.post("/")
async def verify_form(request: Request) -> HTMLResponse:
    """The form's answer, as a page."""
    refuse_cross_origin(request.headers)
    edge = await edge_of(request)
    async with request.form(max_files=FORM_FILES_MAX, max_fields=FORM_FIELDS_MAX) as form:
        asked = await _asked(edge, request, form)
        number = form.get("number")
    if isinstance(asked, str):
        return _form_page(request, hint=asked, number=number if isinstance(number, str) else "")
    return pages_of(request).render(request, "report.html", host=_host(edge), **asked)


@router.get("/v")
async def landing_page(request: Request) -> HTMLResponse:
    """Where a QR code leads. What it holds is in the fragment: only the script on the page sees it."""
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
    asked = await _by_token(edge, request, await _only_field(request, "t"))
    return pages_of(request).render(request, "_report.html", host=_host(edge), **asked)


@router.post("/v/shown")
async def landing_shown(request: Request) -> HTMLResponse:
    """What a holder shows by a code (亮证), likewise, and once. The form has one field, `p`."""
    refuse_cross_origin(request.headers)
    edge = await edge_of(request)
    asked = await _by_shown_code(edge, request, await _only_field(request, "p"))
    return pages_of(request).render(request, "_report.html", host=_host(edge), **asked)


async def _only_field(request: Request, name: str) -> str:
    async with request.form(max_files=0, max_fields=1) as form:
        found = form.get(name)
    return found if isinstance(found, str) else ""


def _form_page(request: Request, *, hint: str | None = None, number: str = "") -> HTMLResponse:
    return pages_of(request).render(
        request,
        "verify.html",
        status=200 if hint is None else 422,
        headers=dict(SCANNING),
        hint=hint,
        number=number,
    )


async def _asked(edge: Edge, request: Request, form: FormData) -> _Asked | str:
    """The result for what the form holds; the key of a hint where it holds nothing to judge.

    Raises:
        TooMany: the questioner, or the number, was heard too often.
        Unavailable: the database does not answer.
    """
    file, number, code, scanned = (form.get(name) for name in ("file", "number", "code", "scanned"))
    if isinstance(file, UploadFile) and file.size:
        admit_file(edge, request)
        read = await to_thread.run_sync(read_file, await file.read())
        report = edge.report(await edge.judged(read, now()))
        return {"report": report, "how": "file", "sha256": read.sha256}
    if isinstance(number, str) and isinstance(code, str) and number.strip() and code.strip():
        report = edge.report(await asked_by_code(edge, request, number, code, now()))
        return {"report": report, "how": "code", "sha256": None}
    if isinstance(scanned, str) and scanned.strip():
        return await _by_scan(edge, request, scanned)
    return "verify.nothing_given"


async def _by_scan(edge: Edge, request: Request, text: str) -> _Asked | str:
    match read_scanned(text, edge.settings.public_url):
        case ScannedToken(token):
            return await _by_token(edge, request, token)
        case ScannedCode(shown):
            return await _by_shown_code(edge, request, shown)
        case ScannedElsewhere():
            return "verify.scanned.elsewhere"
        case None:
            return "verify.says.nothing"


async def _by_token(edge: Edge, request: Request, token: str) -> _Asked:
    report = edge.report(await asked_by_token(edge, request, token, now()))
    return {"report": report, "how": "token", "sha256": None}


async def _by_shown_code(edge: Edge, request: Request, code: str) -> _Asked:
    """What a holder shows: once, as `POST /v1/presentations` answers it."""
    admit_presented_code(edge, request)
    at = now()
    verifier = await to_thread.run_sync(partial(person_at, request, edge, at))
    try:
        report = await to_thread.run_sync(partial(_seen, edge, verifier, code, at))
    except CodeOpensNothing:
        report = None
    return {"report": report, "how": "shown", "sha256": None}


def _seen(edge: Edge, verifier: Person | None, code: str, at: datetime) -> dict[str, Any]:
    """The report on what is shown, with the chosen fields of its face as they are read: `face`."""
    report = seen_by_code(edge, verifier, code, at)
    certificate = report["certificate"]
    kind = edge.workshop.shelf.types(at).get(certificate["type"])
    face = () if kind is None else face_texts(kind, certificate["fields"])
    return {**report, "face": [{"zh": f.label, "en": f.label_en, "value": value} for f, value in face]}


def _host(edge: Edge) -> str:
    """The name that stands in the address bar, if this is the vault and no copy of its pages."""
    return urlsplit(edge.settings.public_url).netloc
