"""Auditors look into the audit trail: envelopes are opened for them, and their look is itself recorded."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from storage.audit import (
    EVENT_ID_MIN,
    AuditEvent,
    AuditQuestion,
    ChainLink,
    HeadRow,
    find_events,
    links_of,
    newest_head,
)
from storage.audit_filing import note_look_at_events
from storage.db import ReadConnection
from storage.history import AuditRow, insert_numbered_look
from vault.errors import InputError, NotFound
from vault.log import audit_content, moment
from vault.tlog.merkle_leaf import leaf_hash
from vault.transparency.audit_trail import prove_event
from vault.transparency.serving import prove_leaf
from vault.workshop import Workshop

__all__ = ["AuditQuestion", "Auditor", "event_json", "export_events", "find"]

# The login under which somebody is known; never a name.
LOGIN = re.compile(r"[a-z0-9][a-z0-9.@_-]{1,62}")
PURPOSE_MAX_CHARS = 500
FOUND_MAX = 10_000
# Events of one page of an export: with proofs some megabytes.
EXPORT_PAGE = 200


@dataclass(frozen=True, slots=True)
class Auditor:
    """Who looks, and why: free text, kept in an envelope."""

    login: str
    purpose: str = field(repr=False)


def find(
    workshop: Workshop, auditor: Auditor, question: AuditQuestion, *, limit: int, at: datetime
) -> tuple[AuditEvent, ...]:
    """The oldest `limit` events that are asked for, envelopes opened.

    The answer and the record of this look are one transaction: nobody gets one without the other. It is filed
    under everyone whom the events are about, and stands in their histories.

    Raises:
        InputError: the auditor's login or purpose is none, or the limit is too high.
        IntegrityError: an envelope does not open.
        Unavailable: the database does not answer.
    """
    _check(auditor)
    if not 1 <= limit <= FOUND_MAX:
        raise InputError(f"Expected a limit of 1 to {FOUND_MAX}.")
    with workshop.database.noting() as db:
        found = find_events(db, workshop.keys, question, after=EVENT_ID_MIN, rows=limit)
        event = _look(auditor, "audit-find", question, {"found": len(found)})
        look = insert_numbered_look(db, workshop.keys, event, _reasons(auditor, question), at)
        note_look_at_events(db, look, [each.event_id for each in found])
    return found


def export_events(
    workshop: Workshop, auditor: Auditor, question: AuditQuestion, *, at: datetime
) -> Iterator[dict[str, Any]]:
    """The events that are asked for and in the chain, with what proves them, for JSON lines.

    The first line is the newest head with its tlog-proof; every other line an event with its row as the chain
    has it, its salt, and the path to the head. Events younger than the head are left out. The look is
    recorded before the first line.

    Raises:
        InputError: the auditor's login or purpose is none.
        NotFound: there is no head yet, or the log has not published it yet.
        IntegrityError: an envelope does not open, or a tree is damaged.
        Unavailable: the database does not answer.
    """
    _check(auditor)
    with workshop.database.reading() as db:
        head = newest_head(db)
        if head is None:
            raise NotFound("The audit chain has no head yet: run certvault log sequence.")
        first = _head_json(db, head)
    with workshop.database.writing() as db:
        event = _look(auditor, "audit-export", question, {"head": head.size})
        look = insert_numbered_look(db, workshop.keys, event, _reasons(auditor, question), at)
    yield first
    after = EVENT_ID_MIN
    while True:
        with workshop.database.writing() as db:
            page = find_events(db, workshop.keys, question, after=after, rows=EXPORT_PAGE)
            note_look_at_events(db, look, [each.event_id for each in page])
            links = links_of(db, [each.event_id for each in page])
            lines = [
                {**event_json(each), "chain": _chain_json(db, links[each.event_id], head)}
                for each in page
                if each.event_id in links and links[each.event_id].position < head.size
            ]
        yield from lines
        if not page:
            return
        after = page[-1].event_id


def event_json(event: AuditEvent) -> dict[str, Any]:
    """An event for programs, its envelope's contents among it."""
    return {
        "id": event.event_id,
        "at": moment(event.at),
        "actor": event.actor,
        "action": event.action,
        "certificate_id": None if event.certificate_id is None else str(event.certificate_id),
        "case_id": None if event.case_id is None else str(event.case_id),
        "details": dict(event.details),
        "reasons": None if event.reasons is None else dict(event.reasons),
    }


def _head_json(db: ReadConnection, head: HeadRow) -> dict[str, Any]:
    content = audit_content(head.size, head.root, head.made_at)
    _, proof = prove_leaf(db, None, leaf_hash(content))
    return {
        "head": {"size": head.size, "root": head.root.hex(), "made_at": moment(head.made_at)},
        "tlog_proof": proof.decode(),
    }


def _chain_json(db: ReadConnection, link: ChainLink, head: HeadRow) -> dict[str, Any]:
    return {
        "position": link.position,
        "salt": link.salt.hex(),
        "row": "" if link.event is None else link.event.content.decode(),
        "proof": [each.hex() for each in prove_event(db, link.position, head)],
    }


def _look(auditor: Auditor, action: str, question: AuditQuestion, more: dict[str, Any]) -> AuditRow:
    asked = {
        "actor": question.actor,
        "action": question.action,
        "since": None if question.since is None else moment(question.since),
        "until": None if question.until is None else moment(question.until),
    }
    known = {name: value for name, value in asked.items() if value is not None}
    return AuditRow(f"auditor:{auditor.login}", action, question.certificate_id, None, {**known, **more})


def _reasons(auditor: Auditor, question: AuditQuestion) -> dict[str, Any]:
    return {"purpose": auditor.purpose, "case_number": question.case_number}


def _check(auditor: Auditor) -> None:
    if LOGIN.fullmatch(auditor.login) is None:
        raise InputError("An auditor's login is 2 to 63 lower-case letters, digits and . @ _ -.")
    if not 1 <= len(auditor.purpose.strip()) <= PURPOSE_MAX_CHARS:
        raise InputError(f"Say why you look, in 1 to {PURPOSE_MAX_CHARS} characters.")
