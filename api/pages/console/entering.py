"""Who comes to the console, and what its pages have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.deps import now
from api.edge import Edge
from api.pages.console.wording import Wording
from api.pages.rendering import language_of, pages_of
from api.pages.signed_in import person_at, to_sign_in
from api.pages.texts import text
from vault.errors import NotPermitted
from vault.model.access import Action, refusal
from vault.model.actors import Person

PARTS = ("deposits", "cases", "seals", "log", "upkeep", "clients", "catalogue", "avoided", "imports")
"""In the order of the tabs; the first is the console's own page."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at one page of the console. `at`: the time that everything on it is of."""

    request: Request
    edge: Edge
    person: Person
    at: datetime

    def render(
        self,
        template: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        **values: Any,  # noqa: ANN401 - whatever the template shows
    ) -> Response:
        """A page of the console in its frame: the tabs, and the words for times."""
        language = language_of(self.request)
        return pages_of(self.request).render(
            self.request,
            f"console/{template}",
            status=status,
            headers=headers,
            person=self.person,
            tabs_shown=[
                (path_of(part), text(f"console.part.{part}", language)) for part in parts_of(self.person)
            ],
            say=Wording(language, self.at),
            as_of=self.at,
            **values,
        )


def path_of(part: str) -> str:
    """Where a part of the console is."""
    return "/console" if part == PARTS[0] else f"/console/{part}"


def parts_of(person: Person) -> tuple[str, ...]:
    """The parts that this person may open."""
    if refusal(person, Action.SEE_OPERATIONS) is None:
        return PARTS
    return ("seals",) if refusal(person, Action.SEE_SEALS) is None else ()


def entered(request: Request, edge: Edge, show: Callable[[Visit], Response]) -> Response:
    """What `show` makes of the visit. Strangers sign in first; others hear whom the page is for (403)."""
    at = now()
    person = person_at(request, edge, at)
    if person is None:
        return to_sign_in(request)
    visit = Visit(request, edge, person, at)
    try:
        return show(visit)
    except NotPermitted:
        return visit.render("refused.html", status=403)
