"""Certificates of an imported province to ask for: drawn from all of them, as their receipts would be."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import psycopg

from api.bench.figures import Result, Run, interleaved
from api.bench.load import expect
from api.bench.references import pgbench
from api.bench.requests import post_json
from api.bench.reuse import ITEM, LATENCY_AT_ONCE, P99_BUDGET
from api.bench.stage import Stage
from api.wiring import wire
from storage.certificates import records_named
from vault.deposit.receipts import receipt_json
from vault.errors import IntegrityError
from vault.model.scope import VAULT

SAMPLE: Final = 500
"""Different certificates that are asked for in turn: more than any cache of ours keeps warm by itself."""
# Scattered over the whole table without reading all of it; imported, in force, and not expired.
_DRAWN: Final = """
    SELECT id FROM certificates TABLESAMPLE SYSTEM (%(percent)s)
    WHERE status = 'valid' AND origin IS NOT NULL AND (valid_to IS NULL OR valid_to > current_date)
    ORDER BY random() LIMIT %(most)s
"""
_PERCENT: Final = (1, 10, 100)


@dataclass(frozen=True, slots=True)
class Sample:
    """`receipts` of certificates, and the codes of their holders as questions name them."""

    receipts: tuple[Mapping[str, Any], ...] = field(repr=False)
    holders: tuple[Mapping[str, str], ...] = field(repr=False)


def drawn_sample(on: Stage) -> Sample:
    """So many certificates of the imported ones, drawn anew each time.

    Raises:
        IntegrityError: there is none.
    """
    settings = on.vault.settings
    with closing(psycopg.connect(settings.migrating_url, autocommit=True)) as db:
        ids: list[UUID] = []
        for percent in _PERCENT:
            ids = [row[0] for row in db.execute(_DRAWN, {"percent": percent, "most": SAMPLE})]
            if len(ids) == SAMPLE:
                break
    workshop = wire(settings).workshop
    try:
        with workshop.database.reading(VAULT) as connection:
            found = records_named(connection, workshop.keys, ids)
    finally:
        workshop.database.close()
    records = list(found.values())
    if not records:
        raise IntegrityError("Nothing that was imported is in force.")
    holders = [{"code_type": r.holders[0].code.code_type, "code": r.holders[0].code.value} for r in records]
    return Sample(tuple(receipt_json(each, settings.origin) for each in records), tuple(holders))


def measure_stock_holdings(on: Stage, sample: Sample, seconds: float, certificates: int) -> Result:
    """What holders of the province have, from one certificate to hundreds each."""
    bodies = [{"holder": each, "purpose": "bench"} for each in sample.holders]
    what = f"POST /v1/holdings, holders of the imported province, {certificates:,} certificates"
    return _looked_up(on, seconds, "/v1/holdings", bodies, "province_holdings", what)


def measure_stock_reuse(on: Stage, sample: Sample, seconds: float, certificates: int) -> Result:
    """One service item for companies of the province."""
    companies = [each for each in sample.holders if each["code_type"] == "001"] or list(sample.holders)
    bodies = [
        {
            "service_item": ITEM,
            "holders": [each],
            "case_number": f"BENCH-STOCK-{n:06d}",
            "needed_until": "2026-12-31",
        }
        for n, each in enumerate(companies)
    ]
    what = f"POST /v1/reuse-checks, companies of the imported province, {certificates:,} certificates"
    return _looked_up(on, seconds, "/v1/reuse-checks", bodies, "province_reuse_check", what)


def _looked_up(
    on: Stage, seconds: float, path: str, bodies: list[dict[str, Any]], name: str, what: str
) -> Result:
    token = on.token()
    jobs = tuple((post_json(on.host, path, body, token),) for body in bodies)

    def asked(stretch_s: float) -> Run:
        return expect(on.apply(jobs, seconds=stretch_s, again=True, at_once=LATENCY_AT_ONCE), 200).run

    with pgbench(on.vault.settings.migrating_url, LATENCY_AT_ONCE) as point_reads:
        run, reference = interleaved(asked, point_reads, seconds)
    return Result(
        name,
        f"{what}, {LATENCY_AT_ONCE} at once",
        run,
        f"pgbench -S -M prepared on the same PostgreSQL, {LATENCY_AT_ONCE} clients",
        reference,
        P99_BUDGET,
    )
