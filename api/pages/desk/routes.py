"""The desk's page and its forms: each form does one thing and leads back to the page."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from starlette.responses import RedirectResponse, Response

from api.pages.desk.screen import Said, screen
from api.pages.desk.sitting import HOME, FormHere, SeatHere, Sent, Sitting
from vault import desk
from vault.download import copy_for_client
from vault.errors import Conflict, DocumentRefused, InputError, NotFound, Unavailable, VaultError
from vault.model.desk import Turn
from vault.model.service_item import HolderRole
from vault.model.use import Subject, SubjectKind

router = APIRouter(include_in_schema=False, prefix=HOME)

PAPER = "paper"
NUMBERS = "numbers"


@router.get("")
def desk_page(seat: SeatHere) -> Response:
    """Today's cases, the one at hand, what is held for it, and the pictures of that."""
    return screen(seat)


@router.post("/case")
def post_case(form: FormHere, seat: SeatHere) -> Response:
    """A case was filled in: what was typed or scanned is read, and asked on the page that follows."""
    filled = desk.CaseForm(
        place=form.uuid("place"),
        number=form.text("number"),
        item=form.text("item"),
        code_type=form.text("code_type"),
        holders={role: form.text(role.value) for role in HolderRole},
        purpose=form.text("purpose"),
        needed_until=form.text("needed_until"),
    )
    try:
        desk.fill_in(seat.workshop, seat.person, filled, at=seat.at)
    except desk.Slips as slips:
        return screen(seat, Said(slips=slips.slips, case=filled), status=422)
    return _home()


@router.post("/queue")
def post_queue(form: FormHere, seat: SeatHere) -> Response:
    """Case numbers, one or many."""
    pasted = form.text(NUMBERS)
    try:
        desk.take_in(seat.workshop, seat.person, desk.read_numbers(pasted), at=seat.at)
    except desk.Slips as slips:
        return screen(seat, Said(slips=slips.slips, numbers=pasted), status=422)
    return _home()


@router.post("/turn")
def post_turn(form: FormHere, seat: SeatHere) -> Response:
    """To another case, or the one at hand put away."""
    wanted = form.text("turn")
    if wanted in list(Turn):
        desk.turn(seat.workshop, seat.person, Turn(wanted), form.uuid("place"), at=seat.at)
    return _home()


@router.post("/use")
def post_use(form: FormHere, seat: SeatHere) -> Response:
    """Uses what is held, once however often it is sent; with `code`, the page shows a use code."""
    place, subject = form.uuid("place"), _subject(form.text("kind"), form.uuid("subject"))
    if place is None or subject is None:
        return screen(seat, Said(trouble="gone"), status=404)
    copy = form.text("copy") == "yes"
    try:
        made = desk.use_held(seat.workshop, seat.person, place, subject, copy=copy, at=seat.at)
    except (Conflict, NotFound, InputError, Unavailable) as error:
        no_copy = isinstance(error, InputError) and any(each.pointer == "/copy" for each in error.problems)
        return _trouble(seat, error, {Conflict: "conflict", InputError: "no_copy" if no_copy else "not_used"})
    if form.text("code"):
        return screen(seat, Said(made=made))
    return _home(form.text("line"))


@router.post("/revocation")
def post_revocation(form: FormHere, seat: SeatHere) -> Response:
    """Takes a use back."""
    place, use_id = form.uuid("place"), form.uuid("use")
    if place is None or use_id is None:
        return screen(seat, Said(trouble="gone"), status=404)
    try:
        desk.take_back(seat.workshop, seat.person, place, use_id, at=seat.at)
    except (NotFound, Unavailable) as error:
        return _trouble(seat, error, {})
    return _home(form.text("line"))


@router.post("/verification")
def post_verification(form: FormHere, seat: SeatHere) -> Response:
    """A material of level C was compared with its original."""
    place, material_id = form.uuid("place"), form.uuid("material")
    if place is None or material_id is None:
        return screen(seat, Said(trouble="gone"), status=404)
    try:
        desk.compare_paper(seat.workshop, seat.person, place, material_id, at=seat.at)
    except (Conflict, NotFound, Unavailable) as error:
        return _trouble(seat, error, {Conflict: "not_to_compare"})
    return _home(form.text("line"))


@router.post("/paper")
def post_paper(form: FormHere, seat: SeatHere) -> Response:
    """A paper was compared with its original, and its scan is archived."""
    place, paper = form.uuid("place"), _paper(form)
    if place is None:
        return screen(seat, Said(trouble="gone"), status=404)
    try:
        desk.archive_paper(seat.workshop, seat.person, place, paper, at=seat.at)
    except desk.Slips as slips:
        return screen(seat, Said(slips=slips.slips, paper=paper), status=422)
    except (Conflict, NotFound, Unavailable) as error:
        return _trouble(seat, error, {Conflict: "other_particulars"}, paper)
    return _home(PAPER)


@router.get("/pictures/{place}/{kind}/{subject_id}")
def get_picture(place: UUID, kind: SubjectKind, subject_id: UUID, seat: SeatHere) -> Response:
    """The first page of something that is held for a case on the clerk's sheet."""
    try:
        picture = desk.page_picture(
            seat.workshop,
            seat.person,
            place,
            Subject(kind, subject_id),
            at=seat.at,
            draw_with=seat.edge.judges.picture,
        )
    except DocumentRefused as error:  # OFD, or what no longer can be drawn
        raise NotFound(error.detail) from error
    return Response(picture, media_type="image/webp")


@router.get("/copies/{use_id}")
def get_copy(use_id: Annotated[UUID, Path()], seat: SeatHere) -> Response:
    """A usage copy, to be read or printed in the browser."""
    file = copy_for_client(seat.workshop, seat.person, use_id, at=seat.at)
    named = {"Content-Disposition": f'inline; filename="{file.file_name}"'}
    return Response(file.content, headers=named, media_type=file.media_type)


def _home(line: str = "") -> RedirectResponse:
    """Back to the page, at the line that was worked on."""
    known = line if line.isascii() and line.replace("-", "").replace("_", "").isalnum() else ""
    return RedirectResponse(f"{HOME}#{known}" if known else HOME, 303)


def _subject(kind: str, subject_id: UUID | None) -> Subject | None:
    if kind not in list(SubjectKind) or subject_id is None:
        return None
    return Subject(SubjectKind(kind), subject_id)


def _paper(form: Sent) -> desk.PaperForm:
    return desk.PaperForm(
        kind=form.text("kind"),
        holder=form.text("holder"),
        holder_name=form.text("holder_name"),
        issued_on=form.text("issued_on"),
        valid_to=form.text("valid_to"),
        note=form.text("note"),
        content=form.file or b"",
        compared=form.text("compared") == "yes",
    )


def _trouble(
    seat: Sitting,
    error: VaultError,
    words: dict[type[VaultError], str],
    paper: desk.PaperForm | None = None,
) -> Response:
    """The page again, with what was in the way; what is held is asked anew, and says why."""
    statuses = {Conflict: 409, NotFound: 404, InputError: 422, Unavailable: 503}
    kind = next(kind for kind in statuses if isinstance(error, kind))
    known = {NotFound: "gone", Unavailable: "unavailable", **words}
    answer = screen(seat, Said(trouble=known.get(kind, "gone"), paper=paper), status=statuses[kind])
    if isinstance(error, Unavailable):
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer
