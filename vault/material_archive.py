"""The material archive (材料库): what was once handed in, and a window's look at the original."""

from datetime import datetime
from typing import Any
from uuid import UUID

from storage.history import insert_look, look_by
from storage.materials import ArchivedMaterial, find_material, verify_material
from vault.errors import Conflict, InputError, IntegrityError
from vault.log import moment
from vault.model.access import Action, Caller, Kind, Resource, authorize, not_there
from vault.model.actors import Person
from vault.model.certificate import TrustLevel
from vault.model.watermark import watermark_text
from vault.model.written import hides_something, text_form
from vault.workshop import Workshop

CLERK_MAX_CHARS = 64  # a name or a staff number
NOTE_MAX_CHARS = 500  # a sentence or two


def verify(
    workshop: Workshop, caller: Caller, material_id: UUID, *, clerk: str | None, note: str, at: datetime
) -> ArchivedMaterial:
    """A clerk compared the material with its original: level C becomes B, once.

    `clerk` None: the one for whom the client acts. A clerk who signed in speaks for nobody else.

    What is B already stays as it is, and so does who made it that.

    Raises:
        InputError: clerk or note are empty, too long or not printable.
        NotFound: there is no such material that the caller may verify.
        Conflict: level A needs no window, and a promise (D) cannot be compared with anything.
        Unavailable: the database does not answer.
    """
    clerk = _clerk(caller, clerk)
    note = _text("/note", note, 0, NOTE_MAX_CHARS)
    with workshop.database.writing() as db:
        found = find_material(db, workshop.keys, material_id, lock=True)
        if found is None:
            raise not_there(Kind.MATERIAL)
        authorize(caller, Action.VERIFY_MATERIAL, Resource(Kind.MATERIAL))
        if found.trust is TrustLevel.B:
            details = {"material": str(material_id)}
            insert_look(db, workshop.keys, look_by(caller, "view-material", None, details), {}, at)
            return found
        if found.trust is not TrustLevel.C:
            raise Conflict(
                f"Only level C is compared with the original; this material is of level {found.trust}."
            )
        verify_material(
            db, workshop.keys, material_id, verified_by=caller.actor, clerk=clerk, note=note, at=at
        )
        details = {"material": str(material_id), "from": found.trust.value, "to": TrustLevel.B.value}
        insert_look(db, workshop.keys, look_by(caller, "verify-material", None, details), {}, at)
        verified = find_material(db, workshop.keys, material_id)
    if verified is None:
        raise IntegrityError("A material vanished while it was locked.")
    return verified


def material_json(material: ArchivedMaterial) -> dict[str, Any]:
    """A material as look-ups answer it; `watermark` goes on every copy of it."""
    verification = material.verification
    return {
        "material_id": str(material.material_id),
        "type": material.type_code,
        "name": material.name,
        "trust": material.trust.value,
        "issued_on": None if material.issued_on is None else material.issued_on.isoformat(),
        "valid_to": None if material.valid_to is None else material.valid_to.isoformat(),
        "sha256": material.sha256,
        "size_bytes": material.size_bytes,
        "content_type": material.content_type,
        "case_number": material.case_number,
        "source": material.client_name,
        "handed_in_at": moment(material.handed_in_at),
        "verification": None
        if verification is None
        else {
            "client": verification.client_id,
            "clerk": verification.clerk,
            "note": verification.note,
            "at": moment(verification.at),
        },
        "watermark": watermark_text(material.trust, material.client_name, material.valid_to),
    }


def _clerk(caller: Caller, named: str | None) -> str:
    """Who compared it.

    Raises:
        InputError: nobody is named, or a clerk who signed in names somebody else.
    """
    if isinstance(caller, Person):
        if named is not None and text_form(named) != text_form(caller.name):
            raise InputError.at("/clerk", "You signed in: leave this out, it is you who compared it.")
        return text_form(caller.name)
    if named is None and caller.acting_for is not None:
        named = caller.acting_for.name
    return _text("/clerk", named or "", 1, CLERK_MAX_CHARS)


def _text(pointer: str, value: str, min_chars: int, max_chars: int) -> str:
    text = text_form(value)
    if not min_chars <= len(text) <= max_chars:
        detail = f"Expected {min_chars} to {max_chars} characters, got {len(text)}."
        raise InputError.at(pointer, detail)
    if hides_something(text):
        raise InputError.at(pointer, "Expected printable characters, got a control or invisible one.")
    return text
