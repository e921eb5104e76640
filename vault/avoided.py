"""The count that matters: how often nobody had to hand in again what the vault holds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from storage.avoided import AvoidedCount, avoided_counts
from storage.db import Database
from vault.model.scope import NOBODY

__all__ = ["AvoidedCount", "AvoidedTally", "count_avoided"]

# Counting reads the whole table: scrapes every few seconds must not.
RECOUNT_AFTER = timedelta(seconds=60)


def count_avoided(database: Database) -> tuple[AvoidedCount, ...]:
    """Resubmissions avoided, by month, handling authority and item.

    Raises:
        Unavailable: the database does not answer.
    """
    with database.reading(NOBODY) as db:
        return avoided_counts(db)


@dataclass(slots=True)
class AvoidedTally:
    """The counts as this process last read them. Thread-safe."""

    _counts: tuple[AvoidedCount, ...] = ()
    _read_at: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    def counts(self, database: Database, at: datetime) -> tuple[AvoidedCount, ...]:
        """Counts no older than `RECOUNT_AFTER`.

        Raises:
            Unavailable: the database does not answer.
        """
        with self._lock:
            if self._read_at is None or at - self._read_at > RECOUNT_AFTER:
                self._counts, self._read_at = count_avoided(database), at
            return self._counts
