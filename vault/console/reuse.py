"""Resubmissions avoided, added up for charts: by month, by service item, by authority."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from vault.avoided import AvoidedTally
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.legal_time import legal_day
from vault.workshop import Workshop

MONTHS_SHOWN = 12
# More bars than this nobody compares; the command prints all.
LINES_SHOWN = 12


@dataclass(frozen=True, slots=True)
class AvoidedPanel:
    """`months`: the last twelve, the oldest first; `items` and `authorities`: of all time, the most first."""

    total: int
    months: tuple[tuple[str, int], ...]
    items: tuple[tuple[str, int], ...]
    authorities: tuple[tuple[str, int], ...]


def avoided_panel(workshop: Workshop, person: Person, tally: AvoidedTally, *, at: datetime) -> AvoidedPanel:
    """The counts as this process last read them, a minute ago at most, under the catalogue's names.

    Raises:
        NotPermitted: it is not theirs to see.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.SEE_OPERATIONS)
    counts = tally.counts(workshop.database, at)
    items = workshop.shelf.items(at)
    names = {item.authority.code: item.authority.name for item in items.values()}
    by_month = _added((each.month, each.count) for each in counts)
    by_item = _added(
        (items[each.service_item].name if each.service_item in items else each.service_item, each.count)
        for each in counts
    )
    by_authority = _added((names.get(each.authority, each.authority), each.count) for each in counts)
    return AvoidedPanel(
        sum(each.count for each in counts),
        tuple((month, by_month[month]) for month in _months(legal_day(at))),
        tuple(by_item.most_common(LINES_SHOWN)),
        tuple(by_authority.most_common(LINES_SHOWN)),
    )


def _months(today: date) -> tuple[str, ...]:
    """This month and those before it, the oldest first, also those without any."""
    last = today.year * 12 + today.month - 1
    return tuple(f"{n // 12}-{n % 12 + 1:02}" for n in range(last - MONTHS_SHOWN + 1, last + 1))


def _added(counted: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, count in counted:
        found[name] += count
    return found
