"""How often strangers may ask: leaky buckets in memory, exchanged with the other processes once a second.

A bucket is one number: when it will have drained. To spend moves that time; a bucket whose time lies more
than its capacity ahead is full. A decision costs no query. In exchange, until the next exchange each process
decides by what it knows: together they let through at most one capacity each more than the rule says.

Where the database does not answer, every process goes on by its own count: neither open nor shut.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic

from vault.errors import TooMany

# Buckets of one process: some 20 MB. Beyond it the oldest are forgotten; the database still has them.
BUCKETS_MAX = 100_000
# Buckets exchanged in one statement; under an attack from many addresses the rest waits for the next second.
EXCHANGED_MAX = 5_000
# A bucket may be overfull by what misses cost afterwards, but not for ever.
OVERFULL_MAX = 2.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What is limited. `capacity`: units that may be spent at once; `per_second`: how fast they come back."""

    name: str
    capacity: float
    per_second: float
    told: str


@dataclass(frozen=True, slots=True)
class Charge:
    """Units to be spent of one bucket: of a rule, for one address or number."""

    rule: Rule
    subject: str = field(repr=False)


@dataclass(slots=True)
class _Bucket:
    """`empty_at_s`: when it will have drained; `unsaid_s`: seconds of drain spent since the last exchange."""

    empty_at_s: float
    unsaid_s: float


@dataclass(frozen=True, slots=True)
class Account:
    """A charge's bucket, found."""

    rule: Rule
    key: bytes = field(repr=False)
    bucket: _Bucket


class Limiter:
    """The buckets of one process; used by its event loop only, so without locks.

    `key_of`: a keyed hash of rule and subject. `factor`: multiplies every capacity and speed.
    """

    def __init__(
        self,
        key_of: Callable[[str, str], bytes],
        *,
        factor: float,
        refused: Callable[[str], None],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._key_of = key_of
        self._factor = factor
        self._refused = refused
        self._clock = clock
        self._buckets: dict[bytes, _Bucket] = {}
        self._touched: set[bytes] = set()

    def admit(self, charges: Iterable[Charge], units: float) -> tuple[Account, ...]:
        """Spends so many units of every bucket, or of none; the buckets, for `surcharge`.

        Raises:
            TooMany: one is too full, with the seconds until it will not be.
        """
        now_s = self._clock()
        found = tuple(self._account(charge) for charge in charges)
        for account in found:
            rule = account.rule
            per_second = rule.per_second * self._factor
            full_s = max(account.bucket.empty_at_s - now_s, 0.0)
            over_s = full_s + (units - rule.capacity * self._factor) / per_second
            if over_s > 0:
                self._refused(rule.name)
                raise TooMany(rule.told, retry_after_s=max(1, math.ceil(over_s)))
        for account in found:
            self._spend(account, units, now_s)
        return found

    def surcharge(self, accounts: Iterable[Account], units: float) -> None:
        """Spends units that turned out to be due afterwards, whether there is room or not."""
        now_s = self._clock()
        for account in accounts:
            self._spend(account, units, now_s)

    def unsaid(self) -> dict[bytes, float]:
        """What was spent since the last time, in seconds of drain, for the other processes to know."""
        keys = list(self._touched)[:EXCHANGED_MAX]
        self._touched.difference_update(keys)
        said = {}
        for key in keys:
            bucket = self._buckets.get(key)
            if bucket is not None and bucket.unsaid_s > 0:
                said[key], bucket.unsaid_s = bucket.unsaid_s, 0.0
        return said

    def heard(self, full_s: dict[bytes, float]) -> None:
        """What the database says of all processes together; what was spent meanwhile comes on top."""
        now_s = self._clock()
        for key, seconds in full_s.items():
            bucket = self._buckets.get(key)
            if bucket is not None:
                bucket.empty_at_s = now_s + seconds + bucket.unsaid_s

    def unheard(self, said: dict[bytes, float]) -> None:
        """The exchange failed: it will be said again."""
        for key, seconds in said.items():
            bucket = self._buckets.get(key)
            if bucket is not None:
                bucket.unsaid_s += seconds
                self._touched.add(key)

    def forget_drained(self) -> None:
        """Lets go of buckets that have drained; beyond `BUCKETS_MAX`, of the oldest."""
        now_s = self._clock()
        kept = {k: b for k, b in self._buckets.items() if b.empty_at_s > now_s or b.unsaid_s > 0}
        for key in list(kept)[: max(0, len(kept) - BUCKETS_MAX)]:
            del kept[key]
        self._buckets = kept

    def _account(self, charge: Charge) -> Account:
        key = self._key_of(charge.rule.name, charge.subject)
        found = self._buckets.get(key)
        if found is None:
            if len(self._buckets) >= 2 * BUCKETS_MAX:
                self.forget_drained()
            found = self._buckets[key] = _Bucket(0.0, 0.0)
        return Account(charge.rule, key, found)

    def _spend(self, account: Account, units: float, now_s: float) -> None:
        rule, bucket = account.rule, account.bucket
        capacity_s = rule.capacity / rule.per_second
        before_s = max(bucket.empty_at_s, now_s)
        spent_s = min(
            units / (rule.per_second * self._factor), max(0.0, now_s + OVERFULL_MAX * capacity_s - before_s)
        )
        bucket.empty_at_s = before_s + spent_s
        bucket.unsaid_s += spent_s
        self._touched.add(account.key)
