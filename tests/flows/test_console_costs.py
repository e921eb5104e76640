"""What the console asks costs the same however many certificates there are: every plan goes by an index.

Planned, not timed: with sequential scans made dear, as they are in a table of ten million rows, PostgreSQL
takes one only where there is no other way.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, text

from storage.db import Database
from storage.inspection import open_cases
from storage.log import newest_shard
from storage.log_heads import published_above
from storage.queue_state import QueueCount, queue_state
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
    "log_publications",
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


def test_a_witness_that_never_signed_is_behind_since_the_first_tree_head(house: House) -> None:
    with house.wired.workshop.database.reading(VAULT) as db:
        shard = newest_shard(db)
        year = 2001 if shard is None else shard.year
        first = text("SELECT at FROM log_publications WHERE year = :year ORDER BY size LIMIT 1")
        at = db.execute(first, {"year": year}).scalar_one_or_none()
        found = published_above(db, year, [0, 0, 10**12])
    assert found == ({} if at is None else {0: at})


def avoid(house: House, item: str, at: datetime, *rows: tuple[str, str]) -> None:
    """Notes resubmissions avoided, each of a case and a requirement."""
    with house.wired.workshop.database.writing(VAULT) as db:
        for case, requirement in rows:
            db.execute(
                text(
                    "INSERT INTO avoided_resubmissions (at, case_index, service_item, authority, requirement)"
                    " VALUES (:at, decode(md5(:case), 'hex'), :item, '样', :requirement)"
                ),
                {"at": at, "case": f"{case}{item}", "item": item, "requirement": requirement},
            )


def counted_through(house: House) -> int:
    with house.wired.workshop.database.reading(VAULT) as db:
        return int(db.execute(text("SELECT counted_through FROM avoided_progress")).scalar_one())


def test_what_has_settled_is_added_up_once_and_the_sum_stays(house: House) -> None:
    workshop, at = house.wired.workshop, datetime.now(UTC) - timedelta(days=1)
    later = datetime.now(UTC) + timedelta(hours=1)  # what other tests wrote a moment ago has settled, too
    item = f"99{secrets.randbelow(10**13):013}"

    def count() -> int:
        return sum(each.count for each in count_avoided(workshop.database) if each.service_item == item)

    avoid(house, item, at, ("a", "x"), ("a", "x"), ("a", "y"), ("b", "x"))
    assert count() == 3
    for _ in range(2):
        add_up_avoided(workshop, at=later, batches_max=100)
        assert count() == 3
    with workshop.database.reading(VAULT) as db:
        mine = text("SELECT max(id) FROM avoided_resubmissions WHERE service_item = :item")
        newest = db.execute(mine, {"item": item}).scalar_one()
    assert counted_through(house) >= newest
    # What a case that is added up asks for again adds nothing, neither now nor once it is added up itself.
    avoid(house, item, at, ("a", "x"))
    assert count() == 3
    add_up_avoided(workshop, at=later, batches_max=100)
    assert counted_through(house) > newest
    assert count() == 3


def test_counting_goes_no_further_than_it_tells_something(house: House) -> None:
    at = datetime.now(UTC)
    with house.wired.workshop.database.reading(VAULT) as db:
        assert open_cases(db, shown=1, counted=0)[1] == 0
        state = queue_state(db, at=at, alive_since=at, failed_since=at, counted_max=1)
        assert all(queue.waiting <= 1 for queue in state.queues)


@contextmanager
def queued(house: House, *jobs: tuple[str, datetime | None]) -> Iterator[dict[str, QueueCount]]:
    """These jobs, by queue and time, deferred in this order; how their queues stand, counted to two."""
    at, own = datetime.now(UTC), {name for name, _ in jobs}
    with house.owner.writing(VAULT) as db:
        for name, scheduled_at in jobs:
            new = "INSERT INTO procrastinate_jobs (queue_name, task_name, priority, scheduled_at)"
            new += " VALUES (:queue, 'nothing', 100, :at)"
            db.execute(text(new), {"queue": name, "at": scheduled_at})
    try:
        with house.wired.workshop.database.reading(VAULT) as db:
            state = queue_state(db, at=at, alive_since=at, failed_since=at, counted_max=2)
        yield {each.queue: each for each in state.queues if each.queue in own}
    finally:
        with house.owner.writing(VAULT) as db:
            db.execute(text("DELETE FROM procrastinate_jobs WHERE queue_name = ANY(:own)"), {"own": [*own]})


# Before any job that other tests leave behind.
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def test_jobs_for_later_do_not_hide_one_that_is_late(house: House) -> None:
    later = datetime.now(UTC) + timedelta(days=30)
    with queued(house, *[("odd-later", later)] * 4, ("odd-late", LONG_AGO)) as found:
        assert found["odd-late"] == QueueCount("odd-late", 1, 1, LONG_AGO, 0, 0)
        assert found.get("odd-later", QueueCount("", 0, 0, None, 0, 0)).due == 0


def test_a_job_without_a_time_is_due_since_it_was_deferred(house: House) -> None:
    with house.owner.writing(VAULT) as db:
        # The two with the least numbers, whatever else waits.
        db.execute(
            text(
                "INSERT INTO procrastinate_jobs (id, queue_name, task_name)"
                " VALUES (-2, 'odd-untimed', 'nothing'), (-1, 'odd-untimed', 'nothing')"
            )
        )
        db.execute(text("UPDATE procrastinate_events SET at = :at WHERE job_id = -2"), {"at": LONG_AGO})
    with queued(house, ("odd-untimed", None)) as found:
        assert found["odd-untimed"].due_since == LONG_AGO
        assert found["odd-untimed"].due == 2


def test_what_was_given_up_long_ago_is_counted_and_no_news(house: House) -> None:
    at = datetime.now(UTC)
    with house.owner.writing(VAULT) as db:
        for failed_at in (LONG_AGO, LONG_AGO, at):
            new = text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
                " VALUES ('odd', 'odd_task', 'failed') RETURNING id"
            )
            job = db.execute(new).scalar_one()
            told = text("INSERT INTO procrastinate_events (job_id, type, at) VALUES (:job, 'failed', :at)")
            db.execute(told, {"at": failed_at, "job": job})
    try:
        with house.wired.workshop.database.reading(VAULT) as db:
            since = at - timedelta(days=7)
            state = queue_state(db, at=at, alive_since=at, failed_since=since, counted_max=10_000)
        (odd,) = [each for each in state.given_up if each.task == "odd_task"]
        assert (odd.count, odd.lately, odd.last_at) == (3, 1, at)
    finally:
        with house.owner.writing(VAULT) as db:
            db.execute(text("DELETE FROM procrastinate_jobs WHERE task_name = 'odd_task'"))
