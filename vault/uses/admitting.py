"""What is to be used: there, permitted to whoever asks, on function or consent, and in force today."""

from dataclasses import dataclass, replace
from datetime import datetime

from storage.certificates import record
from storage.consents import find_consent
from storage.db import ReadConnection
from storage.holders import holder_ids_of
from storage.materials import ArchivedMaterial, find_material
from storage.statuses import out_of_force
from vault.errors import Conflict, FieldProblem
from vault.grounds import ConsentQuestion, Ground, ground_for, ground_on, standing_footing
from vault.model.access import Action, Caller, Context, Kind, Resource, authorize, certificate, not_there
from vault.model.actors import ClientGrant
from vault.model.certificate import CertificateRecord
from vault.model.footing import ByConsent, Consented
from vault.model.in_force import why_not_in_force
from vault.model.legal_time import legal_day
from vault.model.use import Subject, SubjectKind, UseRecord
from vault.workshop import Workshop

Used = CertificateRecord | ArchivedMaterial


@dataclass(frozen=True, slots=True)
class Admitted:
    """What is to be used, and what the caller's use of it rests on."""

    used: Used
    ground: Ground


def admit(
    db: ReadConnection,
    workshop: Workshop,
    caller: Caller,
    action: Action,
    subject: Subject,
    context: Context,
    question: ConsentQuestion,
    *,
    under: UseRecord | None = None,
    lock: bool = False,
    at: datetime,
) -> Admitted:
    """What is to be used, if the caller may use (or redeem) it in this context and it is in force today.

    1. find it; 2. find what the caller's use of it would rest on: their function, or a consent of one of its
    holders that covers the question; 3. decide; 4. it is in force.

    `under`: a use that stands and rests on a consent to the same organisation; that consent is good for its
    code and its repeats, too. `lock`: consents are held until the transaction ends, to be spent in it.

    Raises:
        NotFound: there is no such certificate or material that the caller may use.
        Conflict: it is not in force; the sentence says since when, why and in favour of what.
    """
    if subject.kind is SubjectKind.MATERIAL:
        return _material(db, workshop, caller, action, subject, context, at)
    found = record(db, workshop.keys, subject.id)  # 1
    if found is None:
        raise not_there(Kind.CERTIFICATE)
    ground = _same_consent(db, workshop, caller, under, at)  # 2
    if ground is None:
        by_consent = standing_footing(caller) is None
        holder_ids = holder_ids_of(db, subject.id) if by_consent else ()
        ground = ground_for(db, workshop, caller, question, holder_ids, (found.type_code,), at=at, lock=lock)
    footing = None if ground is None else ground.footing
    authorize(caller, action, certificate(found), replace(context, footing=footing))  # 3
    assert ground is not None  # noqa: S101 - without a footing nobody is permitted
    ended = out_of_force(db, found)
    why = why_not_in_force(found.status, ended, found.valid_from, found.valid_to, on=legal_day(at))
    if why is not None:  # 4
        raise _not_in_force(why.sentence, "/certificate_id")
    return Admitted(found, ground)


def _material(
    db: ReadConnection,
    workshop: Workshop,
    caller: Caller,
    action: Action,
    subject: Subject,
    context: Context,
    at: datetime,
) -> Admitted:
    material = find_material(db, workshop.keys, subject.id)
    if material is None:
        raise not_there(Kind.MATERIAL)
    footing = standing_footing(caller)
    authorize(caller, action, Resource(Kind.MATERIAL), replace(context, footing=footing))
    assert footing is not None  # noqa: S101 - without a footing nobody is permitted
    if material.valid_to is not None and material.valid_to < legal_day(at):
        raise _not_in_force(f"The material ran out on {material.valid_to}.", "/material_id")
    return Admitted(material, Ground(footing))


def _same_consent(
    db: ReadConnection, workshop: Workshop, caller: Caller, under: UseRecord | None, at: datetime
) -> Ground | None:
    """The ground that a use stands on, where the caller is of the organisation that was consented to.

    A use ends with its consent (`vault.consents.revoking`), so that one that stands has a good one.
    """
    if not isinstance(caller, ClientGrant) or not isinstance(caller.standing, ByConsent):
        return None
    if under is None or under.end(at) is not None or not isinstance(under.footing, Consented):
        return None
    consent = find_consent(db, workshop.keys, under.footing.consents[0])
    if consent is None or consent.organisation != caller.standing.organisation:
        return None
    return ground_on(consent)


def _not_in_force(sentence: str, pointer: str) -> Conflict:
    return Conflict(f"It cannot be used: it is not in force. {sentence}", FieldProblem(pointer, sentence))
