"""A holder disputes a certificate of theirs, or an access to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.accesses import find_access, is_of_holder
from storage.certificates import record
from storage.changes import audience_of_client
from storage.db import WriteConnection
from storage.disputes import count_open_of, find_open_dispute, hold_disputes_of, insert_dispute
from storage.history import AuditRow, insert_audit
from storage.holders import find_holder
from storage.record_keys import KnownHolder
from vault.errors import Conflict, FieldProblem, InputError
from vault.model.access import Action, Kind, Resource, authorize, not_there
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord
from vault.model.dispute import (
    OF_ACCESSES,
    OF_CERTIFICATES,
    Dispute,
    DisputedAccess,
    DisputeEvent,
    DisputeKind,
    DisputeState,
    due_on,
    request_text,
)
from vault.model.history_entry import Access, Who, read_access_id
from vault.model.ids import uuid7
from vault.model.legal_time import legal_day
from vault.model.written import text_form
from vault.workshop import Workshop

# A page of text; a document belongs to the authority's own procedure.
STATEMENT_MAX_CHARS = 2_000
# More than anybody has to say at a time; each is work for somebody within its days.
OPEN_MAX = 20
_LINES = "\n"


@dataclass(frozen=True, slots=True)
class DisputeRequest:
    """What is disputed, checked: one of a certificate and an access."""

    certificate_id: UUID | None
    access_id: int | None
    kind: DisputeKind
    statement: str = field(repr=False)

    def canonical(self) -> str:
        """What two requests must share to be the same one, as text."""
        return request_text(self.certificate_id, self.access_id, self.kind, self.statement)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A dispute, and whether it was there before."""

    dispute: Dispute
    repeated: bool


def read_dispute(request: Mapping[str, Any]) -> DisputeRequest:
    """Checks a dispute's JSON (its shape is the contract's already).

    Raises:
        InputError: with one problem for each bad field.
    """
    problems: list[FieldProblem] = []
    certificate, access = request.get("certificate_id"), request.get("access_id")
    if (certificate is None) == (access is None):
        got = "none" if certificate is None else "both"
        problems.append(FieldProblem("", f"Expected one of certificate_id and access_id, got {got}."))
    certificate_id = None if certificate is None else _certificate_id(problems, certificate)
    event_id = None if access is None else _event_id(problems, access)
    kinds = OF_CERTIFICATES if access is None else OF_ACCESSES
    kind = DisputeKind(request["kind"]) if request["kind"] in kinds else DisputeKind.OTHER
    if request["kind"] not in kinds:
        about = "a certificate" if access is None else "an access"
        expected = ", ".join(k for k in DisputeKind if k in kinds)
        problems.append(FieldProblem("/kind", f"Expected for {about} one of {expected}."))
    statement = text_form(request["statement"])
    if not 1 <= len(statement) <= STATEMENT_MAX_CHARS:
        detail = f"Expected 1 to {STATEMENT_MAX_CHARS} characters, got {len(statement)}."
        problems.append(FieldProblem("/statement", detail))
    elif not all(c.isprintable() or c in _LINES for c in statement):
        detail = "Expected printable characters, got a control or invisible one."
        problems.append(FieldProblem("/statement", detail))
    if problems:
        raise InputError("The dispute was refused.", *problems)
    return DisputeRequest(certificate_id, event_id, kind, statement)


def submit(workshop: Workshop, person: Person, request: DisputeRequest, *, at: datetime) -> Submitted:
    """Opens a dispute; its clock starts.

    1. hold the holder: of two tries at once the second one sees what the first one made.
    2. find what is disputed among what is theirs, and who answers for it.
    3. find: the same request, while its dispute is open, is the same dispute.
    4. record: dispute, first step and audit event. **The transaction's end is the commit point.**

    Who answers: for a certificate the authority that issued it; for an access the body whose system looked.

    Raises:
        NotFound: they have no such certificate, and no such access that they may see.
        InputError: the access was by no approval system and no body's staff, at `/access_id`.
        Conflict: they have `OPEN_MAX` open disputes.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    with workshop.database.writing() as db:
        holder = _held(db, workshop, person)  # 1
        certificate, access = _found(db, workshop, holder, person, request, at)  # 2
        theirs = frozenset() if person.code is None else frozenset({person.code.identity})
        nothing = holder is None or (certificate is None and access is None)
        kind = Kind.CERTIFICATE if request.access_id is None else Kind.ACCESS
        resource = Resource(kind, holders=frozenset() if nothing else theirs)
        authorize(person, Action.DISPUTE, resource)
        if holder is None:
            raise not_there(kind)
        new = _new(holder.holder_id, person, request, certificate, access, at)
        known = find_open_dispute(db, workshop.keys, holder.holder_id, request.canonical())  # 3
        if known is not None:
            return Submitted(known, repeated=True)
        open_now = count_open_of(db, holder.holder_id)
        if open_now >= OPEN_MAX:
            raise Conflict(f"You have {open_now} open disputes: wait until one of them is decided.")
        insert_dispute(db, workshop.keys, holder, new, request.canonical())  # 4
        note(db, new, "dispute-submit", new.events[0].actor, at)
    return Submitted(new, repeated=False)


def note(db: WriteConnection, dispute: Dispute, action: str, actor: str, at: datetime) -> None:
    """The audit event of a step: filed under the holder and the certificate, not its other holders."""
    things = [] if dispute.certificate_id is None else [str(dispute.certificate_id)]
    details = {"dispute": str(dispute.dispute_id), "holder": str(dispute.holder_id), "things": things}
    insert_audit(db, [AuditRow(actor, action, None, None, details)], at)


def _held(db: WriteConnection, workshop: Workshop, person: Person) -> KnownHolder | None:
    holder_id = None if person.code is None else find_holder(db, workshop.keys, person.code)
    return None if holder_id is None else hold_disputes_of(db, workshop.keys, holder_id)


def _found(
    db: WriteConnection,
    workshop: Workshop,
    holder: KnownHolder | None,
    person: Person,
    request: DisputeRequest,
    at: datetime,
) -> tuple[CertificateRecord | None, Access | None]:
    """The certificate or the access, where it is theirs and they may see it."""
    if holder is None or person.code is None:
        return None, None
    if request.access_id is not None:
        access = find_access(db, workshop.keys, holder.holder_id, person.code, request.access_id, at=at)
        return None, access
    if request.certificate_id is None or not is_of_holder(db, request.certificate_id, holder.holder_id):
        return None, None
    found = record(db, workshop.keys, request.certificate_id)
    return (found if isinstance(found, CertificateRecord) else None), None


def _new(
    holder_id: UUID,
    person: Person,
    request: DisputeRequest,
    certificate: CertificateRecord | None,
    access: Access | None,
    at: datetime,
) -> Dispute:
    opened_on = legal_day(at)
    first = DisputeEvent(DisputeState.SUBMITTED, None, None, person.actor, at)
    return Dispute(
        dispute_id=uuid7(at),
        holder_id=holder_id,
        certificate_id=request.certificate_id,
        identifier=None if certificate is None else certificate.identifier,
        type_code=None if certificate is None else certificate.type_code,
        access=None if access is None else DisputedAccess(access.event_id, access.action, access.at),
        audience=_answering(certificate, access),
        kind=request.kind,
        state=DisputeState.SUBMITTED,
        statement=request.statement,
        opened_at=at,
        due_on=due_on(opened_on),
        events=(first,),
    )


def _answering(certificate: CertificateRecord | None, access: Access | None) -> str:
    """Who issued the certificate; for an access, for whom somebody looked, where that is one body.

    Otherwise the system's own.
    """
    if certificate is not None:
        return certificate.issuing_authority
    staff = access is not None and access.by_clerk and len(access.authorities) == 1
    if access is None or not (staff or (access.who is Who.SYSTEM and access.client is not None)):
        sentence = "This access was by no approval system and no body's staff: nobody decides about it here."
        raise InputError.at("/access_id", sentence)
    if len(access.authorities) == 1:
        return access.authorities[0]
    return audience_of_client(access.actor)


def _certificate_id(problems: list[FieldProblem], value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        problems.append(FieldProblem("/certificate_id", "Expected a UUID, got another text."))
        return None


def _event_id(problems: list[FieldProblem], value: str) -> int | None:
    try:
        return read_access_id(value)
    except InputError as error:
        problems += error.under("/access_id").problems
        return None
