"""Checks and backups: when they last ran and what came of them; and long work that is under way."""

from dataclasses import dataclass
from datetime import timedelta

from storage.key_state import current_state
from storage.operation_runs import RunsOfKind, newest_runs
from storage.walks import backfill_states, term_walk_state
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.scope import VAULT
from vault.workshop import Workshop

# A run says every five seconds how far it is; a page of a large vault may take it a minute.
BROKEN_OFF_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Walk:
    """Long work in the background, which goes on where it was. `done`: things so far, None: not counted."""

    name: str
    done: int | None


@dataclass(frozen=True, slots=True)
class UpkeepPanel:
    """`walks`: those that have not come to their end."""

    runs: tuple[RunsOfKind, ...]
    walks: tuple[Walk, ...]


def upkeep_panel(workshop: Workshop, person: Person) -> UpkeepPanel:
    """How every kind of run stands: four statements.

    Raises:
        NotPermitted: it is not theirs to see.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.SEE_OPERATIONS)
    with workshop.database.reading(VAULT) as db:
        runs = newest_runs(db)
        walks = [Walk(f"feed-{name}", copied) for name, copied in backfill_states(db)]
        walks += [] if term_walk_state(db) else [Walk("terms", None)]
        walks += [Walk("keys", None)] if current_state(db).rotating else []
    return UpkeepPanel(runs, tuple(walks))
