"""Copying into the feed what happened before revision 0005, in batches that can be broken off anywhere."""

from dataclasses import dataclass

from sqlalchemy import select, text, update

from storage.db import ReadConnection, WriteConnection
from storage.tables import change_backfills


@dataclass(frozen=True, slots=True)
class _Source:
    """Where changes come from. `nothing`: a key below all; `first_id`: so many rows before any live one."""

    nothing: str
    first_id: int
    batch: str


# Each source has its own range of negative ids, so that what is copied is placed first, in this order: a
# certificate's events in theirs, and a material's arrival before its verification.
_SOURCES = {
    "status_events": _Source(
        "0",
        -(2**62),
        """
        WITH batch AS (
            SELECT * FROM status_events WHERE id > CAST(:after AS bigint) ORDER BY id LIMIT :rows),
        noted AS (
            INSERT INTO changes (id, audience, action, certificate_id, status_event_id, at)
            OVERRIDING SYSTEM VALUE
            SELECT :first_id + row_number() OVER (ORDER BY e.id),
                c.issuing_authority, e.action, c.id, e.id, e.at
            FROM batch e JOIN certificates c ON c.id = e.certificate_id
            ON CONFLICT (status_event_id) DO NOTHING)
        SELECT CAST(id AS text) AS through, count(*) OVER () AS rows FROM batch ORDER BY id DESC LIMIT 1
        """,
    ),
    "materials": _Source(
        "00000000-0000-0000-0000-000000000000",
        -(2**61),
        # What was verified since was level C when it came.
        """
        WITH batch AS (
            SELECT * FROM materials WHERE id > CAST(:after AS uuid) ORDER BY id LIMIT :rows),
        noted AS (
            INSERT INTO changes (id, audience, action, material_id, trust, at) OVERRIDING SYSTEM VALUE
            SELECT :first_id + row_number() OVER (ORDER BY m.id), 'client:' || k.client_id, 'archive', m.id,
                CASE WHEN m.verified_at IS NULL THEN m.trust ELSE 'C' END, coalesce(k.committed_at, now())
            FROM batch m JOIN cases k ON k.id = m.case_id
            ON CONFLICT (material_id, action) DO NOTHING)
        SELECT CAST(id AS text) AS through, count(*) OVER () AS rows FROM batch ORDER BY id DESC LIMIT 1
        """,
    ),
    "material_events": _Source(
        "0",
        -(2**60),
        """
        WITH batch AS (
            SELECT * FROM material_events WHERE id > CAST(:after AS bigint) ORDER BY id LIMIT :rows),
        noted AS (
            INSERT INTO changes (id, audience, action, material_id, trust, at) OVERRIDING SYSTEM VALUE
            SELECT :first_id + row_number() OVER (ORDER BY e.id), 'client:' || k.client_id, e.action, m.id,
                e.trust, e.at
            FROM batch e JOIN materials m ON m.id = e.material_id JOIN cases k ON k.id = m.case_id
            ON CONFLICT (material_id, action) DO NOTHING)
        SELECT CAST(id AS text) AS through, count(*) OVER () AS rows FROM batch ORDER BY id DESC LIMIT 1
        """,
    ),
}


def is_copied(db: ReadConnection) -> bool:
    """Whether everything from before revision 0005 is in the feed."""
    return not db.execute(
        select(select(change_backfills).where(~change_backfills.c.done).exists())
    ).scalar_one()


def copy_batch(db: WriteConnection, rows_max: int) -> int:
    """Copies the next rows of the first source that is not done; how many. Two at once wait for each other.

    A row that is in the feed already stays as it is.
    """
    query = select(change_backfills).order_by(change_backfills.c.source).with_for_update()
    state = {row.source: row for row in db.execute(query)}
    name = next((name for name in _SOURCES if name in state and not state[name].done), None)
    if name is None:
        return 0
    source, so_far = _SOURCES[name], state[name]
    arguments = {
        "after": so_far.copied_through or source.nothing,
        "rows": rows_max,
        "first_id": source.first_id + so_far.copied,
    }
    found = db.execute(text(source.batch), arguments).one_or_none()
    rows, through = (0, so_far.copied_through) if found is None else (int(found.rows), found.through)
    db.execute(
        update(change_backfills)
        .where(change_backfills.c.source == name)
        .values(copied_through=through, copied=so_far.copied + rows, done=rows < rows_max)
    )
    return rows
