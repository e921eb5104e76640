"""Ranges of a table's ids: work on millions of rows in parts that several processes take, each bounded."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, select

from storage.db import ReadConnection

Id = UUID | int


@dataclass(frozen=True, slots=True)
class Span:
    """The rows behind the id `after` up to the id `until`; None: from the first one, to the last one."""

    after: Id | None = None
    until: Id | None = None


def spans_of(db: ReadConnection, table: Table, rows: int) -> Iterator[Span]:
    """All of a table, `rows` rows each; the last one is open, so that what is added meanwhile is in it.

    One look into the index of the primary key each; no more than one id is held.
    """
    after: Id | None = None
    while True:
        last = within(select(table.c.id), table.c.id, Span(after)).order_by(table.c.id)
        until: Id | None = db.execute(last.offset(rows - 1).limit(1)).scalar_one_or_none()
        yield Span(after, until)
        if until is None:
            return
        after = until


def within(query: Select[Any], column: ColumnElement[Any], span: Span) -> Select[Any]:
    """The query, of the rows of this span only."""
    if span.after is not None:
        query = query.where(column > span.after)
    return query if span.until is None else query.where(column <= span.until)
