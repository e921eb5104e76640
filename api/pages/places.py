"""The ways in the head of every page: to what this person may open."""

from dataclasses import dataclass

from vault.model.actors import Person, Role

_OPERATORS = frozenset({Role.OPERATOR, Role.SEAL_CUSTODIAN, Role.AUDITOR})


@dataclass(frozen=True, slots=True)
class Place:
    """A part of the pages. `path`: its first page; what lies below belongs to it. `text`: its name's key."""

    path: str
    text: str

    def holds(self, path: str) -> bool:
        """Whether a page is of this part."""
        if self.path == "/":
            return path in {"/", "/v"}
        return path == self.path or path.startswith(f"{self.path}/")


VERIFY = Place("/", "site.verify")
MY = Place("/my", "site.my")
DESK = Place("/desk", "desk.title")
CONSOLE = Place("/console", "console.title")


def places_of(person: Person | None) -> tuple[Place, ...]:
    """Where this person may go; whoever is not signed in is shown the doors of citizens and of clerks.

    A way that is not shown is no right withheld: each page asks the rules by itself.
    """
    if person is None:
        return VERIFY, MY, DESK
    open_to = ((MY, {Role.HOLDER}), (DESK, {Role.CLERK}), (CONSOLE, _OPERATORS))
    return VERIFY, *(place for place, roles in open_to if person.roles & roles)
