"""May this client use this now? The one place where that is decided."""

from datetime import datetime

from storage.certificates import record
from storage.db import ReadConnection
from storage.materials import ArchivedMaterial, find_material
from storage.statuses import out_of_force
from vault.errors import Conflict, FieldProblem, NotFound
from vault.model.actors import ClientGrant
from vault.model.certificate import CertificateRecord
from vault.model.in_force import why_not_in_force
from vault.model.legal_time import legal_day
from vault.model.use import Subject, SubjectKind
from vault.workshop import Workshop

Used = CertificateRecord | ArchivedMaterial


def admit(
    db: ReadConnection, workshop: Workshop, client: ClientGrant, subject: Subject, *, at: datetime
) -> Used:
    """What is to be used, if this client may use it and it is in force today.

    Every approval system may use whatever is in force: reuse is for those who did not issue it. What holds it
    in check is that the case, the item and the purpose are named, recorded, and shown to the holder
    (`docs/decisions/0012-uses.md`). A rule about who may use what for which item stands here, and only here.

    Raises:
        NotFound: there is no such certificate or material.
        Conflict: it is not in force; the sentence says since when, why and in favour of what.
    """
    del client  # any of them, for now
    if subject.kind is SubjectKind.CERTIFICATE:
        certificate = record(db, workshop.keys, subject.id)
        if certificate is None:
            raise NotFound("There is no certificate with this id.")
        ended = out_of_force(db, certificate)
        why = why_not_in_force(
            certificate.status, ended, certificate.valid_from, certificate.valid_to, on=legal_day(at)
        )
        if why is not None:
            raise _not_in_force(why.sentence, "/certificate_id")
        return certificate
    material = find_material(db, workshop.keys, subject.id)
    if material is None:
        raise NotFound("There is no material with this id.")
    if material.valid_to is not None and material.valid_to < legal_day(at):
        raise _not_in_force(f"The material ran out on {material.valid_to}.", "/material_id")
    return material


def _not_in_force(sentence: str, pointer: str) -> Conflict:
    return Conflict(f"It cannot be used: it is not in force. {sentence}", FieldProblem(pointer, sentence))
