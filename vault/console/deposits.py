"""Deposits and what became of them, and the queue of jobs behind them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from storage.deposit_tallies import Refusals, Span, SpanCount, counts_since, refusals_since
from storage.queue_state import QueueState, queue_state
from vault.deposit_tally import WELL
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.scope import VAULT
from vault.workshop import Workshop

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
MINUTE = timedelta(minutes=1)
FEW_MINUTES = timedelta(minutes=5)
# Counting more of a backlog than this tells an operator nothing.
QUEUE_COUNTED_MAX = 10_000
# A worker gives a sign of life every ten seconds.
WORKER_SILENT_AFTER = timedelta(seconds=40)
# The queue keeps what it gave up for good: after a week somebody has seen it, and it is there to be counted.
GIVEN_UP_IS_NEWS = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many deposits went well in a time, and how many did not."""

    over: timedelta
    well: int
    refused: int


@dataclass(frozen=True, slots=True)
class DepositsPanel:
    """`minutes`: sixty, `hours`: a week of them, the oldest first, none left out. `refusals`: of a day.

    `refused_lately`: of the last hour, by minutes.
    """

    rates: tuple[Rate, ...]
    minutes: tuple[SpanCount, ...]
    hours: tuple[SpanCount, ...]
    refusals: tuple[Refusals, ...]
    refused_lately: tuple[Refusals, ...]
    queue: QueueState


def deposits_panel(workshop: Workshop, person: Person, *, at: datetime) -> DepositsPanel:
    """How deposits go: seven statements.

    Raises:
        NotPermitted: it is not theirs to see.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.SEE_OPERATIONS)
    minute = at.replace(second=0, microsecond=0)
    hour = minute.replace(minute=0)
    first_minute, first_hour = minute - HOUR + MINUTE, hour - WEEK + HOUR
    with workshop.database.reading(VAULT) as db:
        counts = counts_since(db, well=WELL, minutes_from=first_minute, hours_from=first_hour)
        refusals = refusals_since(db, well=WELL, span=Span.HOUR, since=hour - DAY + HOUR)
        lately = refusals_since(db, well=WELL, span=Span.MINUTE, since=first_minute)
        queue = queue_state(
            db,
            at=at,
            alive_since=at - WORKER_SILENT_AFTER,
            failed_since=at - GIVEN_UP_IS_NEWS,
            counted_max=QUEUE_COUNTED_MAX,
        )
    precise = {(each.client_id, each.outcome): each.last_at for each in lately}
    refusals = tuple(
        replace(each, last_at=precise.get((each.client_id, each.outcome), each.last_at)) for each in refusals
    )
    minutes = _every(Span.MINUTE, counts, first_minute, MINUTE, HOUR // MINUTE)
    hours = _every(Span.HOUR, counts, first_hour, HOUR, WEEK // HOUR)
    rates = (
        _rate(FEW_MINUTES, minutes[-(FEW_MINUTES // MINUTE) :]),
        _rate(HOUR, minutes),
        _rate(DAY, hours[-(DAY // HOUR) :]),
        _rate(WEEK, hours),
    )
    return DepositsPanel(rates, minutes, hours, refusals, lately, queue)


def _every(
    span: Span, counts: tuple[SpanCount, ...], first: datetime, step: timedelta, many: int
) -> tuple[SpanCount, ...]:
    found = {each.starts_at: each for each in counts if each.span is span}
    times = (first + n * step for n in range(many))
    return tuple(found.get(time) or SpanCount(span, time, 0, 0) for time in times)


def _rate(over: timedelta, counts: tuple[SpanCount, ...]) -> Rate:
    return Rate(over, sum(each.well for each in counts), sum(each.refused for each in counts))
