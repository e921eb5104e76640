"""Resubmissions that the vault avoided: written with each check, counted once for a case and requirement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, Text, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from storage.array_text import texts
from storage.db import ReadConnection
from storage.envelope import KeyRing
from storage.round_trip import Statement
from storage.tables import avoided_resubmissions
from vault.model.legal_time import LEGAL_TIME

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


def avoided_counts(db: ReadConnection) -> tuple[AvoidedCount, ...]:
    """All of them, by item, authority and the month in China in which a case first asked."""
    rows = avoided_resubmissions
    once = (
        select(rows.c.service_item, rows.c.authority, func.min(rows.c.at).label("at"))
        .group_by(rows.c.case_index, rows.c.service_item, rows.c.authority, rows.c.requirement)
        .subquery()
    )
    month = func.to_char(func.timezone(LEGAL_TIME.key, once.c.at), "YYYY-MM").label("month")
    query = (
        select(once.c.service_item, once.c.authority, month, func.count())
        .group_by(once.c.service_item, once.c.authority, month)
        .order_by(month, once.c.authority, once.c.service_item)
    )
    return tuple(AvoidedCount(*row) for row in db.execute(query))
