"""The picture of a first page: what the clerk compares with the paper on the counter."""

from datetime import datetime
from uuid import UUID

from storage.certificates import record
from storage.db import ReadConnection
from storage.filed_objects import document_object, material_object
from storage.history import insert_look, look_by
from storage.holders import about
from storage.materials import find_material
from storage.objects import FiledObject, read_object
from vault.desk.sheets import case_at
from vault.errors import NotFound, VaultError
from vault.grounds import standing_footing
from vault.model.access import Action, Context, Kind, Resource, certificate, not_there, refusal
from vault.model.actors import Person
from vault.model.catalogue import DocumentFormat
from vault.model.desk import DeskCase
from vault.model.footing import BY_FUNCTION, footing_json
from vault.model.scope import of_caller
from vault.model.service_item import ServiceItem
from vault.model.use import Subject, SubjectKind
from vault.picture import DRAWN_MAX_BYTES, Draw
from vault.workshop import Workshop

# Print of 8 points is legible beside the paper: an A4 page at 137 dots to the inch.
PAGE_SIDE_PIXELS = 1_600
_NO_PAGE = "There is no PDF of it whose page could be shown."


def page_picture(
    workshop: Workshop, person: Person, place: UUID, subject: Subject, *, at: datetime, draw_with: Draw
) -> bytes:
    """The first page of a certificate or material that the case at this place is about, as WebP.

    1. the case on the clerk's own sheet says for whom and what it is asked. 2. find it among what these
    holders have, of a type that the item asks for: nothing else has a picture here. 3. decide, and record
    the look or its refusal, which commits before anything is told. 4. read the sealed file; 5. draw it, in
    another process: it came from outside.

    Raises:
        NotFound: no such case on the sheet; nothing of the kind is held by its holders; or it is no PDF,
            or too large to be drawn.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """
    case = case_at(workshop, person, place, at=at)  # 1
    item = workshop.shelf.items(at).get(case.service_item or "")
    if item is None:
        raise not_there(Kind(subject.kind.value))
    context = Context(case.purpose, case.number, item.code, item.authority.code, standing_footing(person))
    scope = about(of_caller(person), workshop.keys, *(each.code for each in case.holders))
    with workshop.database.writing(scope) as db:
        resource = _found(db, workshop, case, item, subject)  # 2
        refused: VaultError | None = not_there(Kind(subject.kind.value))
        if resource is not None:
            refused = refusal(person, Action.SEE_PAGE, resource, context)
        filed = None if refused is not None else _filed(db, workshop, subject)
        is_certificate = subject.kind is SubjectKind.CERTIFICATE
        about_it = subject.id if is_certificate and resource is not None else None
        details = {"service_item": item.code, **footing_json(BY_FUNCTION)}
        if resource is not None and not is_certificate:
            details["materials"] = [str(subject.id)]
        event = look_by(person, "page" if refused is None else "refused-page", about_it, details)
        reasons = {"case_number": case.number, "purpose": case.purpose}
        insert_look(db, workshop.keys, event, reasons, at)  # 3
    if refused is not None:
        raise refused
    if filed is None or filed.size_bytes > DRAWN_MAX_BYTES:
        raise NotFound(_NO_PAGE)
    return draw_with(read_object(workshop.blobs, filed), side_max_pixels=PAGE_SIDE_PIXELS)  # 4, 5


def _found(
    db: ReadConnection, workshop: Workshop, case: DeskCase, item: ServiceItem, subject: Subject
) -> Resource | None:
    """What the case is about: held by one of its holders, of a type that the item asks for."""
    if subject.kind is SubjectKind.MATERIAL:
        material = find_material(db, workshop.keys, subject.id)
        if material is None or material.type_code not in item.material_types:
            return None
        return Resource(Kind.MATERIAL)
    found = record(db, workshop.keys, subject.id)
    if found is None or found.type_code not in item.certificate_types:
        return None
    wanted = {each.code.identity for each in case.holders}
    # The scope also shows what the clerk's own organisation issued, whoever holds it.
    if wanted.isdisjoint(holder.code.identity for holder in found.holders):
        return None
    return certificate(found)


def _filed(db: ReadConnection, workshop: Workshop, subject: Subject) -> FiledObject | None:
    if subject.kind is SubjectKind.CERTIFICATE:
        return document_object(db, workshop.keys, subject.id, DocumentFormat.PDF)
    return material_object(db, workshop.keys, subject.id)
