"""Using what is held for the case at hand, and taking a use back."""

from datetime import datetime
from uuid import UUID

from vault.desk.sheets import case_at, note_use
from vault.errors import NotFound
from vault.model.access import Kind, not_there
from vault.model.actors import Person
from vault.model.desk import DeskCase
from vault.model.use import Subject, SubjectKind, UseRecord
from vault.uses import MadeUse, make_use, read_use, revoke_by_maker
from vault.workshop import Workshop


def use_held(
    workshop: Workshop, person: Person, place: UUID, subject: Subject, *, copy: bool, at: datetime
) -> MadeUse:
    """Uses something for the case at this place, for the purpose that stands there.

    1. the case; 2. the use, as any clerk makes one (`vault.uses`): the same again, however often a key is
    pressed, is the same use with a fresh code; 3. it is noted at the case. Where 3 fails the use stands all
    the same, and pressing the key again notes it.

    Raises:
        NotFound: the case is no longer on the sheet, or there is nothing of the kind that the clerk may use.
        Conflict: it is not in force, or this very use was taken back.
        InputError: a copy is wanted and cannot be made of this file.
        Unavailable: an engine does not answer; the same may succeed later.
        IntegrityError: the original is lost.
    """
    case = _asked(workshop, person, place, at)  # 1
    request = {
        "certificate_id": str(subject.id) if subject.kind is SubjectKind.CERTIFICATE else None,
        "material_id": str(subject.id) if subject.kind is SubjectKind.MATERIAL else None,
        "case_number": case.number,
        "service_item": case.service_item,
        "purpose": case.purpose,
        "copy": copy,
    }
    made = make_use(workshop, person, read_use(workshop.shelf, person, request, at=at), at=at)  # 2
    note_use(workshop, person, place, made.use.use_id, at=at)  # 3
    return made


def take_back(workshop: Workshop, person: Person, place: UUID, use_id: UUID, *, at: datetime) -> UseRecord:
    """Ends a use of this case: its codes open nothing, its copy verifies as not in force.

    Raises:
        NotFound: the case is no longer on the sheet, or no such use was made for it.
        Unavailable: the database does not answer.
    """
    if use_id not in _asked(workshop, person, place, at).uses:
        raise not_there(Kind.USE)
    return revoke_by_maker(workshop, person, use_id, at=at)


def _asked(workshop: Workshop, person: Person, place: UUID, at: datetime) -> DeskCase:
    case = case_at(workshop, person, place, at=at)
    if not case.is_asked:
        raise NotFound("Nothing was asked for this case yet.")
    return case
