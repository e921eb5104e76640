"""The province straight into a bench vault's tables: holders, versions, events and all, no files.

A block of the stock is one transaction; which blocks are there is seen from their cases, so that an
interrupted run goes on where it was. Blocks are whole: the vault gets at least as many certificates as were
asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from uuid import UUID

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
from api.bench.province.stock import BLOCK_SERIALS, CERTIFICATES_MAX, Held, Kinds, block
from api.settings import Settings
from signing.typeset import SEAL_PLACES
from storage.envelope import file_key_ring
from storage.record_keys import KnownHolder
from vault.catalogue import load_catalogue
from vault.errors import InputError
from vault.founding import SecretsFolder
from vault.model.identifier import CertificateIdentifier
from vault.model.ids import uuid7

CASE_PREFIX = "STOCK-"
TELL_EVERY_BLOCKS = 10
# Below those of `api.bench.rows`, of which there may be as many.
_LEAVES_BELOW = -(10**12)
_MORNING = time(1, tzinfo=UTC)  # nine o'clock in China
_BLOCKS_THERE = """
    SELECT substring(number FROM %(from)s)::bigint / %(size)s AS block, count(*)
    FROM cases WHERE number LIKE %(like)s GROUP BY block ORDER BY block
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """What stands in the vault now: `certificates` of `blocks` blocks; `made` of them in this run."""

    certificates: int
    blocks: int
    made: int


def fill_province(
    settings: Settings,
    catalogue: Path,
    certificates: int,
    seed: int,
    *,
    client_id: str,
    cores: Sequence[ProcessPoolExecutor],
    tell: Callable[[str], None],
) -> Filled:
    """Adds blocks of the province of this seed until there are so many certificates.

    `catalogue`: the folder of the province's kinds, which the vault has in force.

    Raises:
        InputError: more than there may be.
    """
    if not 1 <= certificates <= CERTIFICATES_MAX:
        raise InputError(f"Expected 1 to {CERTIFICATES_MAX:,} certificates, got {certificates:,}.")
    with closing(psycopg.connect(settings.migrating_url, autocommit=True)) as db:
        given = {"size": BLOCK_SERIALS, "from": len(CASE_PREFIX) + 1, "like": f"{CASE_PREFIX}%"}
        there: dict[int, int] = dict(db.execute(_BLOCKS_THERE, given).fetchall())
        total, made, number = sum(there.values()), 0, 0
        if total < certificates:
            with made_ready(db):
                seal_id = some_seal(db)
                under_way: list[Future[int]] = []
                while total < certificates or under_way:
                    # Blocks under way count as small ones: the last is begun only when it is needed.
                    if total + _SMALL_BLOCK * len(under_way) < certificates and len(under_way) < 2 * len(
                        cores
                    ):
                        while number in there:
                            number += 1
                        core = cores[number % len(cores)]
                        under_way.append(
                            core.submit(_make_block, settings, catalogue, seed, number, client_id, seal_id)
                        )
                        there[number] = 0
                        continue
                    done = under_way.pop(0).result()
                    total, made = total + done, made + done
                    if len(there) % TELL_EVERY_BLOCKS == 0:
                        tell(f"{total:,} of {certificates:,} certificates made.")
            db.execute("VACUUM (ANALYZE)")
    return Filled(total, len(there), made)


# A block has 4,260 certificates, give or take 450.
_SMALL_BLOCK = 2_500


@lru_cache(maxsize=1)
def _kinds(catalogue: Path) -> Kinds:
    return Kinds.ranked(tuple(load_catalogue(catalogue, SEAL_PLACES).types.values()))


def _make_block(
    settings: Settings, catalogue: Path, seed: int, number: int, client_id: str, seal_id: str
) -> int:
    """The rows of a block, made and copied by the process that this runs in; how many certificates."""
    plan = Plan(file_key_ring(SecretsFolder(settings.secrets).key_ring), client_id, seal_id)
    held = block(_kinds(catalogue), seed, number)
    copy_rows(settings, _rows(plan, held))
    return len(held)


def _rows(plan: Plan, held: Sequence[Held]) -> Iterator[Row]:
    known: dict[str, KnownHolder] = {}
    ids = {each.serial: uuid7(_at(each)) for each in held}
    after = {each.supersedes.serial: ids[each.serial] for each in held if each.supersedes is not None}
    for each in held:
        at = _at(each)
        for party in each.holders:
            if party.code not in known:
                known[party.code], row = holder_rows(plan, party.as_json, at)
                yield row
        case_id = uuid7(at)
        yield case_row(plan, case_id, f"{CASE_PREFIX}{each.serial:011d}", at)
        yield from certificate_rows(plan, _filed(each, ids, after, case_id, known))


def _at(held: Held) -> datetime:
    """Committed in the morning of its day, a second after the one before it."""
    return datetime.combine(held.issued_on, _MORNING) + timedelta(seconds=held.serial % BLOCK_SERIALS)


def _filed(
    held: Held, ids: dict[int, UUID], after: dict[int, UUID], case_id: UUID, known: dict[str, KnownHolder]
) -> Filed:
    kind, before = held.kind, held.supersedes
    identifier = CertificateIdentifier(
        kind.code, held.authority.code, f"STOCK{held.lineage:020d}", held.version
    )
    return Filed(
        certificate_id=ids[held.serial],
        case_id=case_id,
        position=0,
        identifier=str(identifier),
        lineage=f"stock-{held.lineage}",
        version=held.version,
        kind=kind,
        issuer=held.authority.code,
        issued_on=held.issued_on,
        valid_to=held.valid_to,
        number=held.number,
        code=f"{held.serial:010d}",
        holders=[(party.as_json, known[party.code]) for party in held.holders],
        fields=held.fields,
        at=_at(held),
        leaf_place=_LEAVES_BELOW - held.serial,
        status=held.status,
        supersedes=None if before is None else ids[before.serial],
        superseded_by=after.get(held.serial),
        events=[
            (event.action, event.status, event.reason, event.on, event.result, _event_at(held, event.on))
            for event in held.events
        ],
    )


def _event_at(held: Held, on: date) -> datetime:
    return max(_at(held), datetime.combine(on, _MORNING))
