"""Disputes: a row that says what holds now, and a row for each step that led there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.tables import audit_events, certificates, dispute_events, disputes, holders
from vault.model.dispute import (
    OPEN,
    Dispute,
    DisputedAccess,
    DisputeEvent,
    DisputeKind,
    DisputeState,
    Outcome,
)

# Purpose of the blind index of a whole request.
REQUEST = "dispute-request"


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """An open dispute as operators see it: nothing of what was said."""

    dispute_id: UUID
    audience: str
    kind: DisputeKind
    state: DisputeState
    opened_at: datetime
    due_on: date


def hold_disputes_of(db: WriteConnection, holder_id: UUID) -> int:
    """How many open disputes a holder has; no other is opened for them until the transaction ends."""
    # Does not stand in the way of deposits, whose foreign keys ask for a weaker lock.
    db.execute(select(holders.c.id).where(holders.c.id == holder_id).with_for_update(key_share=True))
    query = select(func.count()).where(disputes.c.holder_id == holder_id, _is_open())
    return int(db.execute(query).scalar_one())


def find_open_dispute(db: ReadConnection, keys: KeyRing, holder_id: UUID, request: str) -> Dispute | None:
    """The open dispute that this very request made."""
    query = _disputes().where(
        disputes.c.holder_id == holder_id,
        disputes.c.request_index == keys.index(REQUEST, request),
        _is_open(),
    )
    return _one(db, keys, query)


def insert_dispute(db: WriteConnection, keys: KeyRing, dispute: Dispute, request: str) -> None:
    """Writes a dispute with its first step."""
    data_key = keys.new_data_key(_place("data_key", dispute.dispute_id))
    content = {"statement": dispute.statement}
    db.execute(
        insert(disputes).values(
            id=dispute.dispute_id,
            holder_id=dispute.holder_id,
            certificate_id=dispute.certificate_id,
            access_id=None if dispute.access is None else dispute.access.event_id,
            audience=dispute.audience,
            kind=dispute.kind,
            state=dispute.state,
            request_index=keys.index(REQUEST, request),
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, content, _place("sealed", dispute.dispute_id)),
            opened_at=dispute.opened_at,
            due_on=dispute.due_on,
        )
    )
    _insert_event(db, keys, dispute.dispute_id, dispute.events[0])


def lock_dispute(db: WriteConnection, keys: KeyRing, dispute_id: UUID) -> Dispute | None:
    """One dispute, held until the transaction ends."""
    db.execute(select(disputes.c.id).where(disputes.c.id == dispute_id).with_for_update())
    return _one(db, keys, _disputes().where(disputes.c.id == dispute_id))


def move_dispute(db: WriteConnection, keys: KeyRing, dispute_id: UUID, event: DisputeEvent) -> None:
    """Takes a locked dispute one step on."""
    values: dict[str, Any] = {"state": event.state}
    values["accepted_at" if event.state is DisputeState.ACCEPTED else "closed_at"] = event.at
    db.execute(update(disputes).where(disputes.c.id == dispute_id).values(values))
    _insert_event(db, keys, dispute_id, event)


def disputes_of_holder(
    db: ReadConnection, keys: KeyRing, holder_id: UUID, *, before: UUID | None, limit: int
) -> tuple[Dispute, ...]:
    """A holder's disputes, newest first."""
    query = _disputes().where(disputes.c.holder_id == holder_id).order_by(disputes.c.id.desc()).limit(limit)
    return _many(db, keys, query if before is None else query.where(disputes.c.id < before))


def disputes_for(
    db: ReadConnection,
    keys: KeyRing,
    audiences: Collection[str],
    *,
    types: Collection[str] | None,
    states: Collection[DisputeState],
    after: UUID | None,
    limit: int,
) -> tuple[Dispute, ...]:
    """Disputes that these audiences decide, oldest first; `types`: of certificates of these types only."""
    query = (
        _disputes()
        .where(disputes.c.audience.in_(sorted(audiences)), disputes.c.state.in_(sorted(states)))
        .order_by(disputes.c.id)
        .limit(limit)
    )
    if types is not None:
        query = query.where(
            or_(disputes.c.certificate_id.is_(None), certificates.c.type_code.in_(sorted(types)))
        )
    return _many(db, keys, query if after is None else query.where(disputes.c.id > after))


def open_disputes(db: ReadConnection, *, due_before: date | None, limit: int) -> tuple[OpenDispute, ...]:
    """Open disputes, the most urgent first; `due_before`: those only whose last day was before it."""
    query = select(disputes).where(_is_open()).order_by(disputes.c.due_on, disputes.c.id).limit(limit)
    if due_before is not None:
        query = query.where(disputes.c.due_on < due_before)
    return tuple(
        OpenDispute(
            row.id, row.audience, DisputeKind(row.kind), DisputeState(row.state), row.opened_at, row.due_on
        )
        for row in db.execute(query)
    )


def count_open(db: ReadConnection, today: date) -> dict[DisputeState, tuple[int, int]]:
    """How many disputes are open in each state, and how many of them overdue."""
    overdue = func.count().filter(disputes.c.due_on < today)
    query = select(disputes.c.state, func.count(), overdue).where(_is_open()).group_by(disputes.c.state)
    found = {DisputeState(row[0]): (row[1], row[2]) for row in db.execute(query)}
    return {state: found.get(state, (0, 0)) for state in sorted(OPEN)}


def _is_open() -> Any:  # noqa: ANN401 - a condition
    """As the partial indexes have it, word for word: in parameters the planner would not know it."""
    states = [state.value for state in sorted(OPEN, reverse=True)]
    return disputes.c.state.in_(bindparam("open", states, expanding=True, literal_execute=True))


def _disputes() -> Select[Any]:
    """One row a dispute, with what it is about."""
    return (
        select(
            disputes,
            certificates.c.identifier,
            certificates.c.type_code,
            audit_events.c.action.label("access_action"),
            audit_events.c.at.label("access_at"),
        )
        .outerjoin(certificates, certificates.c.id == disputes.c.certificate_id)
        .outerjoin(audit_events, audit_events.c.id == disputes.c.access_id)
    )


def _one(db: ReadConnection, keys: KeyRing, query: Select[Any]) -> Dispute | None:
    found = _many(db, keys, query)
    return found[0] if found else None


def _many(db: ReadConnection, keys: KeyRing, query: Select[Any]) -> tuple[Dispute, ...]:
    rows = db.execute(query).all()
    events = _events(db, keys, [row.id for row in rows])
    return tuple(_dispute(keys, row, events.get(row.id, ())) for row in rows)


def _events(
    db: ReadConnection, keys: KeyRing, dispute_ids: Sequence[UUID]
) -> Mapping[UUID, tuple[DisputeEvent, ...]]:
    query = (
        select(dispute_events)
        .where(dispute_events.c.dispute_id.in_(dispute_ids))
        .order_by(dispute_events.c.id)
    )
    found: dict[UUID, list[DisputeEvent]] = {}
    for row in db.execute(query) if dispute_ids else ():
        found.setdefault(row.dispute_id, []).append(_event(keys, row))
    return {dispute_id: tuple(events) for dispute_id, events in found.items()}


def _event(keys: KeyRing, row: Row[Any]) -> DisputeEvent:
    reason = None
    if row.sealed is not None:
        data_key = keys.data_key(row.data_key, _event_place("data_key", row.dispute_id, row.state))
        reason = open_json(data_key, row.sealed, _event_place("sealed", row.dispute_id, row.state))["reason"]
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return DisputeEvent(DisputeState(row.state), outcome, reason, row.actor, row.at)


def _insert_event(db: WriteConnection, keys: KeyRing, dispute_id: UUID, event: DisputeEvent) -> None:
    values: dict[str, Any] = {
        "dispute_id": dispute_id,
        "state": event.state,
        "outcome": event.outcome,
        "actor": event.actor,
        "at": event.at,
    }
    if event.reason is not None:
        data_key = keys.new_data_key(_event_place("data_key", dispute_id, event.state))
        values["data_key"] = data_key.wrapped
        place = _event_place("sealed", dispute_id, event.state)
        values["sealed"] = seal_json(data_key, {"reason": event.reason}, place)
    db.execute(insert(dispute_events).values(values))


def _dispute(keys: KeyRing, row: Row[Any], events: tuple[DisputeEvent, ...]) -> Dispute:
    data_key = keys.data_key(row.data_key, _place("data_key", row.id))
    statement = open_json(data_key, row.sealed, _place("sealed", row.id))["statement"]
    access = None
    if row.access_id is not None:
        access = DisputedAccess(row.access_id, row.access_action, row.access_at)
    return Dispute(
        dispute_id=row.id,
        holder_id=row.holder_id,
        certificate_id=row.certificate_id,
        identifier=row.identifier,
        type_code=row.type_code,
        access=access,
        audience=row.audience,
        kind=DisputeKind(row.kind),
        state=DisputeState(row.state),
        statement=statement,
        opened_at=row.opened_at,
        due_on=row.due_on,
        events=events,
    )


def _place(column: str, dispute_id: UUID) -> str:
    return f"disputes.{column}:{dispute_id}"


def _event_place(column: str, dispute_id: UUID, state: str) -> str:
    """A dispute is in each state once: that is what its step's envelope is bound to."""
    return f"dispute_events.{column}:{dispute_id}:{state}"
