"""Rows of the audit trail: the events, their places in the chain, and the chain's heads."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey, KeyRing, open_json
from storage.history import CASE, look_keys_or_why, look_place
from storage.key_state import found_by
from storage.tables import audit_chain, audit_events, audit_heads, cases, certificates
from vault.errors import IntegrityError
from vault.model.written import case_number_form


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """An audit event. `content`: the row as the bytes that the chain commits to.

    `reasons`: what the envelope holds (purpose, service item, case number); None where it was not opened, or
    where those whom it is about are erased.
    """

    event_id: int
    at: datetime
    actor: str
    action: str
    certificate_id: UUID | None
    case_id: UUID | None
    details: Mapping[str, Any]
    content: bytes = field(repr=False)
    reasons: Mapping[str, Any] | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class ChainLink:
    """An event's place in the chain. `event`: as its row is now; None where the row is gone."""

    position: int
    event_id: int
    salt: bytes = field(repr=False)
    leaf_hash: bytes
    event: AuditEvent | None


@dataclass(frozen=True, slots=True)
class HeadRow:
    """The chain's root at a size, and the highest event id in it."""

    size: int
    root: bytes
    high_event_id: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """Which events an auditor asks for; what is None is not asked about. `case_number` in any spelling."""

    certificate_id: UUID | None = None
    case_number: str | None = field(default=None, repr=False)
    actor: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


RENEWED_COLUMNS = frozenset({"data_key", "case_index", "index_version"})
"""What a rotation of the vault's own keys writes anew in an event; a trigger keeps everything else."""

EVENT_ID_MIN = -(2**63)
"""Below every event id: the database gives out positive ones, who tampers with it need not."""


def unchained_events(db: ReadConnection, above: int, rows: int) -> tuple[AuditEvent, ...]:
    """The next events with a higher id that have no place in the chain, in the order of their ids."""
    query = (
        select(audit_events)
        .outerjoin(audit_chain, audit_chain.c.event_id == audit_events.c.id)
        .where(audit_events.c.id > above, audit_chain.c.event_id.is_(None))
        .order_by(audit_events.c.id)
        .limit(rows)
    )
    return tuple(_event(row) for row in db.execute(query))


def chain_size(db: ReadConnection) -> int:
    """How many events are in the chain."""
    query = select(func.coalesce(func.max(audit_chain.c.position) + 1, 0))
    return int(db.execute(query).scalar_one())


def insert_links(db: WriteConnection, first: int, links: Sequence[tuple[int, bytes, bytes]]) -> None:
    """Gives events their places from `first` on; each with its id, salt and leaf hash."""
    db.execute(
        insert(audit_chain),
        [
            {"position": first + n, "event_id": event_id, "salt": salt, "leaf_hash": leaf}
            for n, (event_id, salt, leaf) in enumerate(links)
        ],
    )


def link_page(db: ReadConnection, first: int, rows: int) -> tuple[ChainLink, ...]:
    """The next links from this position on, in order, each with its event as it is now."""
    query = (
        select(audit_chain, audit_events)
        .outerjoin(audit_events, audit_events.c.id == audit_chain.c.event_id)
        .where(audit_chain.c.position >= first)
        .order_by(audit_chain.c.position)
        .limit(rows)
    )
    return tuple(_link(row) for row in db.execute(query))


def links_of(db: ReadConnection, event_ids: Sequence[int]) -> dict[int, ChainLink]:
    """The links of these events, by event id."""
    query = (
        select(audit_chain, audit_events)
        .join(audit_events, audit_events.c.id == audit_chain.c.event_id)
        .where(audit_chain.c.event_id.in_(event_ids))
    )
    return {row.event_id: _link(row) for row in db.execute(query)}


def newest_head(db: ReadConnection, *, before: datetime | None = None) -> HeadRow | None:
    """The largest head; with `before`, the largest that was made earlier than that."""
    query = select(audit_heads).order_by(audit_heads.c.size.desc()).limit(1)
    if before is not None:
        query = query.where(audit_heads.c.made_at < before)
    row = db.execute(query).one_or_none()
    return None if row is None else HeadRow(row.size, row.root, row.high_event_id, row.made_at)


def heads(db: ReadConnection, after: int, rows: int) -> tuple[HeadRow, ...]:
    """The next heads above this size."""
    query = select(audit_heads).where(audit_heads.c.size > after).order_by(audit_heads.c.size).limit(rows)
    return tuple(HeadRow(row.size, row.root, row.high_event_id, row.made_at) for row in db.execute(query))


def insert_head(db: WriteConnection, head: HeadRow) -> None:
    """Keeps a head."""
    db.execute(
        insert(audit_heads).values(
            size=head.size, root=head.root, high_event_id=head.high_event_id, made_at=head.made_at
        )
    )


def high_event_id(db: ReadConnection) -> int:
    """The highest event id in the chain; 0 where it is empty."""
    query = select(func.coalesce(func.max(audit_chain.c.event_id), 0))
    return int(db.execute(query).scalar_one())


def find_events(
    db: ReadConnection, keys: KeyRing, question: AuditQuestion, *, after: int, rows: int
) -> tuple[AuditEvent, ...]:
    """The next events with a higher id that are asked for, their envelopes opened.

    Raises:
        IntegrityError: an envelope does not open.
    """
    query = _asked(keys, question).where(audit_events.c.id > after).order_by(audit_events.c.id).limit(rows)
    found = db.execute(query).all()
    data_keys = look_keys_or_why(db, keys, found)
    return tuple(_event(row, reasons_of(data_keys.get(row.id), row)) for row in found)


def _asked(keys: KeyRing, question: AuditQuestion) -> Select[Any]:
    query = select(audit_events)
    if question.certificate_id is not None:
        named = {"certificates": [str(question.certificate_id)]}
        of_case = select(certificates.c.case_id).where(certificates.c.id == question.certificate_id)
        query = query.where(
            or_(
                audit_events.c.certificate_id == question.certificate_id,
                audit_events.c.details.contains(named),
                audit_events.c.case_id == of_case.scalar_subquery(),
            )
        )
    if question.case_number is not None:
        number = case_number_form(question.case_number)
        ours = select(cases.c.id).where(cases.c.number == number)
        theirs = select(certificates.c.id).where(certificates.c.case_id.in_(ours))
        query = query.where(
            or_(
                found_by(audit_events.c.case_index, keys, (CASE, number)),
                audit_events.c.case_id.in_(ours),
                audit_events.c.certificate_id.in_(theirs),
            )
        )
    if question.actor is not None:
        query = query.where(audit_events.c.actor == question.actor)
    if question.action is not None:
        query = query.where(audit_events.c.action == question.action)
    if question.since is not None:
        query = query.where(audit_events.c.at >= question.since)
    if question.until is not None:
        query = query.where(audit_events.c.at < question.until)
    return query


def reasons_of(data_key: DataKey | IntegrityError | None, row: Row[Any]) -> Mapping[str, Any] | None:
    """What the envelope of an event's row holds, by its key from `look_keys_or_why`.

    None where it has none, or where everybody is erased whom it is about.

    Raises:
        IntegrityError: it does not open.
    """
    if isinstance(data_key, IntegrityError):
        raise data_key
    if data_key is None:
        return None
    reasons: Mapping[str, Any] = open_json(data_key, row.sealed, look_place("sealed", row.actor, row.at))
    return reasons


def _link(row: Row[Any]) -> ChainLink:
    event = None if row.id is None else _event(row)
    return ChainLink(row.position, row.event_id, row.salt, row.leaf_hash, event)


def _event(row: Row[Any], reasons: Mapping[str, Any] | None = None) -> AuditEvent:
    return AuditEvent(
        row.id,
        row.at,
        row.actor,
        row.action,
        row.certificate_id,
        row.case_id,
        row.details,
        _content(row),
        reasons,
    )


def _content(row: Row[Any]) -> bytes:
    """Every column that says something, by name: a column that comes later leaves old rows as they were.

    Not those that a rotation writes anew: they say nothing, and lead to what the others say.
    """
    said = {name: _plain(getattr(row, name)) for name in audit_events.c.keys() if name not in RENEWED_COLUMNS}  # noqa: SIM118 - names, not columns
    known = {name: value for name, value in said.items() if value is not None}
    return json.dumps(known, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case UUID():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="microseconds")
        case _:
            return value
