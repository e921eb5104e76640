"""Resubmissions that the vault avoided: written with each check, counted once for a case and requirement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert

from storage.array_text import texts
from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing
from storage.round_trip import Statement
from storage.tables import avoided_resubmissions

# Purpose of the blind index.
CASE = "avoided-case"


@dataclass(frozen=True, slots=True)
class AvoidedCount:
    """How many, in one month (`2026-11`) of one item and its handling authority."""

    service_item: str
    authority: str
    month: str
    count: int


_ROWS = avoided_resubmissions.c
# One statement for any number of requirements: several rows of values would be sent one by one.
_INSERT = insert(avoided_resubmissions).from_select(
    ["at", "case_index", "service_item", "authority", "requirement"],
    select(
        bindparam("at", type_=_ROWS.at.type),
        bindparam("case_index", type_=_ROWS.case_index.type),
        bindparam("service_item", type_=Text),
        bindparam("authority", type_=Text),
        func.unnest(bindparam("requirements", type_=ARRAY(Text))),
    ),
)


def avoided(
    keys: KeyRing,
    requirements: Sequence[str],
    *,
    asked_by: str,
    case_number: str,
    service_item: str,
    authority: str,
    at: datetime,
) -> Statement:
    """Writes a row for each requirement of this case that was answered from the vault."""
    return (
        _INSERT,
        {
            "at": at,
            "case_index": keys.index(CASE, f"{asked_by}\x00{case_number}"),
            "service_item": service_item,
            "authority": authority,
            "requirements": texts(requirements),
        },
    )


# A row counts where its case did not ask for the same before, in the month that it was in China.
_COUNTS = text(
    """
    SELECT service_item, authority, month, CAST(sum(count) AS bigint) FROM (
        SELECT service_item, authority, month, count FROM avoided_months
        UNION ALL
        SELECT r.service_item, r.authority, to_char(timezone('Asia/Shanghai', r.at), 'YYYY-MM'), count(*)
        FROM avoided_resubmissions r
        WHERE r.id > (SELECT counted_through FROM avoided_progress) AND NOT EXISTS (
            SELECT FROM avoided_resubmissions e
            WHERE e.case_index = r.case_index AND e.id < r.id AND e.service_item = r.service_item
                AND e.authority = r.authority AND e.requirement = r.requirement)
        GROUP BY 1, 2, 3
    ) AS added GROUP BY service_item, authority, month ORDER BY month, authority, service_item
    """
)
_FROM = text("SELECT counted_through FROM avoided_progress FOR UPDATE")
_THROUGH = text(
    "WITH batch AS (SELECT id, at FROM avoided_resubmissions WHERE id > :after ORDER BY id LIMIT :rows)"
    " SELECT max(id) FROM batch WHERE id < coalesce((SELECT min(id) FROM batch WHERE at >= :before),"
    " (SELECT max(id) + 1 FROM batch))"
)
_ADD = text(
    """
    INSERT INTO avoided_months (month, service_item, authority, count)
    SELECT to_char(timezone('Asia/Shanghai', r.at), 'YYYY-MM'), r.service_item, r.authority, count(*)
    FROM avoided_resubmissions r
    WHERE r.id > :after AND r.id <= :through AND NOT EXISTS (
        SELECT FROM avoided_resubmissions e
        WHERE e.case_index = r.case_index AND e.id < r.id AND e.service_item = r.service_item
            AND e.authority = r.authority AND e.requirement = r.requirement)
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (month, service_item, authority)
    DO UPDATE SET count = avoided_months.count + excluded.count
    """
)
_COUNTED = text("UPDATE avoided_progress SET counted_through = :through")


def avoided_counts(db: ReadConnection) -> tuple[AvoidedCount, ...]:
    """All of them, by item, authority and the month in China in which a case first asked.

    What was added up, and the newest rows, counted now: what it costs does not grow with the table.
    """
    return tuple(AvoidedCount(*row) for row in db.execute(_COUNTS))


def add_up(db: WriteConnection, *, before: datetime, rows: int) -> bool:
    """Adds up the next `rows` that were written before this time; whether there may be more.

    One at a time: whoever comes meanwhile waits for the other, and goes on behind it.
    """
    after: int = db.execute(_FROM).scalar_one()
    through = db.execute(_THROUGH, {"after": after, "rows": rows, "before": before}).scalar_one()
    if through is None:
        return False
    db.execute(_ADD, {"after": after, "through": through})
    db.execute(_COUNTED, {"through": through})
    return True
