"""Disputes (异议): raised about a certificate or an access, and where each stands."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.deps import EdgeHere
from api.edge import Edge
from api.pages.my.certificates import card, own
from api.pages.my.history import entry_of
from api.pages.my.visiting import Posted, VisitHere, Wrong, id_in, to, typed, wrong_with
from api.pages.rendering import pages_of
from vault.disputes import STATEMENT_MAX_CHARS, disputes_of, page_json, read_dispute, submit
from vault.errors import Conflict, InputError, NotFound
from vault.lookup import of_person
from vault.model.actors import Person
from vault.model.dispute import ANSWER_WORKING_DAYS, OF_ACCESSES, OF_CERTIFICATES, DisputeKind

router = APIRouter()

PAGE_SIZE = 20
_PLACES: Mapping[str, tuple[str, str]] = {
    "": ("kind", "dispute.wrong.subject"),
    "certificate_id": ("kind", "dispute.wrong.subject"),
    "access_id": ("access_id", "dispute.wrong.access"),
    "kind": ("kind", "dispute.wrong.kind"),
    "statement": ("statement", "dispute.wrong.statement"),
}


@router.get("/my/disputes")
def disputes_page(request: Request, edge: EdgeHere, visit: VisitHere, before: str = "") -> Response:
    """The disputes of the signed-in person, each with its steps."""
    person, at = visit
    start = id_in(before) if before else None
    found = disputes_of(edge.workshop, person, before=start, limit=PAGE_SIZE + 1, at=at)
    page = page_json(found, PAGE_SIZE, at)
    held = {str(each.certificate_id): each for each in of_person(edge.workshop, person, at=at)}
    cards = {key: card(edge, each, at) for key, each in held.items()}
    return pages_of(request).render(
        request,
        "my/disputes.html",
        person=person,
        disputes=page["disputes"],
        next=page["next"],
        first=start is None,
        cards=cards,
        done=request.query_params.get("done"),
    )


@router.get("/my/disputes/new")
def new_dispute_page(
    request: Request, edge: EdgeHere, visit: VisitHere, certificate: str = "", access: str = ""
) -> Response:
    """The form, for a certificate or for an access."""
    person, at = visit
    values = {"certificate": certificate, "access": access, "kind": "", "statement": ""}
    return _form(request, edge, person, values, Wrong(), at)


@router.post("/my/disputes")
def raise_dispute(request: Request, edge: EdgeHere, form: Posted, visit: VisitHere) -> Response:
    """Hands it in. Sent twice, it is the same dispute while it is open."""
    person, at = visit
    values = {name: typed(form, name) for name in ("certificate", "access", "kind", "statement")}
    body = {
        "certificate_id": values["certificate"] or None,
        "access_id": values["access"] or None,
        "kind": values["kind"],
        # A form's line ends are of two characters (HTML, 4.10.22).
        "statement": values["statement"].replace("\r\n", "\n"),
    }
    try:
        submit(edge.workshop, person, read_dispute(body), at=at)
    except InputError as error:
        return _form(request, edge, person, values, wrong_with(error, _PLACES), at)
    except Conflict:
        return _form(request, edge, person, values, Wrong({"statement": "dispute.wrong.too_many"}), at)
    return to("/my/disputes", "disputed")


def _form(
    request: Request, edge: Edge, person: Person, values: Mapping[str, str], wrong: Wrong, at: datetime
) -> Response:
    """The form about a thing of theirs.

    Raises:
        NotFound: they have no such certificate, and no such access that they may see.
    """
    subject = _subject(edge, person, values, at)
    kinds = OF_CERTIFICATES if values["certificate"] else OF_ACCESSES
    return pages_of(request).render(
        request,
        "my/dispute_new.html",
        person=person,
        status=422 if wrong else 200,
        values=values,
        wrong=wrong.fields,
        kinds=[kind.value for kind in DisputeKind if kind in kinds],
        days=ANSWER_WORKING_DAYS,
        statement_max=STATEMENT_MAX_CHARS,
        **subject,
    )


def _subject(edge: Edge, person: Person, values: Mapping[str, str], at: datetime) -> dict[str, Any]:
    if values["certificate"]:
        record = own(edge, person, id_in(values["certificate"]), at)
        return {"c": card(edge, record, at), "entry": None}
    entry = entry_of(edge, person, values["access"], at)
    if entry is None:
        raise NotFound("There is no such access to anything of yours.")
    return {"c": None, "entry": entry}
