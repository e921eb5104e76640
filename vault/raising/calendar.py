"""What is due, when, and what failed: for operators."""

from dataclasses import dataclass
from datetime import datetime

from storage.seal_terms import (
    Failure,
    Month,
    Untimed,
    by_month,
    failures,
    given_up,
    overdue,
    retry_given_up,
    untimed,
)
from vault.model.certificate import SealLevel
from vault.model.scope import VAULT
from vault.outage import is_over
from vault.raising.flow import BACKOFF_MAX
from vault.workshop import Workshop

# Counting more of a backlog than this tells an operator nothing.
COUNTED_MAX = 100_000
RETRIED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Calendar:
    """What comes due before a day, by month; `target` None: nothing is raised here."""

    target: SealLevel | None
    months: tuple[Month, ...]
    failures: tuple[Failure, ...]
    untimed: Untimed


@dataclass(frozen=True, slots=True)
class SealHealth:
    """`late`: files that should have been looked at for more than the longest wait between two tries."""

    untimed: Untimed
    over_budget: bool
    late: int
    given_up: int


def calendar_of(workshop: Workshop, *, due_before: datetime) -> Calendar:
    """What comes due before a time, and why what was tried was not raised.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(VAULT) as db:
        return Calendar(
            workshop.long_term.target,
            by_month(db, due_before),
            failures(db, COUNTED_MAX),
            untimed(db, COUNTED_MAX),
        )


def seal_health(workshop: Workshop, *, at: datetime) -> SealHealth:
    """How the calendar stands now, counted no further than tells something.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(VAULT) as db:
        waiting = untimed(db, COUNTED_MAX)
        raises = workshop.long_term.target is not None
        return SealHealth(
            waiting,
            raises and is_over(workshop, waiting, at=at),
            overdue(db, at - BACKOFF_MAX, COUNTED_MAX) if raises else 0,
            given_up(db, COUNTED_MAX),
        )


def retry_failed(workshop: Workshop, *, at: datetime) -> int:
    """Lets the worker try again what was given up; how many files that are.

    Raises:
        Unavailable: the database does not answer.
    """
    retried = 0
    while True:
        with workshop.database.writing(VAULT) as db:
            some = retry_given_up(db, at, RETRIED_AT_ONCE)
        retried += some
        if some < RETRIED_AT_ONCE:
            return retried
