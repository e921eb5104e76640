"""May this client use this now, and on what footing? The one place where that is decided."""

from dataclasses import dataclass
from datetime import datetime

from storage.certificates import record
from storage.consents import find_consent
from storage.db import ReadConnection
from storage.holders import holder_ids_of
from storage.materials import ArchivedMaterial, find_material
from storage.statuses import out_of_force
from vault.errors import Conflict, FieldProblem, NotFound
from vault.grounds import ConsentQuestion, Ground, ground_for, ground_on
from vault.model.actors import ClientGrant
from vault.model.certificate import CertificateRecord
from vault.model.footing import ByConsent, Consented
from vault.model.in_force import why_not_in_force
from vault.model.legal_time import legal_day
from vault.model.use import Subject, SubjectKind, UseRecord
from vault.workshop import Workshop

Used = CertificateRecord | ArchivedMaterial

_NO_CERTIFICATE = "There is no certificate with this id."
_NO_MATERIAL = "There is no material with this id."


@dataclass(frozen=True, slots=True)
class Admitted:
    """What is to be used, and what the client's use of it rests on."""

    used: Used
    ground: Ground


def admit(
    db: ReadConnection,
    workshop: Workshop,
    client: ClientGrant,
    subject: Subject,
    question: ConsentQuestion,
    *,
    under: UseRecord | None = None,
    lock: bool = False,
    at: datetime,
) -> Admitted:
    """What is to be used, if this client may use it and it is in force today.

    Every approval system that asks by function may use whatever is in force: reuse is for those who did not
    issue it. What holds it in check is that the case, the item and the purpose are named, recorded, and shown
    to the holder (`docs/decisions/0012-uses.md`). Whoever asks by consent may use certificates that a holder
    of theirs consents to, and no materials (`docs/decisions/0020-consent.md`). A rule about who may use what
    for which item stands here, and only here.

    `under`: a use that stands and rests on a consent to the same organisation; that consent is good for its
    code and its repeats, too. `lock`: consents are held until the transaction ends, to be spent in it.

    Raises:
        NotFound: there is no such certificate or material, or the client may not know of it.
        Conflict: it is not in force; the sentence says since when, why and in favour of what.
    """
    if subject.kind is SubjectKind.MATERIAL:
        return _material(db, workshop, client, subject, at)
    certificate = record(db, workshop.keys, subject.id)
    if certificate is None:
        raise NotFound(_NO_CERTIFICATE)
    ground = _same_consent(db, workshop, client, under, at)
    if ground is None:
        holder_ids = holder_ids_of(db, subject.id) if isinstance(client.standing, ByConsent) else ()
        types = (certificate.type_code,)
        ground = ground_for(db, workshop, client, question, holder_ids, types, at=at, lock=lock)
    if ground is None:
        raise NotFound(_NO_CERTIFICATE)
    ended = out_of_force(db, certificate)
    why = why_not_in_force(
        certificate.status, ended, certificate.valid_from, certificate.valid_to, on=legal_day(at)
    )
    if why is not None:
        raise _not_in_force(why.sentence, "/certificate_id")
    return Admitted(certificate, ground)


def _material(
    db: ReadConnection, workshop: Workshop, client: ClientGrant, subject: Subject, at: datetime
) -> Admitted:
    """Nobody consents to materials: what was once handed in is for those who handle cases."""
    material = find_material(db, workshop.keys, subject.id)
    if material is None or isinstance(client.standing, ByConsent):
        raise NotFound(_NO_MATERIAL)
    if material.valid_to is not None and material.valid_to < legal_day(at):
        raise _not_in_force(f"The material ran out on {material.valid_to}.", "/material_id")
    return Admitted(material, Ground(client.standing))


def _same_consent(
    db: ReadConnection, workshop: Workshop, client: ClientGrant, under: UseRecord | None, at: datetime
) -> Ground | None:
    """The ground that a use stands on, where the client is of the organisation that was consented to.

    A use ends with its consent (`vault.consents.revoking`), so that one that stands has a good one.
    """
    if under is None or under.end(at) is not None or not isinstance(client.standing, ByConsent):
        return None
    if not isinstance(under.footing, Consented):
        return None
    consent = find_consent(db, workshop.keys, under.footing.consents[0])
    if consent is None or consent.organisation != client.standing.organisation:
        return None
    return ground_on(consent, spent=True)


def _not_in_force(sentence: str, pointer: str) -> Conflict:
    return Conflict(f"It cannot be used: it is not in force. {sentence}", FieldProblem(pointer, sentence))
