"""Who comes to a page of the holder's, and the forms that they send."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from api.auth import refuse_cross_origin
from api.deps import EdgeHere, now
from api.pages.rendering import pages_of
from api.pages.signed_in import TurnedAway, person_at, to_sign_in
from vault.errors import InputError, NotFound
from vault.model.access import Action, refusal
from vault.model.actors import Person

# Every type and field that somebody could tick, and the few fields beside them.
FORM_FIELDS_MAX = 300
# Longer than anything that is typed in good faith; the flows' own sentences answer first.
TYPED_MAX_CHARS = 4_000


async def _posted(request: Request) -> FormData:
    """What a form sent. Another site's form is refused before it is read."""
    refuse_cross_origin(request.headers)
    async with request.form(max_files=0, max_fields=FORM_FIELDS_MAX) as form:
        return form


async def _same_origin(request: Request) -> None:
    refuse_cross_origin(request.headers)


Posted = Annotated[FormData, Depends(_posted)]
OWN_FORM = Depends(_same_origin)


class Visit(NamedTuple):
    """The holder who is signed in, and when their request came."""

    person: Person
    at: datetime


def _visit(request: Request, edge: EdgeHere) -> Visit:
    """Who comes, if these pages are theirs.

    Raises:
        TurnedAway: nobody is signed in, or somebody who holds nothing.
        Unavailable: the database does not answer.
    """
    at = now()
    person = person_at(request, edge, at)
    if person is None:
        raise TurnedAway(to_sign_in(request))
    if refusal(person, Action.LIST_CONSENTS) is not None:
        told = pages_of(request).render(request, "my/not_a_holder.html", status=403, person=person)
        raise TurnedAway(told)
    return Visit(person, at)


# Behind a form among a route's parameters: another site's form is refused before anybody is looked up.
VisitHere = Annotated[Visit, Depends(_visit)]


def to(path: str, done: str | None = None) -> RedirectResponse:
    """On to another page. `done`: what it says has happened, by the name of a text."""
    return RedirectResponse(path if done is None else f"{path}?done={done}", 303)


def id_in(text: str) -> UUID:
    """The id in an address.

    Raises:
        NotFound: it is none.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is no such page.") from None


def typed(form: FormData, name: str) -> str:
    """What was typed into a field, without blanks around it."""
    value = form.get(name)
    return value[:TYPED_MAX_CHARS].strip() if isinstance(value, str) else ""


def ticked(form: FormData, name: str) -> list[str]:
    """What was ticked under a name."""
    return [value[:TYPED_MAX_CHARS] for value in form.getlist(name) if isinstance(value, str)]


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a form: by field the name of a text, for the summary and beside the field."""

    fields: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.fields)


def wrong_with(error: InputError, places: Mapping[str, tuple[str, str]]) -> Wrong:
    """The problems of a flow at the fields of a form.

    `places`: by the first part of a pointer the field's name, and the text that says what is expected there.
    """
    heads = [problem.pointer.lstrip("/").split("/")[0] for problem in error.problems]
    return Wrong(dict(places[head] for head in dict.fromkeys(heads)))


def first_of(items: Sequence[Mapping[str, object]], key: str, value: str) -> Mapping[str, object] | None:
    """The first of these with this value under a key."""
    return next((item for item in items if item[key] == value), None)
