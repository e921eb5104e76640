"""Imports of a stock: how far each run is, by whom, and what came of it."""

from dataclasses import dataclass
from datetime import datetime

from vault.importing import runs
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.imports import ImportRun
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class ImportsPanel:
    """The newest runs first."""

    runs: tuple[ImportRun, ...]


def imports_panel(workshop: Workshop, person: Person, *, at: datetime) -> ImportsPanel:
    """The newest imports of everybody.

    Raises:
        NotPermitted: it is not theirs to see.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.SEE_OPERATIONS)
    return ImportsPanel(runs(workshop, at=at))
