"""Making a use, in the order in which it happens."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from storage.db import WriteConnection
from storage.envelope import DataKey
from storage.history import AuditRow, insert_look
from storage.materials import find_material
from storage.statuses import lock_certificate
from storage.uses import (
    find_standing_use,
    find_use_key,
    insert_code,
    insert_event,
    insert_use,
    lock_holders_of,
)
from vault.errors import Conflict
from vault.model.access import Action, Caller, Context, Footing
from vault.model.actors import Person
from vault.model.ids import uuid7
from vault.model.scope import of_caller
from vault.model.use import (
    CODE_BYTES,
    CODE_LIFETIME,
    Subject,
    SubjectKind,
    UseAction,
    UseEnd,
    UseRecord,
    end_sentence,
    request_text,
    use_ends,
)
from vault.uses.admitting import Used, admit
from vault.uses.copying import NewUse, let_go, make_copy
from vault.uses.reading import UseRequest
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class MadeUse:
    """A use with a fresh code, at the one moment when it can be read. `repeated`: it was there before."""

    use: UseRecord
    code: str = field(repr=False)
    code_expires_at: datetime
    repeated: bool


def make_use(workshop: Workshop, caller: Caller, request: UseRequest, *, at: datetime) -> MadeUse:
    """Records who uses what for which case, and gives a code for it; with a copy if one is wanted.

    1. admit: what is to be used is there and in force, and the caller may use it.
    2. find: the same request within the use's time is the same use, with the same copy.
    3. copy, where one is wanted and none is there: made, sealed, judged, stored and read back.
    4. commit: one transaction with use, holders, copy, code, event, audit event and job, after the
       certificate's row was locked, 1 was asked again, and 2: **this is the commit point**.
    5. answer; the code is shown here and kept as its hash only.

    No network call happens inside a transaction. A crash before 4 leaves at most an object that no row names,
    and the job that takes it away. Two tries at once: one makes the use, the other gets a code for it.

    Raises:
        NotFound: there is no such certificate or material that the caller may use.
        Conflict: it is not in force, or the same use was revoked.
        InputError: a copy is wanted and cannot be made of this file.
        Unavailable: an engine does not answer; the same request may succeed later.
        IntegrityError: the original is lost, or the vault's own work does not stand up to its own reader.
    """
    context = _context(request)
    scope = of_caller(caller).naming(request.subject.id)
    with workshop.database.reading(scope) as db:
        used = admit(db, workshop, caller, Action.USE, request.subject, context, at=at)  # 1
        made = NewUse(_new_use(request, used, at), workshop.keys.new_record_key())
        text = request_text(made.use, copy=request.copy)
        standing = find_standing_use(db, workshop.keys, text, at)  # 2
    if request.copy and standing is None:
        made = make_copy(workshop, made, used, at=at)  # 3
    with workshop.database.writing(scope) as db:  # 4
        _lock(db, workshop, request.subject)
        admit(db, workshop, caller, Action.USE, request.subject, context, at=at)
        standing = find_standing_use(db, workshop.keys, text, at)
        return _commit(db, workshop, caller, made, standing, text, at)  # 5


def _context(request: UseRequest) -> Context:
    """A use stands on the function of the authority whose item it is for (依职能)."""
    return Context(
        request.purpose, request.case_number, request.service_item, request.handled_by, Footing.FUNCTION
    )


def _new_use(request: UseRequest, used: Used, at: datetime) -> UseRecord:
    return UseRecord(
        use_id=uuid7(at),
        made_by=request.asked_by,
        subject=request.subject,
        service_item=request.service_item,
        case_number=request.case_number,
        purpose=request.purpose,
        organisation=request.organisation,
        clerk=request.clerk,
        made_at=at,
        expires_at=use_ends(at, used.valid_to),
        revoked_at=None,
        copy=None,
    )


def _lock(db: WriteConnection, workshop: Workshop, subject: Subject) -> None:
    """Of two tries at once the second one sees what the first one made; a change of status waits, too.

    Holders first, as an erasure does.
    """
    lock_holders_of(db, subject)
    if subject.kind is SubjectKind.CERTIFICATE:
        lock_certificate(db, subject.id)
    else:
        find_material(db, workshop.keys, subject.id, lock=True)


def _commit(
    db: WriteConnection,
    workshop: Workshop,
    caller: Caller,
    made: NewUse,
    standing: UseRecord | None,
    text: str,
    at: datetime,
) -> MadeUse:
    key: DataKey | None = made.key
    use, action = made.use, UseAction.MAKE
    if standing is None:
        insert_use(db, workshop.keys, use, made.key, request=text, copy_name=made.copy_name)
        if made.copy_name is not None:
            let_go(db, made.copy_name, use.expires_at)
    elif standing.end(at) is UseEnd.REVOKED:
        raise Conflict(
            f"This very use is there already. {end_sentence(standing, UseEnd.REVOKED)} Asking again does not "
            "bring it back: another use has another purpose or another case."
        )
    else:
        use, action, key = standing, UseAction.CODE, find_use_key(db, workshop.keys, standing.use_id)
    code = secrets.token_urlsafe(CODE_BYTES)
    code_expires_at = min(at + CODE_LIFETIME, use.expires_at)
    insert_code(db, use.use_id, code_hash(code), at, code_expires_at)
    insert_event(db, use.use_id, action, use.made_by, at)
    note(db, workshop, use, action, use.made_by, at, key, organisation=organisation_of(caller))
    return MadeUse(use, code, code_expires_at, repeated=action is UseAction.CODE)


def code_hash(code: str) -> bytes:
    """What is kept of a code: there is nothing to guess in 128 random bits, so SHA-256 is enough."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


def organisation_of(caller: Caller) -> str | None:
    """USCC of the organisation for which a clerk who signed in makes a use; None for a system."""
    return caller.organisation if isinstance(caller, Person) else None


def note(
    db: WriteConnection,
    workshop: Workshop,
    use: UseRecord,
    action: UseAction,
    actor: str,
    at: datetime,
    key: DataKey | None,
    *,
    organisation: str | None = None,
) -> None:
    """The audit event of a step of a use: which one in clear, why in the envelope, under the use's `key`.

    `organisation`: for which one somebody acted who signed in as its clerk.
    """
    is_certificate = use.subject.kind is SubjectKind.CERTIFICATE
    event = AuditRow(
        actor=actor,
        action=f"use-{action.value}",
        certificate_id=use.subject.id if is_certificate else None,
        case_id=None,
        details={
            "use": str(use.use_id),
            "service_item": use.service_item,
            "copy": None if use.copy is None else use.copy.sha256,
            **({} if organisation is None else {"organisation": organisation}),
            **({} if is_certificate else {"materials": [str(use.subject.id)]}),
        },
    )
    reasons = {
        "purpose": use.purpose,
        "case_number": use.case_number,
        "organisation": use.organisation,
        "clerk": use.clerk,
    }
    if use.erased:
        reasons = {}
    insert_look(db, workshop.keys, event, reasons, at, under=key)
