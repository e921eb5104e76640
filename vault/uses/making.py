"""Making a use, in the order in which it happens."""

import hashlib
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey
from storage.history import AuditRow, insert_look, look_by
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
from vault.copy_removal import let_go
from vault.errors import Conflict, FieldProblem, NotFound, NotPermitted, Unavailable
from vault.grounds import ConsentQuestion, spend, standing_footing
from vault.model.access import Action, Caller, Context
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord
from vault.model.consent import Look
from vault.model.footing import Consented, Footing, footing_json
from vault.model.ids import uuid7
from vault.model.legal_time import day_ends
from vault.model.scope import NOBODY, of_caller
from vault.model.use import (
    CODE_BYTES,
    CODE_LIFETIME,
    Subject,
    SubjectKind,
    UseAction,
    UseEnd,
    UseRecord,
    UseRequest,
    end_sentence,
    request_text,
    use_ends,
)
from vault.uses.admitting import Admitted, admit
from vault.uses.copying import NewUse, make_copy
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

    1. admit: what is to be used is there and in force, and the caller may use it, by function or by consent.
    2. find: the same request within the use's time is the same use, with the same copy.
    3. copy, where one is wanted and none is there: made, sealed, judged, stored and read back.
    4. commit: one transaction with use, holders, copy, code, event, audit event and job, after the
       certificate's row and the consents were locked, 1 was asked again, and 2; a new use takes one off its
       consent: **this is the commit point**.
    5. answer; the code is shown here and kept as its hash only.

    No network call happens inside a transaction. A crash before 4 leaves at most an object that no row names,
    and the job that takes it away. Two tries at once: one makes the use, the other gets a code for it.

    Raises:
        NotFound: there is no such certificate or material that the caller may use.
        NotPermitted: a copy is wanted, and the consent is not for all that a copy shows.
        Conflict: it is not in force, or the same use was revoked.
        InputError: a copy is wanted and cannot be made of this file.
        Unavailable: an engine does not answer; the same request may succeed later.
        IntegrityError: the original is lost, or the vault's own work does not stand up to its own reader.
    """
    text = request_text(request, copy=request.copy)
    scope = of_caller(caller).naming(request.subject.id)
    try:
        with workshop.database.reading(scope) as db:
            standing = find_standing_use(db, workshop.keys, text, at)  # 2
            admitted = _admit(db, workshop, caller, request, standing, at)  # 1
    except NotFound:
        _note_refusal(workshop, caller, request, at)
        raise
    made = NewUse(_new_use(request, admitted, at), workshop.keys.new_record_key())
    standing = _the_same(standing, made.use, at)
    if request.copy and standing is None:
        _check_copy(admitted)
        made = make_copy(workshop, made, admitted.used, at=at)  # 3
    with workshop.database.writing(scope) as db:  # 4
        _lock(db, workshop, request.subject)
        standing = find_standing_use(db, workshop.keys, text, at)
        admitted = _admit(db, workshop, caller, request, standing, at, lock=True)
        made = _still(made, _new_use(request, admitted, at))
        standing = _the_same(standing, made.use, at)
        if standing is None:
            grounds, used = [admitted.ground], _certificate_id(request)
            spend(db, caller, _question(request), grounds, certificate_id=used, at=at)
        return _commit(db, workshop, caller, made, standing, text, at)  # 5


def _question(request: UseRequest) -> ConsentQuestion:
    more = {"request": request_text(request, copy=request.copy)}
    return ConsentQuestion(Look.USE, request.service_item, request.purpose, more)


def _admit(
    db: ReadConnection,
    workshop: Workshop,
    caller: Caller,
    request: UseRequest,
    standing: UseRecord | None,
    at: datetime,
    *,
    lock: bool = False,
) -> Admitted:
    context = Context(request.purpose, request.case_number, request.service_item, request.handled_by)
    subject, question = request.subject, _question(request)
    return admit(
        db, workshop, caller, Action.USE, subject, context, question, under=standing, lock=lock, at=at
    )


def _note_refusal(workshop: Workshop, caller: Caller, request: UseRequest, at: datetime) -> None:
    """That an organisation without a consent was told nothing is recorded before it is told so."""
    if standing_footing(caller) is not None:
        return
    named = {f"{request.subject.kind}s": [str(request.subject.id)]}
    event = look_by(caller, "refused-use", None, {**named, **footing_json(Consented(()))})
    reasons = {"purpose": request.purpose, "case_number": request.case_number}
    with workshop.database.writing(NOBODY) as db:
        insert_look(db, workshop.keys, event, reasons, at)


def _certificate_id(request: UseRequest) -> UUID | None:
    return request.subject.id if request.subject.kind is SubjectKind.CERTIFICATE else None


def _check_copy(admitted: Admitted) -> None:
    """A copy shows the whole face, with everybody who holds it."""
    used, by_type = admitted.used, admitted.ground.by_type
    if by_type is None or not isinstance(used, CertificateRecord):
        return
    consent = by_type[used.type_code]
    sentence = None
    if consent.fields is not None:
        sentence = "The consent is for some fields of the face; a copy shows all of it."
    elif any(holder.code.identity != consent.holder.identity for holder in used.holders):
        sentence = "The consent is of one of its holders; a copy shows all of them."
    if sentence is not None:
        raise NotPermitted(sentence, FieldProblem("/copy", sentence))


def _still(made: NewUse, now: UseRecord) -> NewUse:
    """The use as it was prepared, if it still rests on what it rested on then: its copy names its end.

    Raises:
        Unavailable: the consents changed meanwhile.
    """
    if (made.use.footing, made.use.expires_at) == (now.footing, now.expires_at):
        return made
    if made.use.copy is not None:
        raise Unavailable("The consents changed while the copy was made: send it again.", retry_after_s=1)
    return replace(made, use=now)


def _the_same(standing: UseRecord | None, made: UseRecord, at: datetime) -> UseRecord | None:
    """The standing use, unless it ended with a consent that was taken back and there is a new one."""
    ended = standing is not None and standing.end(at) is UseEnd.REVOKED
    if standing is not None and ended and isinstance(standing.footing, Consented):
        return standing if standing.footing == made.footing else None
    return standing


def _new_use(request: UseRequest, admitted: Admitted, at: datetime) -> UseRecord:
    """A use ends with the consent that it rests on, at the latest."""
    ground, ends = admitted.ground, use_ends(at, admitted.used.valid_to)
    consents = () if ground.by_type is None else ground.by_type.values()
    return UseRecord(
        use_id=uuid7(at),
        made_by=request.made_by,
        subject=request.subject,
        service_item=request.service_item,
        case_number=request.case_number,
        purpose=request.purpose,
        organisation=request.organisation,
        clerk=request.clerk,
        made_at=at,
        expires_at=min([ends, *(day_ends(consent.valid_to) for consent in consents)]),
        revoked_at=None,
        copy=None,
        footing=ground.footing,
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
    footing: Footing | None = None,
) -> None:
    """The audit event of a step of a use: which one in clear, why in the envelope, under the use's `key`.

    `organisation`: for which one somebody acted who signed in as its clerk. `footing`: what the step rests
    on, where that is not what the use does.
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
            **footing_json(footing or use.footing),
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
