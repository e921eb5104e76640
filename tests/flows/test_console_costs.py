"""What the console asks costs the same however many certificates there are: every plan goes by an index.

Planned, not timed: with sequential scans made dear, as they are in a table of ten million rows, PostgreSQL
takes one only where there is no other way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from storage.db import Database
from storage.inspection import open_cases
from storage.queue_state import queue_state
from tests.conftest import House
from vault.avoided import AvoidedTally, add_up_avoided, count_avoided
from vault.console import (
    avoided_panel,
    cases_panel,
    clients_panel,
    deposits_panel,
    log_panel,
    seals_panel,
    upkeep_panel,
)
from vault.model.actors import Assurance, Person, Role
from vault.model.ids import uuid7
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines

# Tables that grow with every certificate, case or job; the others have a row for each client, seal or shard.
GROWING = (
    "cases",
    "certificates",
    "log_leaves",
    "seal_terms",
    "avoided_resubmissions",
    "procrastinate_jobs",
    "procrastinate_events",
    "webhook_deliveries",
    "operation_runs",
    "deposit_tallies",
    "log_checkpoints",
    "log_cosignatures",
)


@pytest.fixture
def operator() -> Person:
    at = datetime.now(UTC)
    roles = frozenset({Role.OPERATOR})
    return Person(uuid7(at), "https://id.example", "管样理", roles, None, None, Assurance.HIGH)


@contextmanager
def asked(database: Database) -> Iterator[list[tuple[str, object]]]:
    """Every statement that goes to the server, with its parameters."""
    found: list[tuple[str, object]] = []

    def note(_c: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        found.append((statement, parameters))

    engine = database._engine  # noqa: SLF001 - the one place where all statements pass
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def panels(house: House, operator: Person, at: datetime) -> dict[str, int]:
    """Each panel with how many statements it took; all that were asked stand in `asked`."""
    workshop = house.wired.workshop
    shown: dict[str, Callable[[], object]] = {
        "deposits": lambda: deposits_panel(workshop, operator, at=at),
        "cases": lambda: cases_panel(workshop, operator),
        "seals": lambda: seals_panel(workshop, operator, at=at),
        "log": lambda: log_panel(workshop, operator, at=at),
        "upkeep": lambda: upkeep_panel(workshop, operator),
        "clients": lambda: clients_panel(workshop, operator, at=at),
        "avoided": lambda: avoided_panel(workshop, operator, AvoidedTally(), at=at),
    }
    counts = {}
    for name, show in shown.items():
        with asked(workshop.database) as statements:
            show()
        counts[name] = len(statements)
        plans(house, statements)
    return counts


def plans(house: House, statements: list[tuple[str, object]]) -> None:
    for statement, parameters in statements:
        with house.owner._engine.connect() as db, db.begin():  # noqa: SLF001 - plans alone
            db.execute(text("SET LOCAL enable_seqscan = off"))
            db.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
            rows = db.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]  # as it was sent
            plan = "\n".join(row[0] for row in rows)
        for table in GROWING:
            assert f"Seq Scan on {table}" not in plan, f"{statement}\n{plan}"


def test_every_panel_takes_a_few_statements_and_no_table_as_a_whole(house: House, operator: Person) -> None:
    house.wired.workshop.shelf.types(datetime.now(UTC))
    counts = panels(house, operator, datetime.now(UTC))
    assert max(counts.values()) <= 14, counts


def test_what_has_settled_is_added_up_once_and_the_sum_stays(house: House) -> None:
    workshop, at = house.wired.workshop, datetime.now(UTC) - timedelta(days=1)
    with workshop.database.writing(VAULT) as db:
        for case, requirement in (("a", "x"), ("a", "x"), ("a", "y"), ("b", "x")):
            db.execute(
                text(
                    "INSERT INTO avoided_resubmissions (at, case_index, service_item, authority, requirement)"
                    " VALUES (:at, decode(md5(:case), 'hex'), '990000000000999', '样', :requirement)"
                ),
                {"at": at, "case": f"{case}{at}", "requirement": requirement},
            )
    before = count_avoided(workshop.database)
    assert sum(each.count for each in before if each.service_item == "990000000000999") % 3 == 0
    for _ in range(2):
        add_up_avoided(workshop, at=datetime.now(UTC), batches_max=100)
        assert count_avoided(workshop.database) == before


def test_counting_goes_no_further_than_it_tells_something(house: House) -> None:
    at = datetime.now(UTC)
    with house.wired.workshop.database.reading(VAULT) as db:
        assert open_cases(db, shown=1, counted=0)[1] == 0
        state = queue_state(db, at=at, alive_since=at, counted_max=1)
        assert sum(queue.waiting for queue in state.queues) <= 1
