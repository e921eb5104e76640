"""What was used of a grant's daily cap: never more than the cap, and without one row that all wait for.

A day's cap is cut into slots, one row each. A deposit counts on any slot that nobody holds and that has room;
only where there is none, near the cap, do deposits wait for one another. The table's check (`used` within
`share`, shares adding up to the cap) holds even if this module is wrong.
"""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.round_trip import ask_together
from storage.tables import seal_uses

# Deposits of one grant that may be at their commit at the same moment without waiting.
SLOTS = 8

_TAKE = text("""
    UPDATE seal_uses SET used = used + :uses
    WHERE grant_id = :grant AND day = :day AND slot = (
        SELECT slot FROM seal_uses WHERE grant_id = :grant AND day = :day AND share - used >= :uses
        ORDER BY share - used DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING slot
""")
_GIVE_BACK = text("""
    UPDATE seal_uses SET used = used - :uses
    WHERE grant_id = :grant AND day = :day AND slot = (
        SELECT slot FROM seal_uses WHERE grant_id = :grant AND day = :day AND used >= :uses
        ORDER BY used DESC LIMIT 1 FOR UPDATE SKIP LOCKED)
""")
_PUT = text(
    "UPDATE seal_uses SET used = used + :uses WHERE grant_id = :grant AND day = :day AND slot = :slot"
)


def take_uses(db: WriteConnection, grant_id: UUID, cap: int, day: date, uses: int) -> bool:
    """Counts so many uses; False, and nothing counted, where the day has no room for all of them.

    One statement in the ordinary case. It comes last in the caller's transaction, so that a slot is held for
    the length of a commit only. Several grants of one transaction are counted in the order of their ids.
    """
    parameters = {"grant": grant_id, "day": day, "uses": uses}
    (taken_from,) = ask_together(db, (_TAKE, parameters))
    if taken_from:
        return True
    _open_day(db, grant_id, cap, day)
    query = select(seal_uses.c.slot, (seal_uses.c.share - seal_uses.c.used).label("room")).where(
        seal_uses.c.grant_id == grant_id, seal_uses.c.day == day
    )
    # Without locks first: whoever asks on after the cap writes nothing and holds nobody up.
    if sum(row.room for row in db.execute(query)) < uses:
        return False
    rooms = db.execute(query.order_by(seal_uses.c.slot).with_for_update()).all()
    if sum(row.room for row in rooms) < uses:
        return False
    for row in rooms:
        taken = min(row.room, uses)
        if taken > 0:
            db.execute(_PUT, {**parameters, "uses": taken, "slot": row.slot})
            uses -= taken
    return True


def give_back_uses(db: WriteConnection, grant_id: UUID, day: date, uses: int) -> None:
    """Takes uses off the count again; where every slot is held just now they stay counted."""
    db.execute(_GIVE_BACK, {"grant": grant_id, "day": day, "uses": uses})


def used_on(db: ReadConnection, grant_ids: Collection[UUID], day: date) -> dict[UUID, int]:
    """What each of these grants has used on this day; those that nobody used are not in it."""
    query = (
        select(seal_uses.c.grant_id, func.sum(seal_uses.c.used).label("used"))
        .where(seal_uses.c.grant_id.in_(sorted(grant_ids)), seal_uses.c.day == day)
        .group_by(seal_uses.c.grant_id)
    )
    return {row.grant_id: int(row.used) for row in db.execute(query)}


def _open_day(db: WriteConnection, grant_id: UUID, cap: int, day: date) -> None:
    """Makes the day's slots; the shares of all slots add up to the cap."""
    db.execute(
        insert(seal_uses).on_conflict_do_nothing(),
        [
            {
                "grant_id": grant_id,
                "day": day,
                "slot": slot,
                "share": cap // SLOTS + (slot < cap % SLOTS),
                "used": 0,
            }
            for slot in range(SLOTS)
        ],
    )
