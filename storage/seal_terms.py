"""When each sealed file is to be raised or renewed, and whose turn it is to do it.

A claim is a lease: the row's next time is moved on, in a transaction of its own, and what is then done about
it names the claim. So many workers share the work without holding a row while they wait for an authority, and
what one of them leaves behind when it dies is taken up by another after the lease.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, Update, cast, func, select, update

from storage.db import ReadConnection, WriteConnection
from storage.tables import seal_terms
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import SealLevel
from vault.model.long_term import TermState

TRIES_COUNTED_MAX = 1_000  # a column of 16 bits; after some hours of an outage more of them tell nothing
FAILURE_MAX_CHARS = 300
_MOVING = (TermState.WAITING.value, TermState.RESTING.value)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A sealed file that this worker looks at until `until`; what it says is from before the claim.

    `number`: of its newest rendition, 0 as deposited. `tries`: this one counted. `failed_tries`: those before
    it that failed for another reason than that somebody did not answer.
    """

    certificate_id: UUID
    format: DocumentFormat
    level: SealLevel
    number: int
    state: TermState
    tries: int
    failed_tries: int
    until: datetime


@dataclass(frozen=True, slots=True)
class NextTerm:
    """What comes of a claim: where the file stands from now on. `failure`: what gained nothing."""

    level: SealLevel
    number: int
    state: TermState
    due_at: datetime
    lasts_until: datetime | None
    algorithms: tuple[str, ...] | None
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class Untimed:
    """Files that wait for a first time-stamp: since when the oldest does, and how many, counted so far."""

    since: datetime | None
    count: int


def claim_terms(db: WriteConnection, *, at: datetime, until: datetime, rows: int) -> tuple[Claimed, ...]:
    """Takes the next files whose time has come, none of which another worker has at this moment."""
    due = (
        select(
            seal_terms.c.certificate_id,
            seal_terms.c.format,
            seal_terms.c.state,
        )
        .where(
            seal_terms.c.due_at <= at,
            seal_terms.c.state.in_(_MOVING),
        )
        .order_by(seal_terms.c.due_at)
        .limit(rows)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(seal_terms)
        .where(
            seal_terms.c.certificate_id == due.c.certificate_id,
            seal_terms.c.format == due.c.format,
        )
        .values(due_at=until, tries=func.least(seal_terms.c.tries + 1, TRIES_COUNTED_MAX))
        .returning(
            seal_terms.c.certificate_id,
            seal_terms.c.format,
            seal_terms.c.level,
            seal_terms.c.number,
            due.c.state,
            seal_terms.c.tries,
            func.coalesce(seal_terms.c.failed_tries, 0).label("failed_tries"),
        )
    )
    return tuple(
        Claimed(
            row.certificate_id,
            DocumentFormat(row.format),
            SealLevel(row.level),
            row.number,
            TermState(row.state),
            row.tries,
            row.failed_tries,
            until,
        )
        for row in db.execute(statement)
    )


def settle(db: WriteConnection, claimed: Claimed, next_: NextTerm) -> bool:
    """Ends a claim well; False where it is no longer this worker's: another one has done the work."""
    values: dict[str, object] = {
        "level": next_.level.value,
        "number": next_.number,
        "state": next_.state.value,
        "due_at": next_.due_at,
        "lasts_until": next_.lasts_until,
        "algorithms": None if next_.algorithms is None else list(next_.algorithms),
        "tries": 0,
        "failed_tries": None,
        "failure": next_.failure,
    }
    if next_.level is not SealLevel.B_B or next_.state is TermState.ENDED:
        values["untimed_since"] = None
    return db.execute(_still_claimed(claimed).values(values)).rowcount == 1


def put_off(
    db: WriteConnection, claimed: Claimed, *, until: datetime, why: str, failed_tries: int, given_up: bool
) -> bool:
    """Ends a claim for now: the file is looked at again, or by an operator where it is `given_up`."""
    state = TermState.FAILED if given_up else claimed.state
    statement = _still_claimed(claimed).values(
        state=state.value, due_at=until, failure=why[:FAILURE_MAX_CHARS], failed_tries=failed_tries
    )
    return db.execute(statement).rowcount == 1


def untimed(db: ReadConnection, at_most: int) -> Untimed:
    """What waits for its first time-stamp; counted no further than `at_most`.

    What was given up no longer waits for the authority: `given_up` counts it, and an operator has to look.
    """
    waiting = select(seal_terms.c.untimed_since).where(
        seal_terms.c.untimed_since.is_not(None), seal_terms.c.state != TermState.FAILED.value
    )
    oldest = db.execute(waiting.order_by(seal_terms.c.untimed_since).limit(1)).scalar_one_or_none()
    some = waiting.limit(at_most).subquery()
    return Untimed(oldest, db.execute(select(func.count()).select_from(some)).scalar_one())


def overdue(db: ReadConnection, before: datetime, at_most: int) -> int:
    """How many files should have been looked at before this time; counted no further than `at_most`."""
    some = (
        select(seal_terms.c.due_at)
        .where(seal_terms.c.state.in_(_MOVING), seal_terms.c.due_at < before)
        .limit(at_most)
    )
    return db.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def given_up(db: ReadConnection, at_most: int) -> int:
    """How many files an operator has to look at; counted no further than `at_most`."""
    some = select(seal_terms.c.due_at).where(seal_terms.c.state == TermState.FAILED.value).limit(at_most)
    return db.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def retry_given_up(db: WriteConnection, at: datetime, rows: int) -> int:
    """Lets the worker try again what was given up, so many at a time; how many that were."""
    some = (
        select(seal_terms.c.certificate_id, seal_terms.c.format)
        .where(seal_terms.c.state == TermState.FAILED.value)
        .order_by(seal_terms.c.due_at)
        .limit(rows)
        .with_for_update(skip_locked=True)
        .cte("some")
    )
    statement = (
        update(seal_terms)
        .where(seal_terms.c.certificate_id == some.c.certificate_id, seal_terms.c.format == some.c.format)
        .values(state=TermState.WAITING.value, due_at=at, tries=0, failed_tries=None)
    )
    return db.execute(statement).rowcount


@dataclass(frozen=True, slots=True)
class Month:
    """How many files of a level come due in a month; `month` is its first day, in UTC."""

    month: datetime
    state: TermState
    level: SealLevel
    count: int


@dataclass(frozen=True, slots=True)
class Failure:
    """What files were not raised for, and how many of them; `given_up`: no longer tried."""

    why: str
    given_up: bool
    count: int
    example: UUID


def by_month(db: ReadConnection, before: datetime) -> tuple[Month, ...]:
    """What comes due before this time, by month: reads every such row's place in the index."""
    month = func.date_trunc("month", seal_terms.c.due_at, "UTC")
    query = (
        select(month.label("month"), seal_terms.c.state, seal_terms.c.level, func.count().label("files"))
        .where(seal_terms.c.state.in_(_MOVING), seal_terms.c.due_at < before)
        .group_by(month, seal_terms.c.state, seal_terms.c.level)
        .order_by(month, seal_terms.c.state, seal_terms.c.level)
    )
    return tuple(
        Month(row.month, TermState(row.state), SealLevel(row.level), row.files) for row in db.execute(query)
    )


def failures(db: ReadConnection, at_most: int) -> tuple[Failure, ...]:
    """Why files were not raised when they were last tried, the most frequent reason first."""
    due = (
        select(seal_terms.c.failure, seal_terms.c.state, seal_terms.c.certificate_id)
        .where(
            seal_terms.c.failure.is_not(None),
            seal_terms.c.state.in_((*_MOVING, TermState.FAILED.value)),
        )
        .limit(at_most)
        .subquery()
    )
    given = due.c.state == TermState.FAILED.value
    query = (
        select(
            due.c.failure,
            given.label("given_up"),
            func.count().label("files"),
            func.min(cast(due.c.certificate_id, Text)).label("example"),
        )
        .group_by(due.c.failure, given)
        .order_by(func.count().desc(), due.c.failure)
    )
    return tuple(
        Failure(row.failure, row.given_up, row.files, UUID(row.example)) for row in db.execute(query)
    )


def _still_claimed(claimed: Claimed) -> Update:
    """Only while the row says what the claim said: its level and number, and until when it is taken."""
    return update(seal_terms).where(
        seal_terms.c.certificate_id == claimed.certificate_id,
        seal_terms.c.format == claimed.format.value,
        seal_terms.c.number == claimed.number,
        seal_terms.c.due_at == claimed.until,
        seal_terms.c.tries == claimed.tries,
    )
