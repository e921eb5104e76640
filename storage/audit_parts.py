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
_BOUNDS = text(
    """
    SELECT CAST(substring(bound FROM 'FROM \\(''?([0-9]+)') AS bigint) AS low,
        CAST(substring(bound FROM 'TO \\(''?([0-9]+)') AS bigint) AS high
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid, pg_get_expr(c.relpartbound, c.oid) AS bound
    WHERE i.inhparent = CAST('audit_events' AS regclass) AND NOT i.inhdetachpending
    ORDER BY low NULLS FIRST
    """
)


def make_audit_parts(db: WriteConnection) -> int:
    """Makes the parts that are missing ahead; how many those were. Stops neither readers nor writers."""
    return int(db.execute(_MAKE, {"ahead": AHEAD}).scalar_one())


def parts_ahead(db: ReadConnection) -> int:
    """How many parts lie above the newest event."""
    return int(db.execute(_AHEAD).scalar_one())


def ids_in_no_part(db: ReadConnection) -> tuple[range, ...]:
    """The event ids for which no part is there: those of parts that were taken out, lowest first.

    None below the first part unless that has a lower bound, and none above the newest.
    """
    gaps: list[range] = []
    end = 0
    for low, high in db.execute(_BOUNDS):
        if low is not None and low > end:
            gaps.append(range(end, low))
        end = high
    return tuple(gaps)
