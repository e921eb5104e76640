"""How deposits go: each process counts in memory, and hands its counts over every few seconds.

So a deposit writes nothing more for it, and the console reads some hundred rows however many certificates
there are. What surely was not written is kept for the next hand-over. Where the answer to its commit is lost
these seconds are missing, since a rate that is a little short misleads less than one that counts twice. So
is what a killed process had.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from storage.deposit_tallies import Span, Tally, add_tallies, forget_tallies, note_sightings
from vault.errors import Unavailable
from vault.model.scope import VAULT
from vault.workshop import Workshop

# How late a deposit shows on the console, and how much a killed process loses.
HAND_OVER_EVERY_S = 5
# The console draws an hour by minutes and a week by hours; the rest is room for a look at last night.
MINUTES_KEPT = timedelta(hours=3)
HOURS_KEPT = timedelta(days=35)

# Counts that a process holds while the database is away: hours of a city's clients, some megabytes.
HELD_MAX = 20_000

DEPOSITED = "deposited"
REPEATED = "repeated"
WELL = (DEPOSITED, REPEATED)
"""Outcomes of a deposit that went well; every other one is the kind of the problem it was refused with."""
INTERNAL = "internal"


@dataclass(slots=True)
class DepositTally:
    """What this process counted and has not handed over. Thread-safe."""

    _counts: Counter[tuple[datetime, str, str]] = field(default_factory=Counter)
    _seen: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def note(self, client_id: str, outcome: str, at: datetime) -> None:
        """One more deposit of this client, which came to this."""
        with self._lock:
            self._counts[at.replace(second=0, microsecond=0), client_id, outcome] += 1

    def sighted(self, client_id: str, at: datetime) -> None:
        """A client was heard: it showed a token that is good."""
        with self._lock:
            self._seen[client_id] = at

    def hand_over(self, workshop: Workshop) -> None:
        """Adds what was counted to the vault's.

        Raises:
            Unavailable: the database does not answer; what was counted is kept, unless it may be written.
            DBAPIError: the database refuses it, and would each time: it is forgotten.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
            seen, self._seen = self._seen, {}
        if not counts and not seen:
            return
        hours: Counter[tuple[datetime, str, str]] = Counter()
        for (minute, client_id, outcome), count in counts.items():
            hours[minute.replace(minute=0), client_id, outcome] += count
        tallies = [
            Tally(span, *which, count)
            for span, counted in ((Span.MINUTE, counts), (Span.HOUR, hours))
            for which, count in counted.items()
        ]
        committing = False
        try:
            with workshop.database.writing(VAULT) as db:
                add_tallies(db, tallies)
                note_sightings(db, seen)
                committing = True
        except Unavailable:
            if not committing:
                self._take_back(counts, seen)
            raise

    def _take_back(self, counts: Counter[tuple[datetime, str, str]], seen: dict[str, datetime]) -> None:
        with self._lock:
            if len(self._counts) + len(counts) <= HELD_MAX:
                self._counts.update(counts)
            self._seen = {**seen, **self._seen}


def forget_old_tallies(workshop: Workshop, *, at: datetime) -> None:
    """Deletes counts that the console draws no more.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing(VAULT) as db:
        forget_tallies(db, minutes_before=at - MINUTES_KEPT, hours_before=at - HOURS_KEPT)
