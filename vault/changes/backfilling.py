"""Bringing into the feed what happened before there was one."""

from collections.abc import Callable

from storage.change_copies import copy_batch, is_copied
from storage.db import Database
from vault.changes.feed import PLACES_MAX, place_changes
from vault.model.scope import VAULT

# Rows copied in one transaction: a fraction of a second, so that nothing waits for it.
COPIED_AT_ONCE = 5000


def backfill(database: Database, *, progress: Callable[[int], None], batches_max: int | None = None) -> bool:
    """Copies what is missing and gives it its places; whether everything is there now.

    Broken off anywhere and started again, by several processes at once or beside a running vault, it goes on
    where it was. `progress` hears how many rows this run has copied; `batches_max` ends it early.

    Raises:
        Unavailable: the database does not answer.
    """
    copied = batches = 0
    while batches_max is None or batches < batches_max:
        with database.reading(VAULT) as db:
            if is_copied(db):
                return True
        with database.writing(VAULT) as db:
            copied += copy_batch(db, COPIED_AT_ONCE)
        while place_changes(database) == PLACES_MAX:
            pass
        batches += 1
        progress(copied)
    return False
