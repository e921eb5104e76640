"""Who sits at the desk, and what their forms hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse

from api.auth import refuse_cross_origin
from api.deps import EdgeHere, now
from api.edge import Edge
from api.pages.rendering import pages_of
from api.pages.signed_in import TurnedAway, person_at
from vault.model.access import Action, refusal
from vault.model.actors import Person
from vault.workshop import Workshop

HOME = "/desk"
# A browser sends every field of a form, also the empty ones; the longest form has twelve.
FIELDS_MAX = 20
_TO_SIGN_IN = f"/signin?to={HOME}"


@dataclass(frozen=True, slots=True)
class Sitting:
    """A clerk at the desk, and the request that they sent."""

    request: Request
    edge: Edge
    person: Person
    at: datetime

    @property
    def workshop(self) -> Workshop:
        """What the flows work with."""
        return self.edge.workshop


@dataclass(frozen=True, slots=True)
class Sent:
    """A form that was sent. `file`: what came in its one file field, None where it has none."""

    fields: Mapping[str, str]
    file: bytes | None = None

    def text(self, name: str) -> str:
        """A field, empty where it was not sent."""
        return self.fields.get(name, "")

    def uuid(self, name: str) -> UUID | None:
        """A field that names something; None where it names nothing."""
        try:
            return UUID(self.fields.get(name, ""))
        except ValueError:
            return None


async def _sent(request: Request) -> Sent:
    """The form of a request from our own page.

    Raises:
        NotPermitted: another site made the browser send this.
    """
    refuse_cross_origin(request.headers)
    async with request.form(max_files=1, max_fields=FIELDS_MAX) as form:
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        file = next((value for value in form.values() if isinstance(value, UploadFile)), None)
        return Sent(fields, None if file is None else await file.read())


def _seated(request: Request, edge: EdgeHere) -> Sitting:
    """The clerk at the desk.

    Raises:
        TurnedAway: nobody is signed in, or somebody who is no clerk.
        Unavailable: the database does not answer.
    """
    at = now()
    person = person_at(request, edge, at)
    if person is None:
        raise TurnedAway(RedirectResponse(_TO_SIGN_IN, 303))
    if refusal(person, Action.WORK_AT_DESK) is not None:
        told = pages_of(request).render(request, "desk/not_yours.html", status=403, person=person, here=HOME)
        raise TurnedAway(told)
    return Sitting(request, edge, person, at)


FormHere = Annotated[Sent, Depends(_sent)]
# After the form: another site's is refused before anybody is looked up.
SeatHere = Annotated[Sitting, Depends(_seated)]
