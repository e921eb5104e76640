"""Changes of status and inspections, in the order in which they happen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from storage.db import WriteConnection
from storage.history import AuditRow, LeafRow, find_leaf, insert_leaves, insert_look
from storage.statuses import LockedCertificate, apply_event, events_of, lock_certificate
from vault.errors import Conflict, FieldProblem, InputError, IntegrityError
from vault.lifecycle.reading import Inspection, StatusChange
from vault.log import event_content, promised
from vault.model import access
from vault.model.actors import ClientGrant
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action, Forbidden, InspectionResult, StatusEvent, outcome
from vault.tlog.merkle_leaf import leaf_hash
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An event as it was asked for; `pointer`: where the request has its day."""

    action: Action
    reason: str | None
    day: date
    result: InspectionResult | None
    pointer: str

    def is_what(self, event: StatusEvent, client: ClientGrant) -> bool:
        """Whether this client asked for that event."""
        asked = (self.action, self.reason, self.day, self.result, client.client_id)
        return asked == (event.action, event.reason, event.effective_on, event.result, event.actor)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a change answers: the event, the log's promise for it, and whether it was there before."""

    certificate_id: UUID
    identifier: str
    event: StatusEvent
    promise: str
    log_index: int | None
    log_origin: str | None
    repeated: bool


def change_status(
    workshop: Workshop, client: ClientGrant, certificate_id: UUID, change: StatusChange, *, at: datetime
) -> Recorded:
    """Records a decision of the issuing authority and what the certificate is from then on.

    1. lock the certificate's row: of two changes at once the second one sees what the first one made.
    2. find: the same change (client, action, reason, day) as the newest one is a retry, answered with the
       event that is there. Equal to an older one it is a retry that came too late, and is refused.
    3. judge: the table of transitions permits the action, and the days are in order.
    4. record: event, status, log leaf and audit event. **The transaction's end is the commit point.**
    5. answer.

    Raises:
        NotFound: the client's grant does not hold the certificate, or there is no such certificate.
        Conflict: the certificate's status does not permit the action; the problem says why, in words.
        InputError: the change would take effect before the one that came before it.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    wanted = _Wanted(change.action, change.reason, change.effective_on, None, "/effective_on")
    with workshop.database.writing() as db:
        certificate, history = _entered(db, client, access.Action.CHANGE_STATUS, certificate_id)  # 1
        decided = [event for event in history if event.action is not Action.INSPECT]
        twins = [event for event in decided if wanted.is_what(event, client)]  # 2
        if twins and twins[-1] is decided[-1]:
            return _found(db, certificate, twins[-1])
        if twins:
            raise _too_late()
        return _record(db, workshop, client, certificate, wanted, decided[-1].day, at)  # 3, 4, 5


def record_inspection(
    workshop: Workshop, client: ClientGrant, certificate_id: UUID, inspection: Inspection, *, at: datetime
) -> Recorded:
    """Records an annual inspection (年检): a dated result in the history, no change of status.

    The steps are those of `change_status`; the same inspection again is answered with the event that is
    there, whatever came after it.

    Raises:
        NotFound: the client's grant does not hold the certificate, or there is no such certificate.
        Conflict: the certificate is no longer one that is inspected.
        InputError: the day lies before the certificate's issue.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    wanted = _Wanted(
        Action.INSPECT, inspection.remark, inspection.inspected_on, inspection.result, "/inspected_on"
    )
    with workshop.database.writing() as db:
        certificate, history = _entered(db, client, access.Action.INSPECT, certificate_id)  # 1
        twins = [event for event in history if wanted.is_what(event, client)]  # 2
        if twins:
            return _found(db, certificate, twins[-1])
        return _record(db, workshop, client, certificate, wanted, history[0].day, at)  # 3, 4, 5


def _entered(
    db: WriteConnection, client: ClientGrant, action: access.Action, certificate_id: UUID
) -> tuple[LockedCertificate, Sequence[StatusEvent]]:
    certificate = lock_certificate(db, certificate_id)
    if certificate is None:
        raise access.not_there(access.Kind.CERTIFICATE)
    of = access.Resource(access.Kind.CERTIFICATE, certificate.issuing_authority, certificate.type_code)
    access.authorize(client, action, of)
    return certificate, events_of(db, [certificate_id])[certificate_id]


def _found(db: WriteConnection, certificate: LockedCertificate, event: StatusEvent) -> Recorded:
    leaf = find_leaf(db, leaf_hash(event_content(certificate.identifier, event)))
    if leaf is None:
        raise IntegrityError(f"An event of {certificate.identifier} has no leaf in the log.")
    return Recorded(
        certificate.certificate_id,
        certificate.identifier,
        event,
        leaf.promise,
        leaf.log_index,
        leaf.log_origin,
        repeated=True,
    )


def _too_late() -> Conflict:
    sentence = (
        "This very change was made before, and others came after it: a retry that came too late changes "
        "nothing. A new decision differs in its reason or its day."
    )
    return Conflict(sentence, FieldProblem("/action", sentence))


def _record(
    db: WriteConnection,
    workshop: Workshop,
    client: ClientGrant,
    certificate: LockedCertificate,
    wanted: _Wanted,
    not_before: date,
    at: datetime,
) -> Recorded:
    status = outcome(certificate.status, wanted.action)
    if isinstance(status, Forbidden):
        raise Conflict(
            f"The certificate is {certificate.status}: {wanted.action} is not possible. {status.why}",
            FieldProblem("/action", status.why),
        )
    # Who issues on the eve of the day of issue may take it back on the eve, too.
    earliest = min(not_before, legal_day(at))
    if wanted.day < earliest:
        raise InputError.at(
            wanted.pointer, f"Expected {earliest} or later: that was the step before this one."
        )
    event = StatusEvent(wanted.action, status, client.client_id, wanted.reason, wanted.day, wanted.result, at)
    content = event_content(certificate.identifier, event)
    leaf = promised(workshop.log_key, content, at + workshop.promise_within)
    certificate_id = certificate.certificate_id
    apply_event(db, certificate_id, event, changes=status is not certificate.status)
    insert_leaves(db, [LeafRow(certificate_id, leaf.content, leaf.hash, leaf.promise)])
    details = {"action": wanted.action, "status": status}
    done = AuditRow(client.client_id, "status", certificate_id, None, details, client.acting_for)
    insert_look(db, workshop.keys, done, {}, at)
    return Recorded(certificate_id, certificate.identifier, event, leaf.promise, None, None, repeated=False)
