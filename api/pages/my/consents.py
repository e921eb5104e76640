"""Consents (授权) given, asked for, and taken back: in plain words before and after."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.deps import EdgeHere
from api.edge import Edge
from api.pages.my.visiting import (
    OWN_FORM,
    Posted,
    VisitHere,
    Wrong,
    first_of,
    id_in,
    ticked,
    to,
    typed,
    wrong_with,
)
from api.pages.rendering import pages_of
from vault.consents import (
    askers_for,
    consent_json,
    consents_json,
    consents_of,
    grant_consent,
    read_consent,
    revoke_consent,
)
from vault.errors import Conflict, InputError, NotFound
from vault.lookup import of_person
from vault.model.actors import Person
from vault.model.catalogue import CertificateType
from vault.model.consent import DAYS_MAX, USES_MAX
from vault.model.face import HOLDERS, NUMBER
from vault.model.legal_time import legal_day

router = APIRouter()

PAGE_SIZE = 20
# As long as most matters take; whoever needs longer says so.
USUAL_DAYS = 30
_ID_MAX = 2**128 - 1
_PART, _GRANT, _CHANGE = "part", "grant", "change"
_PLACES: Mapping[str, tuple[str, str]] = {
    "organisation": ("organisation", "consent.wrong.organisation"),
    "types": ("types", "consent.wrong.types"),
    "fields": ("fields", "consent.wrong.fields"),
    "service_item": ("service_item", "consent.wrong.service_item"),
    "purpose": ("purpose", "consent.wrong.purpose"),
    "valid_from": ("valid_to", "consent.wrong.valid_to"),
    "valid_to": ("valid_to", "consent.wrong.valid_to"),
    "uses": ("uses", "consent.wrong.uses"),
}


@router.get("/my/consents")
def consents_page(request: Request, edge: EdgeHere, visit: VisitHere, before: str = "") -> Response:
    """What the holder consents to, and who waits for an answer."""
    person, at = visit
    start = id_in(before) if before else None
    found = consents_of(edge.workshop, person, before=start, limit=PAGE_SIZE, at=at)
    shelf = edge.workshop.shelf
    page = consents_json(found, shelf.types(at), shelf.items(at), on=legal_day(at))
    waiting = askers_for(edge.workshop, person, at=at).waiting if start is None else ()
    return pages_of(request).render(
        request,
        "my/consents.html",
        person=person,
        consents=[_told(edge, each, at) for each in page["consents"]],
        next=page["next"],
        first=start is None,
        waiting=waiting,
        items=shelf.items(at),
        done=request.query_params.get("done"),
    )


@router.get("/my/consents/new")
def new_consent_page(request: Request, edge: EdgeHere, visit: VisitHere, access: str = "") -> Response:
    """The form, empty or for somebody who asked in vain (`access`)."""
    person, at = visit
    asked = next(
        (each for each in askers_for(edge.workshop, person, at=at).waiting if each.access == access), None
    )
    values: dict[str, Any] = {
        "organisation": "" if asked is None else asked.organisation,
        "types": [],
        "what": "whole",
        "fields": [],
        "purpose": "" if asked is None else asked.purpose or "",
        "service_item": "" if asked is None else asked.service_item or "",
        "valid_to": (legal_day(at) + timedelta(days=USUAL_DAYS)).isoformat(),
        "uses": "1",
    }
    return _form(request, edge, person, values, Wrong(), at)


@router.post("/my/consents")
def give_consent(request: Request, edge: EdgeHere, form: Posted, visit: VisitHere) -> Response:
    """Checks what was filled in and says in words what it means; with `step` grant, grants it.

    Sent twice, it is the same consent.
    """
    person, at = visit
    values, step = _values(form), typed(form, "step")
    if step == _CHANGE:
        return _form(request, edge, person, values, Wrong(), at)
    try:
        asked = read_consent(edge.workshop.shelf, _request_of(values), at=at)
        if step == _GRANT:
            grant_consent(edge.workshop, person, asked, at=at)
            return to("/my/consents", "granted")
    except InputError as error:
        return _form(request, edge, person, values, wrong_with(error, _PLACES), at)
    except Conflict:
        return _form(request, edge, person, values, Wrong({"organisation": "consent.wrong.too_many"}), at)
    known = askers_for(edge.workshop, person, at=at).known
    types, items = edge.workshop.shelf.types(at), edge.workshop.shelf.items(at)
    item = None if asked.service_item is None else items.get(asked.service_item)
    told = {
        "organisation": asked.organisation,
        "organisation_name": known.get(asked.organisation),
        "types": [{"type": code, "type_name": types[code].name} for code in sorted(asked.types)],
        "fields": None if asked.fields is None else sorted(asked.fields),
        "service_item": asked.service_item,
        "service_item_name": None if item is None else item.name,
        "purpose": asked.purpose,
        "valid_from": asked.period.first.isoformat(),
        "valid_to": asked.period.last.isoformat(),
        "uses": asked.uses,
    }
    return pages_of(request).render(
        request, "my/consent_check.html", person=person, consent=_told(edge, told, at), values=values
    )


@router.get("/my/consents/{consent_id}/end")
def end_consent_page(consent_id: str, request: Request, edge: EdgeHere, visit: VisitHere) -> Response:
    """Whether it is really to be taken back."""
    person, at = visit
    found = _own(edge, person, id_in(consent_id), at)
    return pages_of(request).render(
        request, "my/consent_end.html", person=person, consent=_told(edge, found, at)
    )


@router.post("/my/consents/{consent_id}/end", dependencies=[OWN_FORM])
def end_consent(consent_id: str, edge: EdgeHere, visit: VisitHere) -> Response:
    """Takes it back. Sent twice, it is taken back once."""
    person, at = visit
    revoke_consent(edge.workshop, person, id_in(consent_id), at=at)
    return to("/my/consents", "revoked")


def _own(edge: Edge, person: Person, consent_id: UUID, at: datetime) -> Mapping[str, Any]:
    """A consent of theirs: the one after the next newer one, so that it is looked for by its place.

    Raises:
        NotFound: they gave no such consent.
    """
    shelf = edge.workshop.shelf
    after = UUID(int=min(consent_id.int + 1, _ID_MAX))  # ids are in the order of their time
    page = consents_of(edge.workshop, person, before=after, limit=1, at=at)
    shown = [consent_json(f, shelf.types(at), shelf.items(at), on=legal_day(at)) for f in page.files]
    found = first_of(shown, "consent_id", str(consent_id))
    if found is None:
        raise NotFound("There is no such consent of yours.")
    return found


def _form(
    request: Request, edge: Edge, person: Person, values: Mapping[str, Any], wrong: Wrong, at: datetime
) -> Response:
    """The form with what was typed, and what is wrong with it."""
    types, items = edge.workshop.shelf.types(at), edge.workshop.shelf.items(at)
    held = dict.fromkeys(each.type_code for each in of_person(edge.workshop, person, at=at))
    kinds = [types[code] for code in dict.fromkeys([*held, *values["types"]]) if code in types]
    today = legal_day(at)
    return pages_of(request).render(
        request,
        "my/consent_new.html",
        person=person,
        status=422 if wrong else 200,
        values=values,
        wrong=wrong.fields,
        kinds=kinds,
        face=_faces(kinds),
        items=sorted(items.values(), key=lambda item: item.code),
        known=askers_for(edge.workshop, person, at=at).known,
        first_day=today.isoformat(),
        last_day=(today + timedelta(days=DAYS_MAX - 1)).isoformat(),
        days_max=DAYS_MAX,
        uses_max=USES_MAX,
    )


def _faces(kinds: list[CertificateType]) -> list[dict[str, str]]:
    """What can be chosen of the faces of these types, each once."""
    found = {f.key: {"key": f.key, "zh": f.label, "en": f.label_en} for kind in kinds for f in kind.face}
    return list(found.values())


def _values(form: FormData) -> dict[str, Any]:
    names = ("organisation", "what", "purpose", "service_item", "valid_to", "uses")
    return {
        **{name: typed(form, name) for name in names},
        "types": ticked(form, "types"),
        "fields": ticked(form, "fields"),
    }


def _request_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was filled in as the contract has it. Uses that are no number are none, which is refused."""
    uses = values["uses"]
    return {
        "organisation": values["organisation"],
        "types": list(dict.fromkeys(values["types"])),
        "fields": list(dict.fromkeys(values["fields"])) if values["what"] == _PART else None,
        "service_item": values["service_item"] or None,
        "purpose": values["purpose"] or None,
        "valid_from": None,
        "valid_to": values["valid_to"],
        "uses": int(uses) if uses.isascii() and uses.isdigit() else 0,
    }


def _told(edge: Edge, consent: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """A consent with the names of its fields, and the days that it has left."""
    types = edge.workshop.shelf.types(at)
    kinds = [types[each["type"]] for each in consent["types"] if each["type"] in types]
    labels = {each["key"]: each for each in _faces(kinds)}
    fields = consent["fields"] or []
    days_left = (date.fromisoformat(consent["valid_to"]) - legal_day(at)).days
    return {
        **consent,
        "named": [labels[key] for key in fields if key in labels],
        "with_number": NUMBER in fields,
        "with_holders": HOLDERS in fields,
        "days_left": days_left,
    }
