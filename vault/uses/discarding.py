"""Taking usage copies away that are good for nothing any more. What was used by whom stays."""

from datetime import datetime

from storage.blobs import plain_name
from storage.inspection import named_copies
from storage.objects import record_id_of
from storage.uses import find_use, use_by_copy
from vault.workshop import Workshop


def discard_copy(workshop: Workshop, name: str, *, at: datetime) -> bool:
    """Takes a copy's object away if no row names it, or its use no longer stands; whether it did.

    Safe to repeat, and at any time: a copy that is still good is left alone.

    Raises:
        Unavailable: an engine does not answer; the job is tried again.
    """
    use_id = record_id_of(name)
    with workshop.database.reading() as db:
        named = name in named_copies(db, [name])
        use = find_use(db, workshop.keys, use_id) if named and use_id is not None else None
    if use is not None and use.end(at) is None:
        return False
    workshop.blobs.discard_copy(name)
    return True


def discard_copy_in_clear(workshop: Workshop, sha256: str, *, at: datetime) -> bool:
    """The same for a copy from before revision 0010, which lies under its digest.

    Raises:
        Unavailable: an engine does not answer; the job is tried again.
    """
    name = plain_name(sha256)
    with workshop.database.reading() as db:
        named = name in named_copies(db, [name])
        use = use_by_copy(db, workshop.keys, sha256) if named else None
    if use is not None and use.end(at) is None:
        return False
    workshop.blobs.discard_copy(name)
    return True
