"""How far long work in the background is that goes through everything there is."""

from sqlalchemy import select

from storage.db import ReadConnection
from storage.tables import change_backfills, seal_term_walk


def backfill_states(db: ReadConnection) -> tuple[tuple[str, int], ...]:
    """What the feed of changes has not copied to its end: the source, and how much of it so far."""
    rows = change_backfills.c
    query = select(rows.source, rows.copied).where(rows.done.is_(False)).order_by(rows.source)
    return tuple((row.source, row.copied) for row in db.execute(query))


def term_walk_state(db: ReadConnection) -> bool:
    """Whether every sealed file has its term in the calendar, or nothing has been reckoned yet."""
    query = select(seal_term_walk.c.done, seal_term_walk.c.plan)
    row = db.execute(query).one_or_none()
    return row is None or row.plan is None or row.done
