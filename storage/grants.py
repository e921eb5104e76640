"""Seal-use grants: made, approved and ended by insert-only rows; and which of them lets a deposit through."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, and_, select, text
from sqlalchemy.dialects.postgresql import insert

from storage.array_text import texts
from storage.db import ReadConnection, WriteConnection
from storage.round_trip import ask_together
from storage.tables import seal_grant_events, seal_grants
from vault.model.custody import Deed, Grant, GrantTerms

APPROVE = "approve"
END = "end"

_APPROVED = seal_grant_events.alias("approved")
_ENDED = seal_grant_events.alias("ended")

# Written out: SQLAlchemy would build it anew for every deposit. The last row of a type wins: the newest seal
# that has a grant in force, and the newest approval of that seal.
_USABLE = text("""
    SELECT s.id AS seal_id, s.authority, s.purpose, g.id AS grant_id, g.type_code, g.type_version, g.daily_cap
    FROM seals s
    LEFT JOIN (seal_grants g JOIN seal_grant_events a ON a.grant_id = g.id AND a.action = 'approve')
      ON g.seal_id = s.id AND g.client_id = :client AND g.type_code = ANY(:types)
     AND g.valid_from <= :at AND g.valid_to > :at
     AND NOT EXISTS (SELECT FROM seal_grant_events e WHERE e.grant_id = g.id AND e.action = 'end')
    WHERE s.authority = ANY(:authorities) AND coalesce(s.purpose, '') = ANY(:purposes)
      AND s.stopped_at IS NULL AND s.not_after > :at
    ORDER BY s.created_at, s.id, a.id
""")


@dataclass(frozen=True, slots=True)
class UsableSeal:
    """A seal in use of an authority, and the grant that lets a type be sealed with it."""

    seal_id: str
    grant_id: UUID
    daily_cap: int


@dataclass(frozen=True, slots=True)
class UsableSeals:
    """What a client may seal with now. `in_use`: authorities with any seal of a purpose, granted or not."""

    in_use: frozenset[tuple[str, str | None]]
    granted: dict[tuple[str, str | None, str, int], UsableSeal]

    def of(self, authority: str, purpose: str | None, type_code: str, type_version: int) -> UsableSeal | None:
        """The newest seal of this authority and purpose that is granted for this version of this type."""
        return self.granted.get((authority, purpose, type_code, type_version))


def usable_seals(
    db: ReadConnection,
    client_id: str,
    authorities: Collection[str],
    types: Collection[str],
    purposes: Collection[str | None],
    at: datetime,
) -> UsableSeals:
    """The seals in use of these authorities, with what is granted to this client of these types.

    `purposes`: of the seals, as in `storage.seals`: None for PDFs, `NATIONAL` for OFDs.
    """
    parameters = {
        "client": client_id,
        "authorities": texts(authorities),
        "types": texts(types),
        "purposes": texts(purpose or "" for purpose in purposes),
        "at": at,
    }
    (rows,) = ask_together(db, (_USABLE, parameters))
    return UsableSeals(
        frozenset((row.authority, row.purpose) for row in rows),
        {
            (row.authority, row.purpose, row.type_code, row.type_version): UsableSeal(
                row.seal_id, row.grant_id, row.daily_cap
            )
            for row in rows
            if row.grant_id is not None
        },
    )


def insert_grants(db: WriteConnection, grants: Sequence[Grant]) -> None:
    """Keeps proposals; their seals' rows are held by the caller."""
    db.execute(
        insert(seal_grants),
        [
            {
                "id": grant.grant_id,
                "seal_id": grant.terms.seal_id,
                "type_code": grant.terms.type_code,
                "type_version": grant.terms.type_version,
                "client_id": grant.terms.client_id,
                "daily_cap": grant.terms.daily_cap,
                "valid_from": grant.terms.valid_from,
                "valid_to": grant.terms.valid_to,
                "made_by": grant.made.actor,
                "made_via": grant.made.via,
                "made_at": grant.made.at,
            }
            for grant in grants
        ],
    )


def insert_grant_events(db: WriteConnection, grant_ids: Sequence[UUID], action: str, deed: Deed) -> None:
    """Approves or ends grants; a second event of a kind is refused by the table."""
    db.execute(
        insert(seal_grant_events),
        [
            {
                "grant_id": grant_id,
                "action": action,
                "actor": deed.actor,
                "via": deed.via,
                "reason": deed.reason,
                "at": deed.at,
            }
            for grant_id in grant_ids
        ],
    )


def grants_by_id(db: ReadConnection, grant_ids: Collection[UUID]) -> dict[UUID, Grant]:
    """These grants, those that are there."""
    query = _grants().where(seal_grants.c.id.in_(sorted(grant_ids)))
    return {row.id: _grant(row) for row in db.execute(query)}


def grants_of_seals(db: ReadConnection, seal_ids: Collection[str]) -> tuple[Grant, ...]:
    """Every grant of these seals, ended ones too, oldest first."""
    query = _grants().where(seal_grants.c.seal_id.in_(sorted(seal_ids)))
    return tuple(_grant(row) for row in db.execute(query.order_by(seal_grants.c.id)))


def _grants() -> Select[tuple[object, ...]]:
    return (
        select(
            seal_grants,
            *(column.label(f"approved_{column.name}") for column in _APPROVED.c),
            *(column.label(f"ended_{column.name}") for column in _ENDED.c),
        )
        .outerjoin(_APPROVED, and_(_APPROVED.c.grant_id == seal_grants.c.id, _APPROVED.c.action == APPROVE))
        .outerjoin(_ENDED, and_(_ENDED.c.grant_id == seal_grants.c.id, _ENDED.c.action == END))
    )


def _grant(row: Row[tuple[object, ...]]) -> Grant:
    terms = GrantTerms(
        seal_id=row.seal_id,
        type_code=row.type_code,
        type_version=row.type_version,
        client_id=row.client_id,
        daily_cap=row.daily_cap,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
    )
    return Grant(
        grant_id=row.id,
        terms=terms,
        made=Deed(row.made_by, row.made_via, row.made_at),
        approved=None
        if row.approved_id is None
        else Deed(row.approved_actor, row.approved_via, row.approved_at),
        ended=None
        if row.ended_id is None
        else Deed(row.ended_actor, row.ended_via, row.ended_at, row.ended_reason),
    )
