"""The catalogue, and a type's page set from an edited copy of its template."""

import base64
import struct
from dataclasses import dataclass
from functools import partial

from anyio import fail_after, to_thread
from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.asking import admit_template
from api.auth import refuse_cross_origin
from api.deps import EdgeHere, now
from api.pages.console.entering import Visit, entered
from api.pages.signed_in import person_at
from vault.console import Draft, Preview, preview, preview_kinds, shipped_draft
from vault.errors import Unavailable
from vault.model.access import Action, refusal

router = APIRouter()

FORM_FIELDS_MAX = 3
# Whoever types waits for the picture before; a page that waits longer is told so.
TURN_WITHIN_S = 15.0
# The pictures are of this answer alone: they have no address of their own to be asked for.
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Where width and height stand in a PNG (its clause 11.2.2).
_SIZE_AT = slice(16, 24)


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as the page has it."""

    address: str
    width: int
    height: int


@router.get("/console/catalogue")
def catalogue_page(request: Request, edge: EdgeHere) -> Response:
    """The types in force, to choose one."""

    def show(visit: Visit) -> Response:
        return visit.render(
            "catalogue.html",
            kinds=preview_kinds(visit.edge.workshop, visit.person, at=visit.at),
            may_try=refusal(visit.person, Action.TRY_TEMPLATE) is None,
        )

    return entered(request, edge, show)


@router.get("/console/catalogue/{code}")
def trial_page(code: str, request: Request, edge: EdgeHere) -> Response:
    """Template, layout and example of a type as they are in force, to be changed."""

    def show(visit: Visit) -> Response:
        draft = shipped_draft(visit.edge.workshop, visit.person, code, at=visit.at)
        return _page(visit, code, draft, None)

    return entered(request, edge, show)


@router.post("/console/catalogue/{code}")
async def trial_answer(code: str, request: Request, edge: EdgeHere) -> Response:
    """The page that the draft makes, or what is wrong with it; nothing is kept. One at a time."""
    refuse_cross_origin(request.headers)
    async with request.form(max_files=0, max_fields=FORM_FIELDS_MAX) as form:
        draft = Draft(_text(form, "source"), _text(form, "layout"), _text(form, "example"))
    person = await to_thread.run_sync(person_at, request, edge, now())
    if person is not None:
        admit_template(edge, person)

    def show(visit: Visit) -> Response:
        return _page(visit, code, draft, preview(visit.edge.workshop, visit.person, code, draft, at=visit.at))

    turn = partial(entered, request, edge, show)
    try:
        with fail_after(TURN_WITHIN_S):
            await edge.trying.acquire_on_behalf_of(turn)
    except TimeoutError:
        raise Unavailable("Others are trying templates; try again in a moment.", retry_after_s=5) from None
    try:
        return await to_thread.run_sync(turn)
    finally:
        edge.trying.release_on_behalf_of(turn)


def _page(visit: Visit, code: str, draft: Draft, came: Preview | None) -> Response:
    kind = visit.edge.workshop.shelf.type(code, visit.at)
    pictures = () if came is None or came.pictures is None else came.pictures.pages
    return visit.render(
        "trial.html",
        headers={"Content-Security-Policy": _POLICY},
        kind=kind,
        draft=draft,
        came=came,
        pictures=[_shown(each) for each in pictures],
    )


def _shown(picture: bytes) -> Shown:
    width, height = struct.unpack(">II", picture[_SIZE_AT])
    return Shown("data:image/png;base64," + base64.b64encode(picture).decode(), width, height)


def _text(form: FormData, name: str) -> str:
    """A field as it was typed: forms send their lines' ends as CR LF."""
    value = form.get(name)
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""
