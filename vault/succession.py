"""A new version that begins later takes over on its first day; until then the old one stays in force."""

from datetime import date, datetime
from uuid import UUID

from storage.db import WriteConnection
from storage.history import UPKEEP_QUEUE, AuditRow, LeafRow, defer_job, insert_audit, insert_leaves
from storage.statuses import apply_event, events_of, find_successor, lock_certificate
from vault.errors import IntegrityError
from vault.log import event_content, promised
from vault.model.legal_time import day_begins, legal_day
from vault.model.lifecycle import TAKES_OVER, Action, Forbidden, StatusEvent, outcome
from vault.model.scope import VAULT
from vault.workshop import Workshop

TAKE_OVER_TASK = "take_over"


def defer_take_over(db: WriteConnection, certificate_id: UUID, valid_from: date) -> None:
    """Leaves the job that takes the version before this certificate out of force when it begins."""
    defer_job(
        db,
        queue=UPKEEP_QUEUE,
        task=TAKE_OVER_TASK,
        arguments={"certificate": str(certificate_id)},
        at=day_begins(valid_from),
    )


def take_over(workshop: Workshop, certificate_id: UUID, *, at: datetime) -> bool:
    """Supersedes the version before this certificate, which begins today or has begun; whether it did.

    1. lock the old version. 2. Nothing is done where it has ended by itself or another version has taken its
    place meanwhile, or where the new one was taken back before its first day: the old one stays what it is.
    3. record: event, status, log leaf and audit event. **The transaction's end is the commit point.**

    The same job again finds it superseded and does nothing.

    Raises:
        IntegrityError: there is no such certificate, or it has not begun yet.
        Unavailable: the database does not answer; the same job may succeed later.
    """
    with workshop.database.writing(VAULT) as db:
        new = find_successor(db, certificate_id)
        if new is None or new.predecessor is None or new.valid_from > legal_day(at):
            raise IntegrityError(f"Certificate {certificate_id} has nothing to take over today.")
        old = lock_certificate(db, new.predecessor)  # 1
        if old is None or old.superseded_by != certificate_id or new.status not in TAKES_OVER:  # 2
            return False
        status = outcome(old.status, Action.SUPERSEDE)
        if isinstance(status, Forbidden):
            return False
        # A job that comes late may find a later step, such as a suspension: days stay in order.
        before = events_of(db, [new.predecessor])[new.predecessor]
        day = max([new.valid_from, *(e.day for e in before if e.action is not Action.INSPECT)])
        event = StatusEvent(Action.SUPERSEDE, status, new.client_id, None, day, None, at)
        apply_event(db, new.predecessor, event, changes=True)  # 3
        content = event_content(old.identifier, event)
        leaf = promised(workshop.log_key, content, at + workshop.promise_within)
        insert_leaves(db, [LeafRow(new.predecessor, leaf.content, leaf.hash, leaf.promise)])
        details = {"action": event.action, "status": status, "successor": str(certificate_id)}
        insert_audit(db, [AuditRow(new.client_id, "status", new.predecessor, None, details)], at)
    return True
