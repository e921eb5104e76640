"""Taking usage copies away that are good for nothing any more. What was used by whom stays."""

from datetime import datetime

from storage.uses import find_use, use_by_copy
from vault.model.scope import VAULT
from vault.workshop import Workshop


def discard_copy(workshop: Workshop, sha256: str, *, at: datetime) -> bool:
    """Takes a copy's object away if no row names it, or its use no longer stands; whether it did.

    Safe to repeat, and at any time: a copy that is still good is left alone.

    Raises:
        Unavailable: an engine does not answer; the job is tried again.
    """
    with workshop.database.reading(VAULT) as db:
        use_id = use_by_copy(db, sha256)
        use = None if use_id is None else find_use(db, workshop.keys, use_id)
    if use is not None and use.end(at) is None:
        return False
    workshop.blobs.discard_copy(sha256)
    return True
