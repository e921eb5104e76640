"""What is to be used: there, permitted to whoever asks, and in force today."""

from datetime import datetime

from storage.certificates import record
from storage.db import ReadConnection
from storage.materials import ArchivedMaterial, find_material
from storage.statuses import out_of_force
from vault.errors import Conflict, FieldProblem
from vault.model.access import Action, Caller, Context, Kind, Resource, authorize, certificate, not_there
from vault.model.certificate import CertificateRecord
from vault.model.in_force import why_not_in_force
from vault.model.legal_time import legal_day
from vault.model.use import Subject, SubjectKind
from vault.workshop import Workshop

Used = CertificateRecord | ArchivedMaterial


def admit(
    db: ReadConnection,
    workshop: Workshop,
    caller: Caller,
    action: Action,
    subject: Subject,
    context: Context,
    *,
    at: datetime,
) -> Used:
    """What is to be used, if the caller may use (or redeem) it in this context and it is in force today.

    Raises:
        NotFound: there is no such certificate or material that the caller may use.
        Conflict: it is not in force; the sentence says since when, why and in favour of what.
    """
    if subject.kind is SubjectKind.CERTIFICATE:
        found = record(db, workshop.keys, subject.id)
        if found is None:
            raise not_there(Kind.CERTIFICATE)
        authorize(caller, action, certificate(found), context)
        ended = out_of_force(db, found)
        why = why_not_in_force(found.status, ended, found.valid_from, found.valid_to, on=legal_day(at))
        if why is not None:
            raise _not_in_force(why.sentence, "/certificate_id")
        return found
    material = find_material(db, workshop.keys, subject.id)
    if material is None:
        raise not_there(Kind.MATERIAL)
    authorize(caller, action, Resource(Kind.MATERIAL), context)
    if material.valid_to is not None and material.valid_to < legal_day(at):
        raise _not_in_force(f"The material ran out on {material.valid_to}.", "/material_id")
    return material


def _not_in_force(sentence: str, pointer: str) -> Conflict:
    return Conflict(f"It cannot be used: it is not in force. {sentence}", FieldProblem(pointer, sentence))
