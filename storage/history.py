"""Insert-only rows: log leaves and audit events; and the outbox of jobs, all in the caller's transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, select, text, true
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import BY_A_ROW, DataKey, KeyRing, seal_json, unwrap_key, version_of, wrap_key
from storage.log_place import place_in_log
from storage.record_keys import USES, holder_key, record_key, way_in, way_in_columns
from storage.round_trip import Statement, insert_rows, tell
from storage.tables import audit_events, holders, log_leaves, uses
from vault.errors import IntegrityError
from vault.model.actors import Clerk, ClientGrant, Person
from vault.model.written import case_number_form

# Second looks, take-overs, copies to take away, what happens once a night: none of it is in a hurry.
UPKEEP_QUEUE = "scrub"

# What opening the key of a damaged row may raise.
_UNREADABLE = (IntegrityError, IndexError, TypeError, ValueError)

# Purpose of the blind index by which the looks for one case are found.
CASE = "audit-case"


@dataclass(frozen=True, slots=True)
class LeafRow:
    """A leaf of the transparency log before the sequencer gives it an index.

    `certificate_id` None: the log speaks of itself.
    """

    certificate_id: UUID | None
    leaf: bytes
    leaf_hash: bytes
    promise: str


@dataclass(frozen=True, slots=True)
class LeafPlace:
    """What the log has promised for a leaf; once it has a place, its index in the shard of this origin."""

    promise: str
    log_index: int | None
    log_origin: str | None


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One audit event; `details` holds no personal data. `acting_for`: whom a client named as its clerk."""

    actor: str
    action: str
    certificate_id: UUID | None
    case_id: UUID | None
    details: Mapping[str, Any]
    acting_for: Clerk | None = field(default=None, repr=False)


def look_by(
    who: ClientGrant | Person, action: str, certificate_id: UUID | None, details: Mapping[str, Any]
) -> AuditRow:
    """The event of somebody who looks for others: a system with its clerk, or staff of an organisation."""
    match who:
        case ClientGrant():
            return AuditRow(who.actor, action, certificate_id, None, details, who.acting_for)
        case Person():
            known = {**details, "organisation": who.organisation}
            return AuditRow(who.actor, action, certificate_id, None, known)


def insert_leaves(db: WriteConnection, leaves: Sequence[LeafRow]) -> None:
    """Writes leaves without an index: the sequencer gives those out later, in batches."""
    if not leaves:
        return
    insert_rows(
        db,
        log_leaves,
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
    query = select(log_leaves.c.promise, *place_in_log()).where(log_leaves.c.leaf_hash == leaf_hash)
    row = db.execute(query).one_or_none()
    return None if row is None else LeafPlace(row.promise, row.log_index, row.log_origin)


def insert_audit(db: WriteConnection, events: Sequence[AuditRow], at: datetime) -> None:
    """Writes audit events of the vault's own and of people; those of clients go through `insert_look`."""
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


# Built once, sent by the driver: SQLAlchemy takes longer for it than the server.
_LOOK = (
    insert(audit_events)
    .inline()
    .values({c.name: bindparam(c.name) for c in audit_events.c if not c.identity})
)
_NO_REASONS = dict.fromkeys(("data_key", "sealed", "case_index", "index_version"))


def insert_look(
    db: WriteConnection,
    keys: KeyRing,
    event: AuditRow,
    reasons: Mapping[str, Any],
    at: datetime,
    *,
    under: DataKey | None = None,
) -> None:
    """Writes the audit event of a client. Why it asked and for which clerk goes into an envelope.

    `under`: the key of the holder or the use that alone it is about; `details` name it as `holder` or `use`.
    What the envelope says is erased with them. A trigger files every event under whom and what it names, for
    the holders' histories (revision 0012). Answers nothing: it can share a round trip.
    """
    tell(db, look(keys, event, reasons, at, under=under))


def look(
    keys: KeyRing,
    event: AuditRow,
    reasons: Mapping[str, Any],
    at: datetime,
    *,
    under: DataKey | None = None,
) -> Statement:
    """What `insert_look` does, to be sent with others."""
    row = _look(keys, event, reasons, at, under)
    return _LOOK, {**_NO_REASONS, **row, "details": json.dumps(row["details"])}


def insert_numbered_look(
    db: WriteConnection, keys: KeyRing, event: AuditRow, reasons: Mapping[str, Any], at: datetime
) -> int:
    """As `insert_look`; the event's id."""
    statement = insert(audit_events).returning(audit_events.c.id)
    event_id: int = db.execute(statement, _look(keys, event, reasons, at, None)).scalar_one()
    return event_id


def _look(
    keys: KeyRing, event: AuditRow, reasons: Mapping[str, Any], at: datetime, under: DataKey | None
) -> dict[str, Any]:
    words = dict(reasons)
    if event.acting_for is not None:
        clerk = event.acting_for
        words["acting_for"] = {"name": clerk.name, "staff_number": clerk.staff_number}
    row: dict[str, Any] = {
        "at": at,
        "actor": event.actor,
        "action": event.action,
        "certificate_id": event.certificate_id,
        "case_id": event.case_id,
        "details": dict(event.details),
    }
    if words:
        where = look_place("data_key", event.actor, at)
        data_key = keys.new_data_key(where) if under is None else keys.new_record_key()
        row |= {
            "data_key": data_key.wrapped if under is None else wrap_key(under, data_key, where),
            "sealed": seal_json(data_key, words, look_place("sealed", event.actor, at)),
            **case_index_values(keys, reasons.get("case_number")),
        }
    return row


def case_index_values(keys: KeyRing, number: str | None) -> dict[str, object]:
    """The columns by which the looks for a case are found, under the active index key."""
    return {
        "case_index": None if number is None else keys.index(CASE, case_number_form(number)),
        "index_version": keys.index_version,
    }


def look_keys(db: ReadConnection, keys: KeyRing, events: Sequence[Row[Any]]) -> dict[int, DataKey | None]:
    """The data keys of these events' envelopes, by event id: two statements for any number of events.

    None where everybody is erased whom the event is about; nothing of an event without an envelope.

    Raises:
        IntegrityError: one does not open.
    """
    sealed = [event for event in events if event.sealed is not None]
    outer = keys_of_subjects(db, keys, [e for e in sealed if version_of(e.data_key) == BY_A_ROW])
    found: dict[int, DataKey | None] = {}
    for event in sealed:
        where, subject = look_place("data_key", event.actor, event.at), subject_of(event.details)
        if version_of(event.data_key) != BY_A_ROW:
            found[event.id] = keys.data_key(event.data_key, where)
        elif subject in outer:
            found[event.id] = unwrap_key(outer[subject], event.data_key, where)
        else:
            found[event.id] = None
    return found


def look_keys_or_why(
    db: ReadConnection, keys: KeyRing, events: Sequence[Row[Any]]
) -> dict[int, DataKey | IntegrityError | None]:
    """As `look_keys`, with why it does not open where one does not."""
    try:
        return {**look_keys(db, keys, events)}
    except _UNREADABLE:  # one after the other, to see which
        return {event.id: _look_key_or_why(db, keys, event) for event in events if event.sealed is not None}


def _look_key_or_why(db: ReadConnection, keys: KeyRing, event: Row[Any]) -> DataKey | IntegrityError | None:
    try:
        return look_keys(db, keys, [event])[event.id]
    except _UNREADABLE as error:
        sentence = f"The envelope of audit event {event.id} cannot be read."
        return error if isinstance(error, IntegrityError) else IntegrityError(sentence)


def subject_of(details: Mapping[str, Any]) -> tuple[str, UUID] | None:
    """The use or the holder that alone an event is about, where it is about one."""
    for what in ("use", "holder"):
        if details.get(what) is not None:
            return what, UUID(details[what])
    return None


def keys_of_subjects(
    db: ReadConnection, keys: KeyRing, events: Sequence[Row[Any]]
) -> dict[tuple[str, UUID], DataKey]:
    """The keys of the uses and holders that these events are about, of those that are not erased.

    Raises:
        IntegrityError: one does not open.
    """
    subjects = {subject for event in events if (subject := subject_of(event.details)) is not None}
    found: dict[tuple[str, UUID], DataKey] = {}
    named = {what: [each for kind, each in subjects if kind == what] for what in ("holder", "use")}
    if named["holder"]:
        query = select(holders.c.id, holders.c.data_key).where(
            holders.c.id.in_(named["holder"]), holders.c.data_key.is_not(None)
        )
        found |= {("holder", row.id): holder_key(keys, row.id, row.data_key) for row in db.execute(query)}
    if named["use"]:
        opener = way_in(USES)
        of_uses = (
            select(uses.c.id, uses.c.data_key, *way_in_columns(opener))
            .outerjoin(opener, true())
            .where(uses.c.id.in_(named["use"]))
        )
        opened = ((row.id, record_key(USES, keys, row)) for row in db.execute(of_uses))
        found |= {("use", use_id): key for use_id, key in opened if key is not None}
    return found


def look_place(column: str, actor: str, at: datetime) -> str:
    """What a look-up's envelope is bound to: its id is not known before it is written, who and when are."""
    return f"audit_events.{column}:{actor}:{at.astimezone(UTC).isoformat(timespec='microseconds')}"


# procrastinate's own function, called inside the caller's transaction: the job exists if and only if
# the transaction commits.
_DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(CAST(:queue AS varchar), CAST(:task AS varchar), 0,"
    " CAST(:lock AS text), NULL, CAST(:args AS jsonb), CAST(:at AS timestamptz))"
    "::procrastinate_job_to_defer_v1])"
)


def defer_job(
    db: WriteConnection,
    *,
    queue: str,
    task: str,
    arguments: Mapping[str, Any],
    at: datetime,
    lock: str | None = None,
) -> None:
    """Enqueues a job for the worker in this transaction, to be run no earlier than `at`.

    Of jobs with the same `lock` one runs at a time, the oldest first.
    """
    values = {"queue": queue, "task": task, "lock": lock, "args": json.dumps(arguments), "at": at}
    tell(db, (_DEFER, values))
