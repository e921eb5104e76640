"""The count that matters: how often nobody had to hand in again what the vault holds."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from storage.avoided import AvoidedCount, add_up, avoided_counts
from storage.db import Database
from vault.model.scope import NOBODY
from vault.workshop import Workshop

__all__ = ["AvoidedCount", "AvoidedTally", "add_up_avoided", "count_avoided"]

# The newest rows are counted each time: scrapes every few seconds need not.
RECOUNT_AFTER = timedelta(seconds=60)


# Ids are given out before their rows can be seen: a row that comes so late behind the others is none of ours,
# since no transaction that writes one lasts longer than its statements may (storage.db).
SETTLED_AFTER = timedelta(minutes=5)
# A fraction of a second each.
BATCH_ROWS = 5_000


def add_up_avoided(workshop: Workshop, *, at: datetime, batches_max: int) -> None:
    """Adds up what has settled, so that counting it does not cost more with every case.

    Broken off anywhere and started again, by several at once, it goes on where it was.

    Raises:
        Unavailable: the database does not answer.
    """
    for _ in range(batches_max):
        with workshop.database.writing(NOBODY) as db:
            if not add_up(db, before=at - SETTLED_AFTER, rows=BATCH_ROWS):
                return


def count_avoided(database: Database) -> tuple[AvoidedCount, ...]:
    """Resubmissions avoided, by month, handling authority and item.

    Raises:
        Unavailable: the database does not answer.
    """
    with database.snapshot(NOBODY) as db:
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
