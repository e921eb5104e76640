"""What somebody shows by a code (亮证), for whoever scans it: redeemed once, and told in both languages."""

import re
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.asking import admit_presented_code
from api.auth import refuse_cross_origin
from api.deps import EdgeHere, now
from api.edge import Edge
from api.pages.rendering import pages_of
from api.pages.signed_in import person_at
from api.pages.texts import Language, text
from vault.catalogue import face_texts
from vault.errors import CodeOpensNothing
from vault.lookup import FOR_HOLDERS, summary_json
from vault.presentations import Presented, presented_face, presented_json, redeem_presentation
from vault.verify import of_presented, report_json

router = APIRouter(include_in_schema=False)

CODE_MAX_CHARS = 4_000
# The code, or the address that the QR holds, from a hand scanner.
_CODE = re.compile(r"(?:.*#(?:[^\s#]*&)?p=)?([A-Za-z0-9_-]{22})(?:&\S*)?", re.DOTALL)

_SPOKEN = tuple((language.value, partial(text, language=language)) for language in Language)


async def _posted(request: Request, edge: EdgeHere) -> FormData:
    """What was sent; strangers are counted, on the event loop as everything that is."""
    refuse_cross_origin(request.headers)
    admit_presented_code(edge, request)
    async with request.form(max_files=0, max_fields=2) as form:
        return form


_Posted = Annotated[FormData, Depends(_posted)]


@router.get("/shown")
def shown_form(request: Request) -> Response:
    """A field for the code: for hand scanners, and for browsers without script."""
    return pages_of(request).render(request, "shown_form.html", wrong=None)


@router.post("/shown")
def shown_answer(request: Request, edge: EdgeHere, form: _Posted) -> Response:
    """What the code `p` shows: as a page, or for the script of `/v` (`piece`) in both languages.

    It is good once: whoever switches the language afterwards could not ask again.
    """
    at = now()
    given, piece = form.get("p"), form.get("piece") is not None
    found = _CODE.fullmatch(given[:CODE_MAX_CHARS].strip()) if isinstance(given, str) else None
    pages = pages_of(request)
    try:
        code = "" if found is None else found[1]
        presented = redeem_presentation(edge.workshop, person_at(request, edge, at), code, at=at)
    except CodeOpensNothing:
        if piece:
            return pages.render(request, "_shown_nothing.html", spoken=_SPOKEN)
        return pages.render(request, "shown_form.html", status=404, wrong="shown.nothing")
    types = edge.workshop.shelf.types(at)
    whole = summary_json(presented.certificate, types, files_at=FOR_HOLDERS)
    shown = presented_face(presented, whole)
    report = {
        **report_json(of_presented(presented.certificate, presented.ended, shown, at=at)),
        "face": _face(edge, presented),
        "presentation": presented_json(presented),
    }
    template = "_shown.html" if piece else "shown.html"
    return pages.render(request, template, report=report, spoken=_SPOKEN)


def _face(edge: Edge, presented: Presented) -> list[dict[str, Any]]:
    """The chosen fields of the face, as they are read."""
    certificate, chosen = presented.certificate, presented.presentation.fields
    kind = edge.workshop.shelf.types(now()).get(certificate.type_code)
    if kind is None:
        return []
    return [
        {"label": {"zh": field.label, "en": field.label_en}, "value": value}
        for field, value in face_texts(kind, certificate.fields)
        if chosen is None or field.key in chosen
    ]
