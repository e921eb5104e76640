"""Every hot query touches large tables by their indexes, however much the vault holds: asked of the planner.

The statements are those that the flows really send. They are explained on behalf of whoever asked, beside
some thousands of certificates of others, made and taken back in one transaction; statistics are those of the
house's own rows, which say how values are spread. Parts of a divided table count as the table: each must be
asked by an index of its own.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from sqlalchemy import text

from api.bench import copying
from api.bench import rows as bench_rows
from storage import exchange
from storage.driver import SAY_SCOPE, said
from tests.conftest import House
from tests.flows.holder_scene import history
from tests.flows.test_reuse import CONSTRUCTION, LICENCE, PLANNING, PRESALE, asked, given, new_company
from tests.requests import kind_named, new_case_number
from tests.trials import now
from vault.changes import changes_after, place_changes
from vault.lookup import by_number, holdings
from vault.model.holders import HolderCode
from vault.model.scope import VAULT
from vault.transparency.sequencing import sequence
from vault.transparency.serving import prove_leaf
from vault.verify import by_very_bytes, read_file

pytestmark = pytest.mark.engines

# So many organisations with three certificates each: no plan that reads a whole table is the cheaper one.
CROWD = 400
CROWD_FROM = 9_000_000
# What grows with the vault, or with its use.
LARGE = frozenset(
    {
        "audit_chain",
        "audit_events",
        "audit_subjects",
        "cases",
        "certificate_holders",
        "certificates",
        "changes",
        "documents",
        "holders",
        "log_leaves",
        "reservations",
        "status_events",
    }
)
_ROOTS = """
    SELECT c.relname, coalesce(pg_partition_root(c.oid)::regclass::text, c.relname), i.relname,
        x.indpred IS NOT NULL, c.relispartition AND pg_relation_size(c.oid) = 0
    FROM pg_class c LEFT JOIN pg_index x ON x.indrelid = c.oid LEFT JOIN pg_class i ON i.oid = x.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
"""
_Sent = tuple[str, Any]


@contextmanager
def sent() -> Iterator[list[_Sent]]:
    """Every statement with its parameters that goes to the driver meanwhile, in order."""
    heard: list[_Sent] = []
    execute, ready = psycopg.Cursor.execute, exchange._ready  # noqa: SLF001 - every statement passes one of them

    def hear(cursor: Any, query: Any, params: Any = None, **options: Any) -> Any:  # noqa: ANN401 - psycopg's own
        heard.append((str(query), params))
        return execute(cursor, query, params, **options)

    def hear_sent(message: exchange.Message) -> Any:  # noqa: ANN401 - its own
        heard.append((message.text, message.parameters))
        return ready(message)

    with patch.object(psycopg.Cursor, "execute", hear), patch.object(exchange, "_ready", hear_sent):
        yield heard


@pytest.fixture(scope="module")
def among_many(house: House, scene: dict[str, Any]) -> Iterator[psycopg.Connection[Any]]:
    """A connection as the service, in a transaction that has made the crowd and takes it back."""
    assert scene
    kinds = tuple(kind_named(house.catalogue, name) for name in (LICENCE, CONSTRUCTION, PLANNING))
    with psycopg.connect(house.settings.database_url.get_secret_value()) as db:
        db.execute(SAY_SCOPE, said(VAULT))
        (seal_id,) = db.execute("SELECT id FROM seals LIMIT 1").fetchone() or ("",)
        plan = copying.Plan(house.wired.workshop.keys, house.client.client_id, seal_id)
        made: dict[str, list[tuple[object, ...]]] = {}
        for n in range(CROWD_FROM, CROWD_FROM + CROWD):
            for table, row in bench_rows._organisation(plan, kinds, n):  # noqa: SLF001 - its rows are real ones
                made.setdefault(table, []).append(row)
        del made["seal_terms"]  # a trigger gives documents theirs
        for table, rows in made.items():
            columns = copying.TABLES[table].split()
            places = ", ".join(["%s"] * len(columns))
            with db.cursor() as cursor:
                statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - names from there
                cursor.executemany(statement.encode(), rows)
        db.execute(
            "INSERT INTO audit_events (at, actor, action, certificate_id, details)"
            " SELECT now(), 'nobody', 'view', gen_random_uuid(), '{}' FROM generate_series(1, 5000)"
        )
        yield db
        db.rollback()


class Judge:
    """Explains statements beside a crowd, and says what is wrong with their plans.

    Reading a whole table or index, be it for a join, is made dear: beside a thousand rows that is the right
    plan for much that it would be wrong for beside a million. What does so even then has no index to go by.
    """

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self._db = db
        for way in ("seqscan", "mergejoin", "hashjoin"):
            db.execute(f"SET LOCAL enable_{way} = off".encode())
        self._root_of: dict[str, str] = {}
        # Of what waits for something: they are as short as what waits, and may be read through.
        self._of_few: set[str] = set()
        for relation, root, index, of_few, empty in db.execute(_ROOTS):
            if empty:  # a part ahead of need: any way through it is right until it holds something
                continue
            self._root_of[relation] = root
            if index is not None:
                self._root_of[index] = root
                self._of_few |= {index} if of_few else set()
        self.looked_at: set[str] = set()

    def wrong(self, statements: list[_Sent]) -> list[str]:
        """One sentence for each bad look at a large table."""
        found: list[str] = []
        for query, parameters in statements:
            if "set_config('certvault." in query:
                self._db.execute(query.replace(", false)", ", true)"), parameters)
            elif query.lstrip().upper().startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
                ((plan,),) = self._db.execute(f"EXPLAIN (FORMAT JSON) {query}", parameters).fetchall()
                found += self._wrong_in(plan[0]["Plan"], query)
        return found

    def _wrong_in(self, plan: dict[str, Any], query: str) -> Iterator[str]:
        for node in _nodes(plan):
            kind, name = node["Node Type"], node.get("Relation Name") or node.get("Index Name")
            root = self._root_of.get(name or "", "")
            if root not in LARGE or "Scan" not in kind:
                continue
            self.looked_at.add(root)
            by_index = kind == "Bitmap Heap Scan" or "Index Cond" in node
            if kind == "Seq Scan" or not (by_index or node.get("Index Name") in self._of_few):
                yield f"{kind} of all of {name}: {json.dumps(node)[:900]} in {query[:200]}"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


@pytest.fixture(scope="module")
def scene(house: House) -> dict[str, Any]:
    """A company with a licence and a permit, its changes placed and its leaves in the log."""
    company = new_company()
    certificates = [given(house, name, company) for name in (LICENCE, CONSTRUCTION)]
    workshop = house.wired.workshop
    place_changes(workshop.database)
    sequence(workshop, at=now())
    with house.owner.writing(VAULT) as db:
        db.execute(text(f"ANALYZE {', '.join(sorted(LARGE))}"))
    return {"company": company, "certificates": certificates}


def _reuse(house: House, scene: dict[str, Any]) -> None:
    asked(house, PRESALE, scene["company"], case_number=new_case_number())


def _holdings(house: House, scene: dict[str, Any]) -> None:
    code = HolderCode(scene["company"]["code_type"], scene["company"]["code"])
    more: dict[str, Any] = {"purpose": "x", "service_item": None, "case_number": None}
    holdings(house.wired.workshop, house.client, code, **more, at=now())


def _by_number(house: House, _scene: dict[str, Any]) -> None:
    # Nobody's: the example's own number is that of half of the house's certificates.
    by_number(house.wired.workshop, house.client, new_case_number(), purpose="x", at=now())


def _by_file_digest(house: House, _scene: dict[str, Any]) -> None:
    assert by_very_bytes(house.wired.workshop, read_file(b"%PDF-1.7\n nobody's"), at=now()) is None


def _by_our_file_digest(house: House, scene: dict[str, Any]) -> None:
    file = replace(read_file(b"%PDF-1.7\n"), sha256=scene["certificates"][0].documents[0].sha256)
    by_very_bytes(house.wired.workshop, file, at=now())


def _feed(house: House, _scene: dict[str, Any]) -> None:
    assert changes_after(house.wired.workshop, "", 50, house.client).changes


def _history(house: House, scene: dict[str, Any]) -> None:
    assert history(house, scene["company"]).accesses


def _leaf(house: House, scene: dict[str, Any]) -> None:
    with house.wired.workshop.database.snapshot(VAULT) as db:
        prove_leaf(db, scene["certificates"][0].certificate_id, None)


def _deposit(house: House, scene: dict[str, Any]) -> None:
    given(house, PLANNING, scene["company"])


@pytest.mark.parametrize(
    "flow",
    [
        _reuse,
        _holdings,
        _by_number,
        _by_file_digest,
        _by_our_file_digest,
        _feed,
        _history,
        _leaf,
        _deposit,
    ],
)
def test_it_looks_at_large_tables_by_their_indexes(
    house: House,
    scene: dict[str, Any],
    among_many: psycopg.Connection[Any],
    flow: Callable[[House, dict[str, Any]], None],
) -> None:
    with sent() as statements:
        flow(house, scene)
    judge = Judge(among_many)
    assert judge.wrong(statements) == []
    assert judge.looked_at


def test_public_verification_reads_no_table_through(
    house: House, scene: dict[str, Any], among_many: psycopg.Connection[Any]
) -> None:
    """A function is no plan to look into: the server's own count of scans tells."""
    record = scene["certificates"][0]
    keys, reader = house.wired.workshop.keys, house.wired.reader
    questions: list[dict[str, Any]] = []

    async def hear(_query: str, parameters: dict[str, Any]) -> None:
        questions.append(parameters)

    async def ask() -> None:
        with patch.object(reader, "_one", hear):
            await reader.by_token(record.token)
            await reader.by_number_and_code(record.number, record.verification_code)
            await reader.by_token("nobody's")

    asyncio.run(ask())
    assert keys.index_versions
    assert [p["token"] is not None for p in questions] == [True, False, True]
    assert questions[1]["number"] is not None
    assert questions[1]["code"] is not None
    with among_many.transaction(force_rollback=True):  # the count is one that notices
        before = _whole_scans(among_many)
        among_many.execute("SET LOCAL enable_indexonlyscan = off")
        among_many.execute("SET LOCAL enable_seqscan = on")
        among_many.execute("SELECT count(type_code) FROM certificates").fetchall()
        assert _whole_scans(among_many)["certificates"] == before["certificates"] + 1
    for parameters in questions:
        before = _whole_scans(among_many)
        among_many.execute(
            "SELECT * FROM public_certificate(%(token)s::bytea[], %(number)s::bytea[], %(code)s::bytea[],"
            " %(decoy)s, %(versions)s::smallint[])",
            parameters,
        ).fetchall()
        assert _whole_scans(among_many) == before


def _whole_scans(db: psycopg.Connection[Any]) -> dict[str, int]:
    """How often this transaction has read each large table through."""
    db.execute("SELECT pg_stat_clear_snapshot()")
    counts = db.execute(
        "SELECT coalesce(pg_partition_root(relid)::regclass::text, relname), sum(seq_scan)::bigint"
        " FROM pg_stat_xact_user_tables GROUP BY 1"
    )
    return {name: count for name, count in counts if name in LARGE}
