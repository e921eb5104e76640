"""Filing audit events under whom and what they are about, where the trigger cannot know it."""

from collections.abc import Collection

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, literal, select, text
from sqlalchemy.dialects.postgresql import insert

from storage.db import WriteConnection
from storage.tables import audit_subjects
from vault.model.history_entry import EVERYBODY

_FILE = text(
    "WITH batch AS MATERIALIZED (SELECT e FROM audit_events e WHERE e.id > :above ORDER BY e.id LIMIT :rows),"
    " filed AS (INSERT INTO audit_subjects (about, event_id)"
    " SELECT about, (b.e).id FROM batch b, LATERAL audit_subjects_of(b.e) AS about ON CONFLICT DO NOTHING)"
    " SELECT max((e).id) AS last, count(*) AS events FROM batch"
)


def note_look_at_events(db: WriteConnection, look: int, event_ids: Collection[int]) -> None:
    """Files an auditor's look under everyone whom the events are about that it opened."""
    opened = (
        select(audit_subjects.c.about, literal(look, BigInteger))
        .where(audit_subjects.c.event_id == any_(bindparam("events", type_=ARRAY(BigInteger))))
        .where(audit_subjects.c.about != EVERYBODY)
        .distinct()
    )
    db.execute(
        insert(audit_subjects).from_select(["about", "event_id"], opened).on_conflict_do_nothing(),
        {"events": list(event_ids)},
    )


def file_events(db: WriteConnection, above: int, rows: int) -> tuple[int, int] | None:
    """Files the next audit events above this id under whom they are about; the last id, and how many events.

    For events from before revision 0012; those that are filed stay as they are. None where there are no more.
    """
    found = db.execute(_FILE, {"above": above, "rows": rows}).one()
    return None if found.last is None else (int(found.last), int(found.events))
