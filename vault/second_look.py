"""The second look: some time after a deposit its objects are read once more.

Object stores acknowledge a write before their disks have it. The read-back in the deposit sees what the
store remembers; this sees what it kept.
"""

from uuid import UUID

from storage.filed_objects import objects_of_case
from storage.packs import prove_objects
from vault.errors import IntegrityError
from vault.model.scope import VAULT
from vault.workshop import Workshop


def second_look(workshop: Workshop, case_id: UUID) -> int:
    """Reads every object of the case and compares its digest; the number of objects looked at.

    Objects of those who were erased meanwhile are not looked at: nothing opens them.

    Raises:
        IntegrityError: objects are missing or changed; the sentence names them all.
        Unavailable: an engine does not answer.
    """
    with workshop.database.reading(VAULT) as db:
        objects = objects_of_case(db, workshop.keys, case_id)
    lost = [filed.sha256 for filed in prove_objects(workshop.blobs, objects)]
    if lost:
        raise IntegrityError(f"{len(lost)} objects are missing or changed: {', '.join(lost)}")
    return len(objects)
