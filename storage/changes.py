"""The feed of changes: places given to what is committed, and pages read by place.

A number drawn when a row is written (an identity column, a transaction's id) is visible out of order: who
reads past it misses the row that commits later. So a place is given afterwards, under one lock, to rows that
are committed; who sees a place sees every lower one.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, FromClause, Row, Text, cast, func, select, text, true, tuple_, update

from storage.db import ReadConnection, WriteConnection
from storage.tables import certificates, change_backfills, changes, materials, status_events
from vault.model.certificate import Status, TrustLevel
from vault.model.changes import CertificateChange, Change, MaterialAction, MaterialChange
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action, InspectionResult

# Held by the one who gives out places, until its transaction ends. Writers of changes never ask for it.
SEQUENCER_LOCK = 0x63686E67  # "chng"
PLACE_MAX = 2**63 - 1  # PostgreSQL's bigint
_CLIENT = "client:"


def audience_of_client(client_id: str) -> str:
    """The audience of changes that concern what this client handed in."""
    return _CLIENT + client_id


def client_of_audience(audience: str) -> str | None:
    """The client whose audience this is; None for an authority's."""
    return audience.removeprefix(_CLIENT) if audience.startswith(_CLIENT) else None


def has_unplaced(db: ReadConnection) -> bool:
    """Whether any committed change waits for its place."""
    query = select(select(changes.c.id).where(changes.c.position.is_(None)).exists())
    return bool(db.execute(query).scalar_one())


def give_places(db: WriteConnection, rows_max: int) -> int:
    """Gives the oldest changes that wait their places, in the order in which they were written; how many.

    While rows from before revision 0005 are still being copied, only such rows get one: they come first.
    """
    # A statement of its own: the next one sees everything that the holder before us committed.
    db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SEQUENCER_LOCK})
    copying = select(change_backfills.c.source).where(~change_backfills.c.done).exists()
    waiting = (
        select(changes.c.id)
        .where(changes.c.position.is_(None), (changes.c.id < 0) | ~copying)
        .order_by(changes.c.id)
        .limit(rows_max)
        .subquery()
    )
    numbered = select(waiting.c.id, func.row_number().over(order_by=waiting.c.id).label("n")).subquery()
    last = select(func.coalesce(func.max(changes.c.position), 0)).scalar_subquery()
    statement = update(changes).where(changes.c.id == numbered.c.id).values(position=last + numbered.c.n)
    return db.execute(statement).rowcount


def last_place(db: ReadConnection) -> int:
    """The highest place given out; 0 for an empty feed."""
    return int(db.execute(select(func.coalesce(func.max(changes.c.position), 0))).scalar_one())


def change_at(db: ReadConnection, position: int) -> Change | None:
    """The change in this place, whoever may read it."""
    placed = select(changes).where(changes.c.position == position).subquery("placed")
    row = db.execute(_told(placed)).one_or_none()
    return None if row is None else _change(row)


def changes_between(
    db: ReadConnection, after: int, through: int | None, audiences: Collection[str] | None, limit: int
) -> tuple[Change, ...]:
    """The first changes after a place, in order; of these audiences only, or of all where None.

    The first places of each audience by its own index, then the first of those: the cost follows `limit` and
    the number of audiences, not the feed. Ranges of pairs leave the planner no other index: over `audience =`
    it may walk the whole feed by position, for an audience of whom there is nothing.
    """
    last = PLACE_MAX if through is None else through
    if audiences is None:
        inside = changes.c.position.between(after + 1, last)
        first = select(changes.c.position).where(inside).order_by(changes.c.position).limit(limit)
    else:
        each = func.unnest(cast(sorted(audiences), ARRAY(Text))).table_valued("audience").render_derived()
        pair = tuple_(changes.c.audience, changes.c.position)
        own = (
            select(changes.c.position)
            .where(changes.c.position.is_not(None))  # which the index asks for
            .where(pair > tuple_(each.c.audience, after), pair <= tuple_(each.c.audience, last))
            .order_by(changes.c.audience, changes.c.position)
            .limit(limit)
            .lateral("own")
        )
        both = each.join(own, true())
        first = select(own.c.position).select_from(both).order_by(own.c.position).limit(limit)
    here = first.subquery("here")
    placed = select(changes).join(here, here.c.position == changes.c.position).subquery("placed")
    return tuple(_change(row) for row in db.execute(_told(placed)))


def _told(placed: FromClause) -> Any:  # noqa: ANN401 - a select of mixed columns
    """These rows with what they tell of: three look-ups by primary key."""
    return (
        select(
            placed,
            certificates.c.identifier,
            certificates.c.version,
            func.coalesce(certificates.c.type_code, materials.c.type_code).label("type_code"),
            status_events.c.status,
            status_events.c.effective_on,
            status_events.c.result,
        )
        .outerjoin(certificates, certificates.c.id == placed.c.certificate_id)
        .outerjoin(status_events, status_events.c.id == placed.c.status_event_id)
        .outerjoin(materials, materials.c.id == placed.c.material_id)
        .order_by(placed.c.position)
    )


def _change(row: Row[Any]) -> Change:
    if row.material_id is not None:
        return MaterialChange(
            position=row.position,
            action=MaterialAction(row.action),
            material_id=row.material_id,
            type_code=row.type_code,
            client_id=row.audience.removeprefix(_CLIENT),
            trust=TrustLevel(row.trust),
            at=row.at,
        )
    return CertificateChange(
        position=row.position,
        action=Action(row.action),
        certificate_id=row.certificate_id,
        identifier=row.identifier,
        version=row.version,
        type_code=row.type_code,
        authority=row.audience,
        status=Status(row.status),
        effective_on=row.effective_on or legal_day(row.at),
        result=None if row.result is None else InspectionResult(row.result),
        at=row.at,
    )
