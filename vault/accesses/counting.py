"""What strangers verify: counted by certificate and day, never by who (not even by address).

A process counts in memory and hands its counts over every few minutes, so that the verification itself writes
nothing. What a killed process had not handed over is lost: some minutes of one process.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from threading import Lock
from uuid import UUID

from storage.verification_days import Day, add_counts, take_batch
from vault.model.ids import uuid7
from vault.model.legal_time import legal_day
from vault.workshop import Workshop

# How late a count may show up in a history, and how much a killed process loses.
HAND_OVER_EVERY_S = 300
# A batch that did not arrive is sent again within minutes: longer ago nobody sends it any more.
BATCHES_KEPT = timedelta(days=7)
# In the place of a certificate's id where there is none: counted as others are, and never handed over.
NOBODYS = UUID(int=0)
# Certificates of one batch: a scanner at work must not hold the lock for long.
BATCH_MAX = 1_000


@dataclass(frozen=True, slots=True)
class _Batch:
    """Counts on their way; the id tells a batch that arrived although its answer did not."""

    batch_id: UUID
    counts: Mapping[Day, int]


@dataclass(slots=True)
class VerificationTally:
    """What this process has seen verified and not handed over yet. Thread-safe."""

    _counts: Counter[Day] = field(default_factory=Counter)
    _batches: list[_Batch] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _handing_over: Lock = field(default_factory=Lock)

    def note(self, certificate_id: UUID, at: datetime) -> None:
        """One more verification of this certificate."""
        with self._lock:
            self._counts[certificate_id, legal_day(at)] += 1

    def hand_over(self, workshop: Workshop, *, at: datetime) -> None:
        """Adds the counts to the vault's; what did not arrive is handed over again the next time, once.

        Raises:
            Unavailable: the database does not answer.
        """
        with self._handing_over:
            with self._lock:
                days = sorted(each for each in self._counts.items() if each[0][0] != NOBODYS)
                self._counts.clear()
                self._batches += [
                    _Batch(uuid7(at), dict(days[n : n + BATCH_MAX])) for n in range(0, len(days), BATCH_MAX)
                ]
            while self._batches:
                count_verifications(workshop, self._batches[0].batch_id, self._batches[0].counts, at=at)
                del self._batches[0]


def count_verifications(
    workshop: Workshop, batch_id: UUID, counts: Mapping[tuple[UUID, date], int], *, at: datetime
) -> bool:
    """Adds a batch of counts, once; whether it was this time. A certificate's first of a day is an event.

    Raises:
        Unavailable: the database does not answer; the same batch may be sent again.
    """
    with workshop.database.writing() as db:
        if not take_batch(db, batch_id, at, forget_before=at - BATCHES_KEPT):
            return False
        add_counts(db, counts, at)
    return True
