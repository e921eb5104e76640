"""Making a use, in the order in which it happens."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from storage.db import WriteConnection
from storage.history import AuditRow, insert_look
from storage.materials import find_material
from storage.statuses import lock_certificate
from storage.uses import find_standing_use, insert_code, insert_event, insert_use, request_index
from vault.errors import Conflict
from vault.model.actors import ClientGrant
from vault.model.ids import uuid7
from vault.model.scope import of_client
from vault.model.use import (
    CODE_BYTES,
    CODE_LIFETIME,
    Subject,
    SubjectKind,
    UseAction,
    UseEnd,
    UseRecord,
    end_sentence,
    use_ends,
)
from vault.uses.admitting import Used, admit
from vault.uses.copying import let_go, make_copy
from vault.uses.reading import UseRequest
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class MadeUse:
    """A use with a fresh code, at the one moment when it can be read. `repeated`: it was there before."""

    use: UseRecord
    code: str = field(repr=False)
    code_expires_at: datetime
    repeated: bool


def make_use(workshop: Workshop, client: ClientGrant, request: UseRequest, *, at: datetime) -> MadeUse:
    """Records who uses what for which case, and gives a code for it; with a copy if one is wanted.

    1. admit: what is to be used is there and in force, and the client may use it.
    2. find: the same request within the use's time is the same use, with the same copy.
    3. copy, where one is wanted and none is there: made, sealed, judged, stored and read back.
    4. commit: one transaction with use, holders, copy, code, event, audit event and job, after the
       certificate's row was locked, 1 was asked again, and 2: **this is the commit point**.
    5. answer; the code is shown here and kept as its hash only.

    No network call happens inside a transaction. A crash before 4 leaves at most an object that no row names,
    and the job that takes it away. Two tries at once: one makes the use, the other gets a code for it.

    Raises:
        NotFound: there is no such certificate or material.
        Conflict: it is not in force, or the same use was revoked.
        InputError: a copy is wanted and cannot be made of this file.
        Unavailable: an engine does not answer; the same request may succeed later.
        IntegrityError: the original is lost, or the vault's own work does not stand up to its own reader.
    """
    index = request_index(workshop.keys, request.canonical())
    scope = of_client(client).naming(request.subject.id)
    with workshop.database.reading(scope) as db:
        used = admit(db, workshop, client, request.subject, at=at)  # 1
        standing = find_standing_use(db, workshop.keys, index, at)  # 2
    made = _new_use(request, used, at)
    if request.copy and standing is None:
        made = make_copy(workshop, made, used, at=at)  # 3
    with workshop.database.writing(scope) as db:  # 4
        _lock(db, workshop, request.subject)
        admit(db, workshop, client, request.subject, at=at)
        standing = find_standing_use(db, workshop.keys, index, at)
        return _commit(db, workshop, made, standing, index, at)  # 5


def _new_use(request: UseRequest, used: Used, at: datetime) -> UseRecord:
    return UseRecord(
        use_id=uuid7(at),
        client_id=request.client_id,
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
    """Of two tries at once the second one sees what the first one made; a change of status waits, too."""
    if subject.kind is SubjectKind.CERTIFICATE:
        lock_certificate(db, subject.id)
    else:
        find_material(db, workshop.keys, subject.id, lock=True)


def _commit(
    db: WriteConnection,
    workshop: Workshop,
    made: UseRecord,
    standing: UseRecord | None,
    index: bytes,
    at: datetime,
) -> MadeUse:
    use, action = made, UseAction.MAKE
    if standing is None:
        insert_use(db, workshop.keys, made, index)
        if made.copy is not None:
            let_go(db, made.copy.sha256, made.expires_at)
    elif standing.end(at) is UseEnd.REVOKED:
        raise Conflict(
            f"This very use is there already. {end_sentence(standing, UseEnd.REVOKED)} Asking again does not "
            "bring it back: another use has another purpose or another case."
        )
    else:
        use, action = standing, UseAction.CODE
    code = secrets.token_urlsafe(CODE_BYTES)
    code_expires_at = min(at + CODE_LIFETIME, use.expires_at)
    insert_code(db, use.use_id, code_hash(code), at, code_expires_at)
    insert_event(db, use.use_id, action, use.client_id, at)
    note(db, workshop, use, action, use.client_id, at)
    return MadeUse(use, code, code_expires_at, repeated=action is UseAction.CODE)


def code_hash(code: str) -> bytes:
    """What is kept of a code: there is nothing to guess in 128 random bits, so SHA-256 is enough."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()


def note(
    db: WriteConnection, workshop: Workshop, use: UseRecord, action: UseAction, actor: str, at: datetime
) -> None:
    """The audit event of a step of a use: which one in clear, why in the envelope."""
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
            **({} if is_certificate else {"materials": [str(use.subject.id)]}),
        },
    )
    reasons = {
        "purpose": use.purpose,
        "case_number": use.case_number,
        "organisation": use.organisation,
        "clerk": use.clerk,
    }
    insert_look(db, workshop.keys, event, reasons, at)
