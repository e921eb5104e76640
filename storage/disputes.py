"""Disputes: a row that says what holds now, and a row for each step that led there.

What is said in them is sealed under the holder's own key: it is known for as long as the holder is.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey, KeyRing, open_json, seal_json
from storage.key_state import found_by
from storage.record_keys import KnownHolder, holder_key
from storage.tables import audit_events, certificates, dispute_events, disputes, holders
from vault.errors import IntegrityError
from vault.model.dispute import (
    OPEN,
    Dispute,
    DisputedAccess,
    DisputeEvent,
    DisputeKind,
    DisputeState,
    Outcome,
    request_text,
)

# Purpose of the blind index of a whole request.
DISPUTE = "dispute-request"
# Of what stands in the place of an index whose text nobody knows any more.
INDEX_BYTES = 32


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """An open dispute as operators see it: nothing of what was said."""

    dispute_id: UUID
    audience: str
    kind: DisputeKind
    state: DisputeState
    opened_at: datetime
    due_on: date


def hold_disputes_of(db: WriteConnection, keys: KeyRing, holder_id: UUID) -> KnownHolder | None:
    """A holder for whom no other dispute is opened until the transaction ends; None once they are erased."""
    # Does not stand in the way of deposits, which ask for a weaker lock.
    query = select(holders.c.data_key).where(holders.c.id == holder_id).with_for_update(key_share=True)
    wrapped = db.execute(query).scalar_one_or_none()
    return None if wrapped is None else KnownHolder(holder_id, holder_key(keys, holder_id, wrapped))


def count_open_of(db: ReadConnection, holder_id: UUID) -> int:
    """How many open disputes a holder has."""
    query = select(func.count()).where(disputes.c.holder_id == holder_id, _is_open())
    return int(db.execute(query).scalar_one())


def find_open_dispute(db: ReadConnection, keys: KeyRing, holder_id: UUID, request: str) -> Dispute | None:
    """The open dispute that this very request made."""
    query = _disputes().where(
        disputes.c.holder_id == holder_id,
        found_by(disputes.c.request_index, keys, (DISPUTE, request)),
        _is_open(),
    )
    return _one(db, keys, query)


def insert_dispute(
    db: WriteConnection, keys: KeyRing, holder: KnownHolder, dispute: Dispute, request: str
) -> None:
    """Writes a holder's dispute with its first step."""
    content = {"statement": dispute.statement}
    db.execute(
        insert(disputes).values(
            id=dispute.dispute_id,
            holder_id=holder.holder_id,
            certificate_id=dispute.certificate_id,
            access_id=None if dispute.access is None else dispute.access.event_id,
            audience=dispute.audience,
            kind=dispute.kind,
            state=dispute.state,
            sealed=seal_json(holder.key, content, dispute_place(dispute.dispute_id)),
            opened_at=dispute.opened_at,
            due_on=dispute.due_on,
            **dispute_index_values(keys, request),
        )
    )
    _insert_event(db, holder.key, dispute.dispute_id, dispute.events[0])


def dispute_index_values(keys: KeyRing, request: str | None) -> dict[str, object]:
    """The columns by which a request's dispute is found, under the active index key; None: by nothing."""
    index = secrets.token_bytes(INDEX_BYTES) if request is None else keys.index(DISPUTE, request)
    return {"request_index": index, "index_version": keys.index_version}


def lock_dispute(db: WriteConnection, keys: KeyRing, dispute_id: UUID) -> Dispute | None:
    """One dispute, held until the transaction ends."""
    db.execute(select(disputes.c.id).where(disputes.c.id == dispute_id).with_for_update())
    return _one(db, keys, _disputes().where(disputes.c.id == dispute_id))


def move_dispute(db: WriteConnection, keys: KeyRing, dispute: Dispute, event: DisputeEvent) -> None:
    """Takes a locked, open dispute one step on. Nobody is erased who has an open one.

    Raises:
        IntegrityError: its holder is erased all the same.
    """
    wrapped = db.execute(
        select(holders.c.data_key).where(holders.c.id == dispute.holder_id)
    ).scalar_one_or_none()
    if wrapped is None:
        raise IntegrityError(f"The holder of dispute {dispute.dispute_id} is erased, and it is open.")
    values: dict[str, Any] = {"state": event.state}
    values["accepted_at" if event.state is DisputeState.ACCEPTED else "closed_at"] = event.at
    db.execute(update(disputes).where(disputes.c.id == dispute.dispute_id).values(values))
    _insert_event(db, holder_key(keys, dispute.holder_id, wrapped), dispute.dispute_id, event)


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


def disputes_with_keys() -> Select[Any]:
    """Every dispute's row with its holder's wrapped key."""
    return select(disputes, holders.c.data_key.label("holder_key")).join(
        holders, holders.c.id == disputes.c.holder_id
    )


def disputant_key(keys: KeyRing, row: Row[Any]) -> DataKey | None:
    """The key of the holder in such a row; None once they are erased.

    Raises:
        IntegrityError: it does not open.
    """
    return None if row.holder_key is None else holder_key(keys, row.holder_id, row.holder_key)


def request_of(keys: KeyRing, row: Row[Any]) -> str | None:
    """The canonical text of the request that made the dispute in such a row; None once nobody knows it.

    Raises:
        IntegrityError: its envelope does not open.
    """
    statement = _statement(row, disputant_key(keys, row))
    if statement is None:
        return None
    return request_text(row.certificate_id, row.access_id, DisputeKind(row.kind), statement)


def dispute_place(dispute_id: UUID) -> str:
    """What a dispute's envelope is bound to."""
    return f"disputes.sealed:{dispute_id}"


def step_place(dispute_id: UUID, state: str) -> str:
    """A dispute is in each state once: that is what its step's envelope is bound to."""
    return f"dispute_events.sealed:{dispute_id}:{state}"


def _is_open() -> Any:  # noqa: ANN401 - a condition
    """As the partial indexes have it, word for word: in parameters the planner would not know it."""
    states = [state.value for state in sorted(OPEN, reverse=True)]
    return disputes.c.state.in_(bindparam("open", states, expanding=True, literal_execute=True))


def _disputes() -> Select[Any]:
    """One row a dispute, with its holder's key and what it is about."""
    return (
        disputes_with_keys()
        .add_columns(
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
    opened = {row.id: disputant_key(keys, row) for row in rows}
    events = _events(db, opened)
    return tuple(_dispute(row, opened[row.id], events.get(row.id, ())) for row in rows)


def _events(
    db: ReadConnection, opened: Mapping[UUID, DataKey | None]
) -> Mapping[UUID, Sequence[DisputeEvent]]:
    query = (
        select(dispute_events)
        .where(dispute_events.c.dispute_id.in_(sorted(opened)))
        .order_by(dispute_events.c.id)
    )
    found: dict[UUID, list[DisputeEvent]] = {}
    for row in db.execute(query) if opened else ():
        found.setdefault(row.dispute_id, []).append(_event(row, opened[row.dispute_id]))
    return found


def _event(row: Row[Any], key: DataKey | None) -> DisputeEvent:
    reason = None
    if row.sealed is not None and key is not None:
        reason = open_json(key, row.sealed, step_place(row.dispute_id, row.state))["reason"]
    outcome = None if row.outcome is None else Outcome(row.outcome)
    return DisputeEvent(DisputeState(row.state), outcome, reason, row.actor, row.at)


def _insert_event(db: WriteConnection, key: DataKey, dispute_id: UUID, event: DisputeEvent) -> None:
    sealed = None
    if event.reason is not None:
        sealed = seal_json(key, {"reason": event.reason}, step_place(dispute_id, event.state))
    db.execute(
        insert(dispute_events).values(
            dispute_id=dispute_id,
            state=event.state,
            outcome=event.outcome,
            actor=event.actor,
            at=event.at,
            sealed=sealed,
        )
    )


def _statement(row: Row[Any], key: DataKey | None) -> str | None:
    if key is None:
        return None
    statement: str = open_json(key, row.sealed, dispute_place(row.id))["statement"]
    return statement


def _dispute(row: Row[Any], key: DataKey | None, events: Sequence[DisputeEvent]) -> Dispute:
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
        statement=_statement(row, key),
        opened_at=row.opened_at,
        due_on=row.due_on,
        events=tuple(events),
    )
