"""The holder's own page: certificates with status, expiry and downloads."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.deps import EdgeHere, now
from api.pages.rendering import pages_of
from api.pages.signed_in import person_at, to_sign_in
from vault.lookup import FOR_HOLDERS, of_person, summary_json
from vault.model.access import Action, refusal

router = APIRouter(include_in_schema=False)


@router.get("/my")
def my_page(request: Request, edge: EdgeHere) -> Response:
    """The certificates of whoever is signed in, none for staff who hold none here; others sign in first."""
    at = now()
    person = person_at(request, edge, at)
    if person is None:
        return to_sign_in(request)
    types = edge.workshop.shelf.types(at)
    is_holder = refusal(person, Action.LIST_OWN) is None
    held = of_person(edge.workshop, person, at=at) if is_holder else ()
    found = [summary_json(record, types, files_at=FOR_HOLDERS) for record in held]
    today = at.date().isoformat()
    return pages_of(request).render(request, "my.html", person=person, certificates=found, today=today)
