"""Cases that were begun and may not close: reserved, and never committed."""

from dataclasses import dataclass
from datetime import datetime

from storage.inspection import open_cases
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.scope import VAULT
from vault.workshop import Workshop

SHOWN_MAX = 50
COUNTED_MAX = 10_000
# Of a case number its end is shown: enough to find it in the approval system beside client and time.
NUMBER_SHOWN_CHARS = 4


@dataclass(frozen=True, slots=True)
class OpenCase:
    """`number`: masked but for its end; `certvault reconcile` prints the whole."""

    number: str
    client_id: str
    reserved_at: datetime


@dataclass(frozen=True, slots=True)
class CasesPanel:
    """The oldest open cases, and how many there are, counted no further than `COUNTED_MAX`."""

    oldest: tuple[OpenCase, ...]
    count: int


def cases_panel(workshop: Workshop, person: Person) -> CasesPanel:
    """The cases that may not close: two statements over an index that has no other rows.

    Raises:
        NotPermitted: it is not theirs to see.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.SEE_OPERATIONS)
    with workshop.database.reading(VAULT) as db:
        oldest, count = open_cases(db, shown=SHOWN_MAX, counted=COUNTED_MAX)
    return CasesPanel(
        tuple(OpenCase(masked(each.case_number), each.client_id, each.reserved_at) for each in oldest), count
    )


def masked(number: str) -> str:
    """A number with dots but for its end; one that is short shows half of it at most."""
    shown = min(NUMBER_SHOWN_CHARS, len(number) // 2)
    return "••••" + number[len(number) - shown :]
