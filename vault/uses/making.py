"""Making a use, in the order in which it happens."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from storage.db import ReadConnection, WriteConnection
from storage.history import AuditRow, insert_look
from storage.materials import find_material
from storage.statuses import lock_certificate
from storage.uses import find_standing_use, insert_code, insert_event, insert_use, request_index
from vault.copy_removal import let_go
from vault.errors import Conflict, FieldProblem, NotFound, NotPermitted, Unavailable
from vault.grounds import ConsentQuestion, consent_question, spend
from vault.model.actors import ClientGrant
from vault.model.certificate import CertificateRecord
from vault.model.consent import Look
from vault.model.footing import ByConsent, Consented, Footing, footing_json
from vault.model.ids import uuid7
from vault.model.legal_time import day_ends
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
from vault.uses.admitting import Admitted, admit
from vault.uses.copying import make_copy
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

    1. admit: what is to be used is there and in force, and the client may use it, by function or by consent.
    2. find: the same request within the use's time is the same use, with the same copy.
    3. copy, where one is wanted and none is there: made, sealed, judged, stored and read back.
    4. commit: one transaction with use, holders, copy, code, event, audit event and job, after the
       certificate's row and the consents were locked, 1 was asked again, and 2; a new use takes one off its
       consent: **this is the commit point**.
    5. answer; the code is shown here and kept as its hash only.

    No network call happens inside a transaction. A crash before 4 leaves at most an object that no row names,
    and the job that takes it away. Two tries at once: one makes the use, the other gets a code for it.

    Raises:
        NotFound: there is no such certificate or material, or the client may not know of it.
        NotPermitted: a copy is wanted, and the consent is for some fields of the face only.
        Conflict: it is not in force, or the same use was revoked.
        InputError: a copy is wanted and cannot be made of this file.
        Unavailable: an engine does not answer; the same request may succeed later.
        IntegrityError: the original is lost, or the vault's own work does not stand up to its own reader.
    """
    index = request_index(workshop.keys, request.canonical())
    question = _question(workshop, client, request)
    with workshop.database.reading() as db:
        standing = find_standing_use(db, workshop.keys, index, at)  # 2
        admitted = _admitted(db, workshop, client, request, question, standing, at)  # 1
    made = _new_use(request, admitted, at)
    standing = _the_same(standing, made, at)
    if request.copy and standing is None:
        _check_copy(admitted)
        made = make_copy(workshop, made, admitted.used, at=at)  # 3
    with workshop.database.writing() as db:  # 4
        _lock(db, workshop, request.subject)
        standing = find_standing_use(db, workshop.keys, index, at)
        admitted = admit(db, workshop, client, request.subject, question, under=standing, lock=True, at=at)
        made = _still(made, _new_use(request, admitted, at))
        standing = _the_same(standing, made, at)
        if standing is None:
            spend(db, client, question, [admitted.ground], certificate_id=_certificate_id(request), at=at)
        return _commit(db, workshop, made, standing, index, at)  # 5


def _question(workshop: Workshop, client: ClientGrant, request: UseRequest) -> ConsentQuestion:
    return consent_question(
        workshop,
        client,
        Look.USE,
        service_item=request.service_item,
        purpose=request.purpose,
        more={"request": request.canonical()},
    )


def _admitted(
    db: ReadConnection,
    workshop: Workshop,
    client: ClientGrant,
    request: UseRequest,
    question: ConsentQuestion,
    standing: UseRecord | None,
    at: datetime,
) -> Admitted:
    """As `admit`; that an organisation was told nothing is recorded before it is told so."""
    try:
        return admit(db, workshop, client, request.subject, question, under=standing, at=at)
    except NotFound:
        if isinstance(client.standing, ByConsent):
            with workshop.database.writing() as noting:
                details = {"subject": str(request.subject.id), **footing_json(Consented(()))}
                event = AuditRow(client.client_id, "refused-use", None, None, details, client.acting_for)
                reasons = {"purpose": request.purpose, "case_number": request.case_number}
                insert_look(noting, workshop.keys, event, reasons, at)
        raise


def _certificate_id(request: UseRequest) -> UUID | None:
    return request.subject.id if request.subject.kind is SubjectKind.CERTIFICATE else None


def _check_copy(admitted: Admitted) -> None:
    used = admitted.used
    if isinstance(used, CertificateRecord) and admitted.ground.fields(used.type_code) is not None:
        sentence = "The consent is for some fields of the face; a copy shows all of it."
        raise NotPermitted(sentence, FieldProblem("/copy", sentence))


def _still(made: UseRecord, now: UseRecord) -> UseRecord:
    """The use as it was prepared, if it still rests on what it rested on then: its copy names its end.

    Raises:
        Unavailable: the consents changed meanwhile.
    """
    if (made.footing, made.expires_at) == (now.footing, now.expires_at):
        return made
    if made.copy is not None:
        raise Unavailable("The consents changed while the copy was made: send it again.", retry_after_s=1)
    return now


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
        client_id=request.client_id,
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
    db: WriteConnection,
    workshop: Workshop,
    use: UseRecord,
    action: UseAction,
    actor: str,
    at: datetime,
    *,
    footing: Footing | None = None,
) -> None:
    """The audit event of a step of a use: which one in clear, why in the envelope.

    `footing`: what the step rests on, where that is not what the use does.
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
    insert_look(db, workshop.keys, event, reasons, at)
