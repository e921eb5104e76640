"""Showing a certificate (亮证): what of it, the code to be scanned, and what becomes of it.

A code can be read once, where it is made; the page that shows it has it from a cookie for this one address,
so that it may be loaded again. The vault keeps its hash.
"""

import math
import re
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from api.deps import EdgeHere, now
from api.edge import Edge
from api.pages.my.certificates import card, found_among, own
from api.pages.my.visiting import OWN_FORM, Posted, holder_at, id_in, ticked, to, typed
from api.pages.rendering import pages_of
from vault.errors import NotFound
from vault.lookup import of_delegator
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord
from vault.model.presentation import CODE_LIFETIME
from vault.presentations import (
    MadePresentation,
    PresentationRequest,
    Standing,
    code_picture,
    end_presentation,
    make_presentation,
    shown_now,
    standing_of,
)

router = APIRouter()

CODE_COOKIE = "certvault-shown"
# Longer than the code lives: whoever comes back is told what became of it.
COOKIE_MAX_AGE_S = 12 * int(CODE_LIFETIME.total_seconds())
# A QR's quiet zone, in modules (ISO/IEC 18004, 9.1).
QUIET_MODULES = 4
_PART = "part"
_DARK_RUN = re.compile(rb"\x01+")


@router.get("/my/certificates/{certificate_id}/show")
def choose_page(certificate_id: str, request: Request, edge: EdgeHere, under: str = "") -> Response:
    """What of a certificate is to be shown. `under`: the delegation, where it is another's."""
    at = now()
    person = holder_at(request, edge, at)
    if isinstance(person, Response):
        return person
    return _choice(request, edge, person, id_in(certificate_id), under, wrong=None)


@router.post("/my/certificates/{certificate_id}/show")
def make_code(certificate_id: str, request: Request, edge: EdgeHere, form: Posted) -> Response:
    """Makes a code. Sent twice, it is another code, and nobody has seen the one before."""
    at = now()
    person = holder_at(request, edge, at)
    if isinstance(person, Response):
        return person
    under, wanted = typed(form, "under"), id_in(certificate_id)
    fields = tuple(dict.fromkeys(ticked(form, "fields"))) if typed(form, "what") == _PART else None
    if fields == ():
        return _choice(request, edge, person, wanted, under, wrong="show.wrong.fields")
    asked = PresentationRequest(wanted, fields, id_in(under) if under else None)
    made = make_presentation(edge.workshop, person, asked, at=at)
    return _shown(edge, made)


@router.get("/my/show/{presentation_id}")
def code_page(presentation_id: str, request: Request, edge: EdgeHere) -> Response:
    """The code, large, with the time until which it is good; or what became of it."""
    at = now()
    person = holder_at(request, edge, at)
    if isinstance(person, Response):
        return person
    code = request.cookies.get(CODE_COOKIE, "")
    try:
        shown = shown_now(edge.workshop, person, id_in(presentation_id), code, at=at)
    except NotFound:
        return pages_of(request).render(request, "my/show_gone.html", person=person, status=404)
    open_now = shown.standing is Standing.OPEN
    return pages_of(request).render(
        request,
        "my/show.html",
        person=person,
        shown=shown,
        standing=shown.standing.value,
        c=card(edge, shown.certificate, at),
        presentation=shown.presentation,
        qr=_drawn(code_picture(edge.workshop, code)) if open_now else None,
        left_s=seconds_left(shown.presentation.expires_at, at),
        expires_at=shown.presentation.expires_at.isoformat(),
    )


@router.get("/my/show/{presentation_id}/standing")
def code_standing(presentation_id: str, request: Request, edge: EdgeHere) -> Response:
    """How the code stands, for the script of its page."""
    at = now()
    person = holder_at(request, edge, at)
    if isinstance(person, Response):
        return person
    code = request.cookies.get(CODE_COOKIE, "")
    standing = standing_of(edge.workshop, person, id_in(presentation_id), code, at=at)
    return JSONResponse({"standing": standing.value})


@router.post("/my/show/{presentation_id}/end", dependencies=[OWN_FORM])
def end_code(presentation_id: str, request: Request, edge: EdgeHere) -> Response:
    """Takes the code back, and leads to its page, which says so."""
    at = now()
    person = holder_at(request, edge, at)
    if isinstance(person, Response):
        return person
    code = request.cookies.get(CODE_COOKIE, "")
    end_presentation(edge.workshop, person, id_in(presentation_id), code, at=at)
    return to(f"/my/show/{id_in(presentation_id)}")


@router.post("/my/show/{presentation_id}/again", dependencies=[OWN_FORM])
def another_code(presentation_id: str, request: Request, edge: EdgeHere) -> Response:
    """Another code for the same; the one before opens nothing any more."""
    at = now()
    person = holder_at(request, edge, at)
    if isinstance(person, Response):
        return person
    code, shown_id = request.cookies.get(CODE_COOKIE, ""), id_in(presentation_id)
    before = shown_now(edge.workshop, person, shown_id, code, at=at).presentation
    end_presentation(edge.workshop, person, shown_id, code, at=at)
    fields = None if before.fields is None else tuple(sorted(before.fields))
    asked = PresentationRequest(before.certificate_id, fields, before.delegation_id)
    return _shown(edge, make_presentation(edge.workshop, person, asked, at=at))


def seconds_left(until: datetime, at: datetime) -> int:
    """Whole seconds until then, the last one in full: at 0 the page asks again, and must find it over."""
    return max(0, math.ceil((until - at).total_seconds()))


def _choice(
    request: Request, edge: Edge, person: Person, certificate_id: UUID, under: str, *, wrong: str | None
) -> Response:
    at = now()
    delegation_id = id_in(under) if under else None
    record = _to_show(edge, person, certificate_id, delegation_id)
    kind = edge.workshop.shelf.types(at).get(record.type_code)
    face = [] if kind is None else [f for f in kind.face if f.key in record.fields]
    return pages_of(request).render(
        request,
        "my/show_choice.html",
        person=person,
        status=200 if wrong is None else 422,
        c=card(edge, record, at, delegation_id=delegation_id),
        face=face,
        under=under,
        wrong=wrong,
    )


def _to_show(
    edge: Edge, person: Person, certificate_id: UUID, delegation_id: UUID | None
) -> CertificateRecord:
    at = now()
    if delegation_id is None:
        return own(edge, person, certificate_id, at)
    _, held = of_delegator(edge.workshop, person, delegation_id, at=at)
    return found_among(held, certificate_id)


def _shown(edge: Edge, made: MadePresentation) -> Response:
    """To the code's page, with the code in a cookie that goes to that address only."""
    path = f"/my/show/{made.presentation.presentation_id}"
    answer = to(path)
    answer.set_cookie(
        CODE_COOKIE,
        made.code,
        path=path,
        max_age=COOKIE_MAX_AGE_S,
        httponly=True,
        samesite="strict",
        secure=edge.settings.public_url.startswith("https:"),
    )
    return answer


def _drawn(rows: tuple[bytes, ...]) -> dict[str, object]:
    """The QR as a path of an SVG in modules, with its quiet zone: `side`, `path`."""
    runs = []
    for y, row in enumerate(rows, QUIET_MODULES):
        for run in _DARK_RUN.finditer(row):
            start = run.start() + QUIET_MODULES
            runs.append(f"M{start} {y}h{run.end() - run.start()}v1H{start}z")
    return {"side": len(rows) + 2 * QUIET_MODULES, "path": "".join(runs)}
