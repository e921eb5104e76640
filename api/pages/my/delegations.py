"""Delegations (委托): given, received, ended; and acting for somebody."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from api.deps import EdgeHere
from api.edge import Edge
from api.pages.my.certificates import card
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
from vault.delegations import (
    delegations_json,
    delegations_of,
    end_delegation,
    grant_delegation,
    read_delegation,
)
from vault.errors import Conflict, InputError, NotFound
from vault.lookup import of_delegator, of_person
from vault.model.actors import Person
from vault.model.catalogue import HolderKind
from vault.model.delegation import DAYS_MAX, DelegatedAction
from vault.model.holders import HOLDER_CODE_TYPES
from vault.model.legal_time import legal_day

router = APIRouter()

USUAL_DAYS = 30
_CITIZEN = "111"
_GRANT, _CHANGE = "grant", "change"
_PERSONS = [row for row in HOLDER_CODE_TYPES.values() if row.kind is HolderKind.PERSON]
_PLACES: Mapping[str, tuple[str, str]] = {
    "delegate": ("code", "delegation.wrong.code"),
    "types": ("types", "delegation.wrong.types"),
    "actions": ("actions", "delegation.wrong.actions"),
    "valid_from": ("valid_to", "delegation.wrong.valid_to"),
    "valid_to": ("valid_to", "delegation.wrong.valid_to"),
}


@router.get("/my/delegations")
def delegations_page(request: Request, edge: EdgeHere, visit: VisitHere) -> Response:
    """What the holder delegates, with what was done under it, and what is delegated to them."""
    person, at = visit
    found = _all(edge, person, at)
    done = request.query_params.get("done")
    return pages_of(request).render(request, "my/delegations.html", person=person, **found, done=done)


@router.get("/my/delegations/new")
def new_delegation_page(request: Request, edge: EdgeHere, visit: VisitHere) -> Response:
    """The empty form."""
    person, at = visit
    values = {
        "code_type": _CITIZEN,
        "code": "",
        "types": [],
        "actions": [],
        "valid_to": (legal_day(at) + timedelta(days=USUAL_DAYS)).isoformat(),
    }
    return _form(request, edge, person, values, Wrong(), at)


@router.post("/my/delegations")
def give_delegation(request: Request, edge: EdgeHere, form: Posted, visit: VisitHere) -> Response:
    """Checks what was filled in and says in words what it means; with `step` grant, delegates it.

    Sent twice, it is the same delegation.
    """
    person, at = visit
    values, step = _values(form), typed(form, "step")
    if step == _CHANGE:
        return _form(request, edge, person, values, Wrong(), at)
    body = {
        "delegate": {"code_type": values["code_type"], "code": values["code"]},
        "types": list(dict.fromkeys(values["types"])),
        "actions": list(dict.fromkeys(values["actions"])),
        "valid_from": None,
        "valid_to": values["valid_to"],
    }
    try:
        asked = read_delegation(edge.workshop.shelf, person.code, body, at=at)
        if step == _GRANT:
            grant_delegation(edge.workshop, person, asked, at=at)
            return to("/my/delegations", "delegated")
    except InputError as error:
        wrong = _more_exact(wrong_with(error, _PLACES), values, person)
        return _form(request, edge, person, values, wrong, at)
    except Conflict:
        return _form(request, edge, person, values, Wrong({"code": "delegation.wrong.too_many"}), at)
    types = edge.workshop.shelf.types(at)
    return pages_of(request).render(
        request,
        "my/delegation_check.html",
        person=person,
        values=values,
        kinds=[types[code] for code in sorted(asked.types)],
        code_type=HOLDER_CODE_TYPES[asked.delegate.code_type],
        code=asked.delegate.value,
        actions=sorted(action.value for action in asked.actions),
        valid_from=asked.period.first.isoformat(),
        valid_to=asked.period.last.isoformat(),
    )


@router.get("/my/delegations/{delegation_id}")
def on_behalf_page(delegation_id: str, request: Request, edge: EdgeHere, visit: VisitHere) -> Response:
    """What somebody delegated to the signed-in person, to be downloaded or shown for them."""
    person, at = visit
    delegation, held = of_delegator(edge.workshop, person, id_in(delegation_id), at=at)
    under = delegation.delegation_id
    return pages_of(request).render(
        request,
        "my/on_behalf.html",
        person=person,
        delegation=delegation,
        cards=[card(edge, each, at, delegation_id=under) for each in held],
        may_download=DelegatedAction.DOWNLOAD in delegation.actions,
        may_show=DelegatedAction.PRESENT in delegation.actions,
    )


@router.get("/my/delegations/{delegation_id}/end")
def end_delegation_page(delegation_id: str, request: Request, edge: EdgeHere, visit: VisitHere) -> Response:
    """Whether it is really to end."""
    person, at = visit
    found, wanted = _all(edge, person, at), str(id_in(delegation_id))
    given = first_of(found["given"], "delegation_id", wanted)
    one = given or first_of(found["received"], "delegation_id", wanted)
    if one is None:
        raise NotFound("There is no such delegation of yours.")
    return pages_of(request).render(
        request, "my/delegation_end.html", person=person, d=one, given=given is not None
    )


@router.post("/my/delegations/{delegation_id}/end", dependencies=[OWN_FORM])
def end_it(delegation_id: str, edge: EdgeHere, visit: VisitHere) -> Response:
    """Ends it, for whoever gave it or received it. Sent twice, it ends once."""
    person, at = visit
    end_delegation(edge.workshop, person, id_in(delegation_id), at=at)
    return to("/my/delegations", "ended")


def _all(edge: Edge, person: Person, at: datetime) -> dict[str, Any]:
    found = delegations_of(edge.workshop, person, at=at)
    return delegations_json(found, edge.workshop.shelf.types(at), on=legal_day(at))


def _more_exact(wrong: Wrong, values: Mapping[str, Any], person: Person) -> Wrong:
    """Whoever named themselves is told so."""
    mine = person.code is not None and person.code.value == values["code"].upper()
    if mine and "code" in wrong.fields:
        return Wrong({**wrong.fields, "code": "delegation.wrong.own_code"})
    return wrong


def _form(
    request: Request, edge: Edge, person: Person, values: Mapping[str, Any], wrong: Wrong, at: datetime
) -> Response:
    """The form with what was typed, and what is wrong with it."""
    types = edge.workshop.shelf.types(at)
    held = dict.fromkeys(each.type_code for each in of_person(edge.workshop, person, at=at))
    today = legal_day(at)
    return pages_of(request).render(
        request,
        "my/delegation_new.html",
        person=person,
        status=422 if wrong else 200,
        values=values,
        wrong=wrong.fields,
        kinds=[types[code] for code in dict.fromkeys([*held, *values["types"]]) if code in types],
        code_types=_PERSONS,
        first_day=today.isoformat(),
        last_day=(today + timedelta(days=DAYS_MAX - 1)).isoformat(),
        days_max=DAYS_MAX,
    )


def _values(form: FormData) -> dict[str, Any]:
    return {
        **{name: typed(form, name) for name in ("code_type", "code", "valid_to")},
        "types": ticked(form, "types"),
        "actions": ticked(form, "actions"),
    }
