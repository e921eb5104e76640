"""How often strangers verified a certificate on a day: counts handed over in batches, each counted once."""

from collections.abc import Mapping
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ARRAY, Date, Integer, Uuid, and_, bindparam, delete, func, text, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import WriteConnection
from storage.tables import audit_events, verification_batches, verification_days

Day = tuple[UUID, date]
ACTION = "public-verification"
ACTOR = "public"
# Held by who hands over, until the transaction ends: of two processes one makes a day's event.
COUNTING_LOCK = 0x76657279  # "very"


def take_batch(db: WriteConnection, batch_id: UUID, at: datetime, *, forget_before: datetime) -> bool:
    """Marks a batch as counted, with the lock that counting needs; False where it was counted before."""
    db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": COUNTING_LOCK})
    db.execute(delete(verification_batches).where(verification_batches.c.at < forget_before))
    taken = insert(verification_batches).values(id=batch_id, at=at).on_conflict_do_nothing()
    return db.execute(taken.returning(verification_batches.c.id)).scalar_one_or_none() is not None


def add_counts(db: WriteConnection, counts: Mapping[Day, int], at: datetime) -> None:
    """Adds to the days that are there; the others begin, each with its audit event. Three statements."""
    if not counts:
        return
    added = (
        func.unnest(
            bindparam("ids", type_=ARRAY(Uuid)),
            bindparam("days", type_=ARRAY(Date)),
            bindparam("counts", type_=ARRAY(Integer)),
        )
        .table_valued("certificate_id", "day", "count")
        .render_derived("added")
    )
    statement = (
        update(verification_days)
        .where(
            and_(
                verification_days.c.certificate_id == added.c.certificate_id,
                verification_days.c.day == added.c.day,
            )
        )
        .values(count=verification_days.c.count + added.c.count)
        .returning(verification_days.c.certificate_id, verification_days.c.day)
    )
    sent = {
        "ids": [certificate_id for certificate_id, _ in counts],
        "days": [day for _, day in counts],
        "counts": list(counts.values()),
    }
    there = {(row.certificate_id, row.day) for row in db.execute(statement, sent)}
    fresh = sorted(set(counts) - there)
    if not fresh:
        return
    events = db.execute(
        insert(audit_events).returning(
            audit_events.c.id, audit_events.c.certificate_id, audit_events.c.details
        ),
        [
            {
                "at": at,
                "actor": ACTOR,
                "action": ACTION,
                "certificate_id": certificate_id,
                "details": {"day": day.isoformat()},
            }
            for certificate_id, day in fresh
        ],
    )
    db.execute(
        insert(verification_days),
        [
            {
                "certificate_id": row.certificate_id,
                "day": date.fromisoformat(row.details["day"]),
                "count": counts[row.certificate_id, date.fromisoformat(row.details["day"])],
                "event_id": row.id,
            }
            for row in events
        ],
    )
