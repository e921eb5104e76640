"""Every hot question to the audit events looks into one of their parts, by one index: asked of the executor.

Plans are those of prepared statements, made before a parameter is known, as the service uses them: parts fall
away when a statement begins ("Subplans Removed"), or are never looked into ("Actual Loops"). Parts ahead of
need are there and empty: a question that does not leave them out looks into them.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from storage.audit import link_page, links_of, unchained_events
from storage.db import ReadConnection, WriteConnection
from storage.driver import SAY_SCOPE, said
from tests.conftest import House
from tests.engines.test_audit_parts import PART_IDS
from tests.engines.test_one_index_path import _nodes, scene, sent
from tests.flows.holder_scene import history
from vault.model.scope import VAULT

__all__ = ["scene"]
pytestmark = pytest.mark.engines

_PLACE = re.compile(r"%\((\w+)\)s|%s|%%")
Looks = dict[str, set[str]]


@pytest.fixture
def asking(house: House) -> Iterator[psycopg.Connection[Any]]:
    """The service, as the vault, in a transaction that is taken back, with plans that know no parameter."""
    with psycopg.connect(house.settings.database_url.get_secret_value()) as db:
        db.execute(SAY_SCOPE, said(VAULT))
        for way in ("seqscan", "mergejoin", "hashjoin", "bitmapscan"):
            db.execute(f"SET LOCAL enable_{way} = off".encode())
        db.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        yield db
        db.rollback()


def looks(db: psycopg.Connection[Any], query: str, parameters: Any) -> tuple[Looks, int]:  # noqa: ANN401 - psycopg's own
    """Into which parts this statement really looks, by which indexes; and how many fell away at its begin."""
    names: list[str] = []
    values: list[object] = []

    def placed(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        name = found[1] or f"#{len(names)}"
        if name not in names:
            names.append(name)
            values.append(parameters[name] if found[1] else parameters[len(values)])
        return f"${names.index(name) + 1}"

    db.execute("DEALLOCATE ALL")
    db.execute(f"PREPARE asked AS {_PLACE.sub(placed, query)}".encode())
    asked = sql.SQL("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE asked({})")
    ((plan,),) = db.execute(asked.format(sql.SQL(", ").join(map(sql.Literal, values)))).fetchall()
    found: Looks = {}
    removed = 0
    for node in _nodes(plan[0]["Plan"]):
        removed += node.get("Subplans Removed", 0)
        part = node.get("Relation Name", "")
        if part.startswith("audit_events") and node["Actual Loops"] > 0:
            assert "Index Cond" in node, json.dumps(node)
            found.setdefault(part, set()).add(node["Index Name"])
    return found, removed


def _statements(house: House, ask: Callable[[WriteConnection], object]) -> list[tuple[str, Any]]:
    with sent() as heard, house.wired.workshop.database.writing(VAULT) as db:
        ask(db)
        db.rollback()
    about = [(query, parameters) for query, parameters in heard if "audit_events" in query]
    assert about
    return about


def test_a_page_of_a_history_looks_into_the_part_of_its_events(
    house: House, scene: dict[str, Any], asking: psycopg.Connection[Any]
) -> None:
    with sent() as heard:
        assert history(house, scene["company"]).accesses
    pages = [each for each in heard if "audit_subjects" in each[0] and "deferral" in each[0]]
    assert pages
    for query, parameters in pages:
        found, _ = looks(asking, query, parameters)
        assert found == {"audit_events_p0": {"pk_audit_events_p0"}}


def test_a_page_that_the_newest_part_fills_leaves_out_the_older(
    house: House, scene: dict[str, Any], asking: psycopg.Connection[Any]
) -> None:
    with sent() as heard:
        history(house, scene["company"])
    (query, parameters), *_ = (e for e in heard if "audit_subjects" in e[0] and "deferral" in e[0])
    holder = _holder(asking, scene)
    asking.execute(
        "INSERT INTO audit_events (id, at, actor, action, details) OVERRIDING SYSTEM VALUE"
        " SELECT %s + n, now(), 'nobody', 'view', jsonb_build_object('holder', %s::text, 'everybody', true)"
        " FROM generate_series(1, 300) n",
        [PART_IDS, holder],
    )
    found, _ = looks(asking, query, parameters)
    assert found == {"audit_events_p1": {"audit_events_p1_pkey"}}


def _holder(db: psycopg.Connection[Any], scene: dict[str, Any]) -> str:
    (found,) = db.execute(
        "SELECT holder_id::text FROM certificate_holders WHERE certificate_id = %s",
        [scene["certificates"][0].certificate_id],
    ).fetchone() or ("",)
    return str(found)


def test_links_of_the_chain_look_into_the_part_of_their_events(
    house: House, scene: dict[str, Any], asking: psycopg.Connection[Any]
) -> None:
    assert scene
    with house.wired.workshop.database.reading(VAULT) as db:
        chained = [link.event_id for link in link_page(db, 0, 20)]
    assert chained

    def ask(db: ReadConnection) -> None:
        link_page(db, 0, 20)
        links_of(db, chained)

    for query, parameters in _statements(house, ask):
        found, _ = looks(asking, query, parameters)
        assert found == {"audit_events_p0": {"pk_audit_events_p0"}}


def test_what_is_to_be_chained_is_looked_for_in_the_newest_parts(
    house: House, asking: psycopg.Connection[Any]
) -> None:
    """From the part of the last one that was chained on: the parts before it fall away unread."""
    ((query, parameters),) = _statements(house, lambda db: unchained_events(db, PART_IDS + 1, 100))
    found, removed = looks(asking, query, parameters)
    assert set(found) == {"audit_events_p1", "audit_events_p2"}
    assert all(len(indexes) == 1 for indexes in found.values())
    assert removed == 1


def test_a_look_is_written_into_one_part(asking: psycopg.Connection[Any]) -> None:
    ((part,),) = asking.execute(
        "INSERT INTO audit_events (at, actor, action, details) VALUES (now(), 'nobody', 'view', '{}')"
        " RETURNING tableoid::regclass::text"
    ).fetchall()
    assert part == "audit_events_p0"
    (locked,) = asking.execute(
        "SELECT array_agg(DISTINCT relation::regclass::text) FROM pg_locks WHERE pid = pg_backend_pid()"
        " AND mode = 'RowExclusiveLock' AND relation::regclass::text ~ '^audit_events_p[0-9]+$'"
    ).fetchone() or (None,)
    assert locked == ["audit_events_p0"]
