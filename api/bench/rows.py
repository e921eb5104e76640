"""Organisations with one certificate of each of a few kinds: who is asked about in a large vault.

Sealing envelopes costs most of the time, so every core makes and copies rows of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import cycle

import psycopg

from api.bench.copying import (
    Filed,
    Plan,
    Row,
    case_row,
    certificate_rows,
    copy_rows,
    holder_rows,
    made_ready,
    some_seal,
)
from api.bench.requests import holder
from api.settings import Settings
from storage.envelope import file_key_ring
from vault.founding import SecretsFolder
from vault.model.catalogue import CertificateType
from vault.model.identifier import CertificateIdentifier
from vault.model.ids import uuid7

ROWS_GROUP = "R"
"""Organisations of this group hold the made rows, each one certificate of every kind."""
CASE_PREFIX = "ROW-"
# A COPY of so many holders keeps a few megabytes in memory; more makes it no faster.
BATCH_HOLDERS = 2_000
TELL_EVERY_HOLDERS = 20_000
# Rows as if from the past years, one a second: ids sort by time, as real ones do.
_FIRST_AT = datetime(2020, 1, 1, tzinfo=UTC)
_ISSUED_ON, _VALID_TO = date(2020, 1, 1), date(2099, 12, 31)
# Batches, not holders: at 10⁷ certificates the numbers of millions of cases would not fit.
_WHOLE_BATCHES = """
    SELECT batch, array_agg(n) FILTER (WHERE made < %(size)s)
    FROM (SELECT n / %(size)s AS batch, n, count(*) OVER (PARTITION BY n / %(size)s) AS made
          FROM (SELECT substring(number FROM %(from)s)::bigint AS n
                FROM cases WHERE number LIKE %(like)s) AS c
         ) AS counted
    GROUP BY batch
"""


def fill(
    settings: Settings,
    kinds: tuple[CertificateType, ...],
    certificates: int,
    *,
    client_id: str,
    cores: Sequence[ProcessPoolExecutor],
    tell: Callable[[str], None],
) -> int:
    """Adds organisations of `ROWS_GROUP` until they have so many certificates; the number of organisations.

    Each has one certificate of every kind given, with the fields of the kind's example. What an interrupted
    run left out is made up for.
    """
    wanted = -(-certificates // len(kinds))
    with closing(psycopg.connect(settings.migrating_url, autocommit=True)) as db:
        there = _there(db)
        missing = [
            each for first in range(0, wanted, BATCH_HOLDERS) if (each := _missing(there, first, wanted))
        ]
        most = max((len(found) + batch * BATCH_HOLDERS for batch, found in there.items()), default=0)
        if missing:
            with made_ready(db):
                seal_id, made = some_seal(db), wanted - sum(map(len, missing))
                told = made
                make = partial(_make, settings=settings, kinds=kinds, client_id=client_id, seal_id=seal_id)
                for done in _each_core(cores, missing, make):
                    made += done.result()
                    if made - told >= TELL_EVERY_HOLDERS or made == wanted:
                        tell(f"{made * len(kinds):,} of {certificates:,} certificates made.")
                        told = made
            # Planner and visibility map as they are in a vault that has stood for a while.
            db.execute("VACUUM (ANALYZE)")
    return max(most, wanted)


def _there(db: psycopg.Connection) -> dict[int, range | frozenset[int]]:
    """Which organisations there are, by batch."""
    given = {"size": BATCH_HOLDERS, "from": len(CASE_PREFIX) + 1, "like": f"{CASE_PREFIX}%"}
    found: dict[int, range | frozenset[int]] = {}
    for batch, some in db.execute(_WHOLE_BATCHES, given):
        whole = range(batch * BATCH_HOLDERS, (batch + 1) * BATCH_HOLDERS)
        found[batch] = whole if some is None else frozenset(some)
    return found


def _missing(there: dict[int, range | frozenset[int]], first: int, wanted: int) -> list[int]:
    found = there.get(first // BATCH_HOLDERS, frozenset())
    if isinstance(found, range):
        return []
    return [n for n in range(first, min(first + BATCH_HOLDERS, wanted)) if n not in found]


def _each_core(
    cores: Sequence[ProcessPoolExecutor], batches: Sequence[list[int]], make: Callable[[list[int]], int]
) -> Iterator[Future[int]]:
    """Two batches under way on each core at a time, in turns; each future in its turn."""
    under_way: list[Future[int]] = []
    for core, batch in zip(cycle(cores), batches, strict=False):
        under_way.append(core.submit(make, batch))
        if len(under_way) == 2 * len(cores):
            yield under_way.pop(0)
    yield from under_way


def _make(
    batch: list[int], *, settings: Settings, kinds: tuple[CertificateType, ...], client_id: str, seal_id: str
) -> int:
    """The rows of these organisations, made and copied by the process that this runs in."""
    plan = Plan(file_key_ring(SecretsFolder(settings.secrets).key_ring), client_id, seal_id)
    copy_rows(settings, (row for n in batch for row in _organisation(plan, kinds, n)))
    return len(batch)


def _organisation(plan: Plan, kinds: tuple[CertificateType, ...], n: int) -> Iterator[Row]:
    """The rows of one organisation: one case that brought one certificate of every kind."""
    at = _FIRST_AT + timedelta(seconds=n)
    who = holder(ROWS_GROUP, n)
    known, row = holder_rows(plan, who, at)
    yield row
    case_id = uuid7(at)
    yield case_row(plan, case_id, f"{CASE_PREFIX}{n:08d}", at)
    for position, kind in enumerate(kinds):
        issuer = kind.authorities[0].code
        identifier = CertificateIdentifier(kind.code, issuer, f"ROW{n:014d}{position:03d}", 1)
        filed = Filed(
            certificate_id=uuid7(at),
            case_id=case_id,
            position=position,
            identifier=str(identifier),
            lineage=f"row-{n}-{position}",
            version=1,
            kind=kind,
            issuer=issuer,
            issued_on=_ISSUED_ON,
            valid_to=_VALID_TO,
            number=f"ROW{n:08d}{position}",
            code=f"{n:010d}",
            holders=[(who, known)],
            fields=kind.example["fields"],
            at=at,
            leaf_place=-1 - n * len(kinds) - position,
        )
        yield from certificate_rows(plan, filed)
