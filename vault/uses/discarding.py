"""Taking usage copies away that are good for nothing any more. What was used by whom stays."""

from datetime import datetime

from storage.blobs import plain_digest
from storage.db import ReadConnection
from storage.inspection import named_copies
from storage.objects import record_id_of
from storage.uses import find_use, use_by_copy
from vault.model.use import UseRecord
from vault.workshop import Workshop


def discard_copy(workshop: Workshop, name: str, *, at: datetime) -> bool:
    """Takes a copy's object away if no row names it, or its use no longer stands; whether it did.

    Safe to repeat, and at any time: a copy that is still good is left alone.

    Raises:
        Unavailable: an engine does not answer; the job is tried again.
    """
    with workshop.database.reading() as db:
        use = _use_of(db, workshop, name) if name in named_copies(db, [name]) else None
    if use is not None and use.end(at) is None:
        return False
    workshop.blobs.discard_copy(name)
    return True


def _use_of(db: ReadConnection, workshop: Workshop, name: str) -> UseRecord | None:
    """Whose copy has this name; one from before revision 0010 lies under its digest."""
    use_id, in_clear = record_id_of(name), plain_digest(name)
    if in_clear is not None:
        return use_by_copy(db, workshop.keys, in_clear)
    return None if use_id is None else find_use(db, workshop.keys, use_id)
