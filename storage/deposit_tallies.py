"""How deposits go, counted by minute and by hour, and when each client was last heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import and_, delete, func, or_, select, text

from storage.db import ReadConnection, WriteConnection
from storage.tables import client_sightings, deposit_tallies


class Span(StrEnum):
    """How long a count runs."""

    MINUTE = "minute"
    HOUR = "hour"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many deposits of a client came to this in one span."""

    span: Span
    starts_at: datetime
    client_id: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class SpanCount:
    """How many deposits of everybody went well in one span, and how many did not."""

    span: Span
    starts_at: datetime
    well: int
    refused: int


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often a client's deposits were refused for one reason; `last_at`: the span of the last."""

    client_id: str
    outcome: str
    count: int
    last_at: datetime


# In one order, so that two processes that hand over at once do not wait for each other in a circle.
_ADD = text(
    "INSERT INTO deposit_tallies (span, starts_at, client_id, outcome, count)"
    " SELECT * FROM unnest(CAST(:spans AS text[]), CAST(:starts AS timestamptz[]), CAST(:clients AS text[]),"
    " CAST(:outcomes AS text[]), CAST(:counts AS integer[])) AS added (a, b, c, d, e) ORDER BY a, b, c, d"
    " ON CONFLICT (span, starts_at, client_id, outcome)"
    " DO UPDATE SET count = deposit_tallies.count + excluded.count"
)
_SEEN = text(
    "INSERT INTO client_sightings (client_id, seen_at)"
    " SELECT * FROM unnest(CAST(:clients AS text[]), CAST(:times AS timestamptz[])) AS seen (a, b) ORDER BY a"
    " ON CONFLICT (client_id) DO UPDATE SET seen_at = greatest(client_sightings.seen_at, excluded.seen_at)"
)


def add_tallies(db: WriteConnection, tallies: Sequence[Tally]) -> None:
    """Adds counts to those that are there: one statement for any number."""
    if tallies:
        db.execute(
            _ADD,
            {
                "spans": [each.span.value for each in tallies],
                "starts": [each.starts_at for each in tallies],
                "clients": [each.client_id for each in tallies],
                "outcomes": [each.outcome for each in tallies],
                "counts": [each.count for each in tallies],
            },
        )


def note_sightings(db: WriteConnection, seen: Mapping[str, datetime]) -> None:
    """Notes when clients were last heard; one that another process heard later keeps that time."""
    if seen:
        db.execute(_SEEN, {"clients": list(seen), "times": list(seen.values())})


def forget_tallies(db: WriteConnection, *, minutes_before: datetime, hours_before: datetime) -> None:
    """Deletes what began before these times."""
    rows = deposit_tallies.c
    db.execute(
        delete(deposit_tallies).where(
            or_(
                and_(rows.span == Span.MINUTE.value, rows.starts_at < minutes_before),
                and_(rows.span == Span.HOUR.value, rows.starts_at < hours_before),
            )
        )
    )


def counts_since(
    db: ReadConnection, *, well: Sequence[str], minutes_from: datetime, hours_from: datetime
) -> tuple[SpanCount, ...]:
    """Everybody's counts of the minutes and hours from these times on. `well`: the good outcomes."""
    rows = deposit_tallies.c
    good = rows.outcome.in_(well)
    query = (
        select(
            rows.span,
            rows.starts_at,
            func.coalesce(func.sum(rows.count).filter(good), 0).label("well"),
            func.coalesce(func.sum(rows.count).filter(~good), 0).label("refused"),
        )
        .where(
            or_(
                and_(rows.span == Span.MINUTE.value, rows.starts_at >= minutes_from),
                and_(rows.span == Span.HOUR.value, rows.starts_at >= hours_from),
            )
        )
        .group_by(rows.span, rows.starts_at)
        .order_by(rows.span, rows.starts_at)
    )
    return tuple(
        SpanCount(Span(row.span), row.starts_at, int(row.well), int(row.refused)) for row in db.execute(query)
    )


def refusals_since(
    db: ReadConnection, *, well: Sequence[str], span: Span, since: datetime
) -> tuple[Refusals, ...]:
    """What deposits were refused for in the spans from this time on, the newest first."""
    rows = deposit_tallies.c
    query = (
        select(
            rows.client_id,
            rows.outcome,
            func.sum(rows.count).label("refused"),
            func.max(rows.starts_at).label("last_at"),
        )
        .where(rows.span == span.value, rows.starts_at >= since, rows.outcome.not_in(well))
        .group_by(rows.client_id, rows.outcome)
        .order_by(func.max(rows.starts_at).desc(), func.sum(rows.count).desc(), rows.client_id, rows.outcome)
    )
    return tuple(
        Refusals(row.client_id, row.outcome, int(row.refused), row.last_at) for row in db.execute(query)
    )


def sightings(db: ReadConnection) -> dict[str, datetime]:
    """When each client was last heard."""
    query = select(client_sightings.c.client_id, client_sightings.c.seen_at)
    return {row.client_id: row.seen_at for row in db.execute(query)}
