"""Insert-only rows: log leaves and audit events; and the outbox of jobs, all in the caller's transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import BY_A_ROW, DataKey, KeyRing, seal_json, unwrap_key, version_of, wrap_key
from storage.record_keys import KnownHolder, holder_key
from storage.tables import audit_events, holders, log_leaves


@dataclass(frozen=True, slots=True)
class LeafRow:
    """A leaf of the transparency log before the sequencer gives it an index."""

    certificate_id: UUID
    leaf: bytes
    leaf_hash: bytes
    promise: str


@dataclass(frozen=True, slots=True)
class LeafPlace:
    """What the log has promised for a leaf, and its index once it has one."""

    promise: str
    log_index: int | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One audit event; `details` holds no personal data."""

    actor: str
    action: str
    certificate_id: UUID | None
    case_id: UUID | None
    details: Mapping[str, Any]


def insert_leaves(db: WriteConnection, leaves: Sequence[LeafRow]) -> None:
    """Writes leaves without an index: the sequencer gives those out later, in batches."""
    db.execute(
        insert(log_leaves),
        [
            {
                "certificate_id": leaf.certificate_id,
                "leaf": leaf.leaf,
                "leaf_hash": leaf.leaf_hash,
                "promise": leaf.promise,
            }
            for leaf in leaves
        ],
    )


def find_leaf(db: ReadConnection, leaf_hash: bytes) -> LeafPlace | None:
    """The leaf with this hash."""
    query = select(log_leaves.c.promise, log_leaves.c.log_index).where(log_leaves.c.leaf_hash == leaf_hash)
    row = db.execute(query).one_or_none()
    return None if row is None else LeafPlace(row.promise, row.log_index)


def insert_audit(db: WriteConnection, events: Sequence[AuditRow], at: datetime) -> None:
    """Writes audit events."""
    db.execute(
        insert(audit_events),
        [
            {
                "at": at,
                "actor": event.actor,
                "action": event.action,
                "certificate_id": event.certificate_id,
                "case_id": event.case_id,
                "details": dict(event.details),
            }
            for event in events
        ],
    )


def insert_look(
    db: WriteConnection,
    keys: KeyRing,
    event: AuditRow,
    reasons: Mapping[str, Any],
    at: datetime,
    *,
    holder: KnownHolder | None = None,
) -> None:
    """Writes the audit event of a look-up; why somebody looked is free text, so it goes into an envelope.

    `holder`: whom alone it is about; `details` name them as `holder`. What it says is erased with them.
    """
    where = look_place("data_key", event.actor, at)
    data_key = keys.new_data_key(where) if holder is None else keys.new_record_key()
    wrapped = data_key.wrapped if holder is None else wrap_key(holder.key, data_key, where)
    db.execute(
        insert(audit_events).values(
            at=at,
            actor=event.actor,
            action=event.action,
            certificate_id=event.certificate_id,
            case_id=event.case_id,
            details=dict(event.details),
            data_key=wrapped,
            sealed=seal_json(data_key, reasons, look_place("sealed", event.actor, at)),
        )
    )


def look_key(db: ReadConnection, keys: KeyRing, event: Row[Any]) -> DataKey | None:
    """The data key of a look-up's envelope; None where the holder whom it is about is erased.

    Raises:
        IntegrityError: it does not open.
    """
    where = look_place("data_key", event.actor, event.at)
    if version_of(event.data_key) != BY_A_ROW:
        return keys.data_key(event.data_key, where)
    holder_id = UUID(event.details["holder"])
    query = select(holders.c.data_key).where(holders.c.id == holder_id)
    wrapped = db.execute(query).scalar_one_or_none()
    return (
        None if wrapped is None else unwrap_key(holder_key(keys, holder_id, wrapped), event.data_key, where)
    )


def look_place(column: str, actor: str, at: datetime) -> str:
    """What a look-up's envelope is bound to: its id is not known before it is written, who and when are."""
    return f"audit_events.{column}:{actor}:{at.astimezone(UTC).isoformat(timespec='microseconds')}"


# procrastinate's own function, called inside the caller's transaction: the job exists if and only if
# the transaction commits.
_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(CAST(:queue AS varchar), CAST(:task AS varchar), 0,"
    " NULL, NULL, CAST(:args AS jsonb), CAST(:at AS timestamptz))::procrastinate_job_to_defer_v1])"
)


def defer_job(
    db: WriteConnection, *, queue: str, task: str, arguments: Mapping[str, Any], at: datetime
) -> None:
    """Enqueues a job for the worker in this transaction, to be run no earlier than `at`."""
    db.execute(_DEFER, {"queue": queue, "task": task, "args": json.dumps(arguments), "at": at})
