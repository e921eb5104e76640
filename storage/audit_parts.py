"""The parts of the audit events, made before they are needed (revision 0025)."""

from sqlalchemy import text

from storage.db import ReadConnection, WriteConnection

AHEAD = 2
"""Parts above the one that is written to: twice 10⁸ events. A table without them takes none, and no look is
given an answer that is not noted."""

_MAKE = text("SELECT make_audit_parts(:ahead)")
_AHEAD = text(
    """
    SELECT count(*) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = CAST('audit_events' AS regclass)
        AND CAST(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \\(''?([0-9]+)') AS bigint)
            > coalesce((SELECT max(id) FROM audit_events), 0)
    """
)


def make_audit_parts(db: WriteConnection) -> int:
    """Makes the parts that are missing ahead; how many those were. Stops neither readers nor writers."""
    return int(db.execute(_MAKE, {"ahead": AHEAD}).scalar_one())


def parts_ahead(db: ReadConnection) -> int:
    """How many parts lie above the newest event."""
    return int(db.execute(_AHEAD).scalar_one())
