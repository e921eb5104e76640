"""Who looked at what is mine: sentences by month, and ending a use."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from api.deps import EdgeHere
from api.edge import Edge
from api.pages.my.visiting import OWN_FORM, VisitHere, id_in, to
from api.pages.rendering import pages_of
from vault.accesses import accesses_json, accesses_of
from vault.errors import InputError, NotFound
from vault.log import moment
from vault.lookup import of_person
from vault.model.actors import Person
from vault.model.history_entry import Who, access_id, read_access_id
from vault.model.legal_time import LEGAL_TIME
from vault.uses import revoke_by_holder

router = APIRouter()

PAGE_SIZE = 100


@router.get("/my/history")
def history_page(
    request: Request, edge: EdgeHere, visit: VisitHere, certificate: str = "", before: str = ""
) -> Response:
    """A page of the history, newest first. `certificate`: with that one only."""
    person, at = visit
    wanted = id_in(certificate) if certificate else None
    page = _page(edge, person, wanted, before or None, PAGE_SIZE, at)
    types = edge.workshop.shelf.types(at)
    held = of_person(edge.workshop, person, at=at)
    return pages_of(request).render(
        request,
        "my/history.html",
        person=person,
        months=_by_month(page["accesses"]),
        next=page["next"],
        first=not before,
        certificate=str(wanted or ""),
        choices=[
            (
                str(each.certificate_id),
                types[each.type_code].name if each.type_code in types else "",
                each.number,
            )
            for each in held
        ],
        now=moment(at),
        done=request.query_params.get("done"),
    )


@router.get("/my/uses/{use_id}/end")
def end_use_page(
    use_id: str, request: Request, edge: EdgeHere, visit: VisitHere, access: str = ""
) -> Response:
    """Whether a use is really to end. `access`: the entry of the history that tells of it."""
    person, at = visit
    entry = entry_of(edge, person, access, at)
    if entry is None or entry["use"] is None or entry["use"]["use_id"] != str(id_in(use_id)):
        raise NotFound("There is no such use of anything of yours.")
    return pages_of(request).render(request, "my/use_end.html", person=person, entry=entry)


@router.post("/my/uses/{use_id}/end", dependencies=[OWN_FORM])
def end_use(use_id: str, edge: EdgeHere, visit: VisitHere) -> Response:
    """Ends a use of what is theirs. Sent twice, it ends once."""
    person, at = visit
    revoke_by_holder(edge.workshop, person, id_in(use_id), at=at)
    return to("/my/history", "use_ended")


def entry_of(edge: Edge, person: Person, access: str, at: datetime) -> dict[str, Any] | None:
    """One entry of the signed-in person's history; None where there is none that they may see."""
    try:
        # The page that begins just behind it.
        newest_first = _page(edge, person, None, access_id(read_access_id(access) + 1), 1, at)["accesses"]
    except InputError:
        return None
    return next((each for each in newest_first if each["access_id"] == access), None)


def _page(
    edge: Edge, person: Person, certificate_id: UUID | None, before: str | None, limit: int, at: datetime
) -> dict[str, Any]:
    try:
        found = accesses_of(
            edge.workshop, person, certificate_id=certificate_id, before=before, limit=limit, at=at
        )
    except InputError:
        raise NotFound("There is no such page.") from None
    return accesses_json(found, edge.workshop.shelf.in_force(at))


def _by_month(
    accesses: Sequence[dict[str, Any]],
) -> list[tuple[str, list[tuple[bool, list[dict[str, Any]]]]]]:
    """Entries under the months in which they were in China, as `2026-11`; in each, runs of one's own."""

    def month(access: dict[str, Any]) -> str:
        return datetime.fromisoformat(access["at"]).astimezone(LEGAL_TIME).strftime("%Y-%m")

    def is_own(access: dict[str, Any]) -> bool:
        return bool(access["who"]["kind"] == Who.YOU)

    return [
        (name, [(own, list(run)) for own, run in groupby(entries, is_own)])
        for name, entries in groupby(accesses, month)
    ]
