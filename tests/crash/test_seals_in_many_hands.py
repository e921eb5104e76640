"""A cap and a stop hold for every thread and process that uses a seal."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from threading import Barrier, Event

import pytest
from sqlalchemy import select

from api.settings import child_environment
from storage import history
from storage.db import WriteConnection
from storage.driver import ScopedConnection
from storage.seal_uses import SLOTS, give_back_uses, take_uses, used_on
from storage.tables import certificates, documents, seal_uses
from tests.conftest import House
from tests.desks import Desk
from tests.requests import example_request
from vault.custody import stop
from vault.deposit import committing, flow
from vault.errors import SealCapReached, Unavailable
from vault.model.scope import VAULT

pytestmark = [pytest.mark.engines, pytest.mark.crash]

DAY = date(2026, 11, 23)


@pytest.mark.parametrize("cap", [1, 7, 50])
def test_many_threads_never_use_more_than_the_cap_and_all_of_it(desk: Desk, cap: int) -> None:
    """The count alone, without a deposit around it: as hard as threads can drive it."""
    grant, threads, tries = desk.granted(cap=cap), 8, 20
    barrier = Barrier(threads)

    def one(_: int) -> int:
        barrier.wait()
        taken = 0
        for _try in range(tries):
            with desk.workshop.database.writing(VAULT) as db:
                taken += take_uses(db, grant.grant_id, cap, DAY, 1)
        return taken

    with ThreadPoolExecutor(threads) as pool:
        assert sum(pool.map(one, range(threads))) == cap
    with desk.workshop.database.reading(VAULT) as db:
        assert used_on(db, [grant.grant_id], DAY) == {grant.grant_id: cap}


def test_what_is_given_back_at_the_same_time_is_never_used_twice(desk: Desk) -> None:
    cap, threads, tries = 6, 8, 25
    grant, barrier = desk.granted(cap=cap), Barrier(threads)

    def one(_: int) -> int:
        barrier.wait()
        held = 0
        for n in range(tries):
            with desk.workshop.database.writing(VAULT) as db:
                taken = take_uses(db, grant.grant_id, cap, DAY, 1)
            if taken and n % 2:
                with desk.workshop.database.writing(VAULT) as db:
                    give_back_uses(db, grant.grant_id, DAY, 1)
            else:
                held += taken
        return held

    with ThreadPoolExecutor(threads) as pool:
        held = sum(pool.map(one, range(threads)))
    with desk.workshop.database.reading(VAULT) as db:
        counted = used_on(db, [grant.grant_id], DAY)[grant.grant_id]
    assert held <= counted <= cap  # a give-back that finds every slot held stays counted


def test_a_deposit_at_its_commit_holds_no_other_up(desk: Desk) -> None:
    """Two transactions of one grant, the second begun and ended while the first is open."""
    grant = desk.granted(cap=2 * SLOTS)
    with desk.workshop.database.writing(VAULT) as db:
        take_uses(db, grant.grant_id, 2 * SLOTS, DAY, 1)
    with desk.workshop.database.writing(VAULT) as first:
        assert take_uses(first, grant.grant_id, 2 * SLOTS, DAY, 1)
        for _ in range(SLOTS - 1):
            with desk.workshop.database.writing(VAULT) as other:
                assert take_uses(other, grant.grant_id, 2 * SLOTS, DAY, 1)


def test_a_count_that_is_rolled_back_is_not_counted(desk: Desk) -> None:
    grant = desk.granted(cap=3)

    def counted_then_broken_off() -> None:
        with desk.workshop.database.writing(VAULT) as db:
            assert take_uses(db, grant.grant_id, 3, DAY, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        counted_then_broken_off()
    with desk.workshop.database.writing(VAULT) as db:
        assert take_uses(db, grant.grant_id, 3, DAY, 3)


def test_threads_that_deposit_at_once_stop_at_the_cap(desk: Desk) -> None:
    cap, tries = 3, 8
    grant, barrier = desk.granted(cap=cap), Barrier(tries)

    def one(_: int) -> bool:
        barrier.wait()
        try:
            desk.deposit()
        except SealCapReached:
            return False
        return True

    with ThreadPoolExecutor(tries) as pool:
        assert sum(pool.map(one, range(tries))) == cap
    assert desk.used(grant) == cap


@contextmanager
def seal_user(house: House, desk: Desk, count: int) -> Iterator[subprocess.Popen[str]]:
    """A process of its own that is ready to deposit."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crash.one_seal_user", desk.client.client_id, str(count)],
        env=child_environment(house.settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        print(json.dumps(example_request(house.catalogue)), file=process.stdin, flush=True)
        assert process.stdout.readline().strip() == "ready"
        yield process
    finally:
        process.kill()
        process.communicate()


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    print("go", file=process.stdin, flush=True)


def lines(process: subprocess.Popen[str]) -> list[list[str]]:
    assert process.stdout is not None
    return [line.split() for line in process.stdout]


def test_processes_that_deposit_at_once_stop_at_the_cap(house: House, desk: Desk) -> None:
    cap = 5
    grant = desk.granted(cap=cap)
    with ExitStack() as stack:
        users = [stack.enter_context(seal_user(house, desk, 4)) for _ in range(3)]
        for user in users:
            begin(user)
        outcomes = [line[1:] for user in users for line in lines(user)]
    assert [outcome[0] for outcome in outcomes].count("done") == cap
    assert [outcome for outcome in outcomes if outcome[0] == "refused"] == [
        ["refused", "seal-cap-reached"]
    ] * 7
    assert desk.used(grant) == cap


def committed_under(desk: Desk) -> int:
    with desk.workshop.database.reading(VAULT) as db:
        query = select(certificates.c.id).join(documents, documents.c.certificate_id == certificates.c.id)
        return len(db.execute(query.where(documents.c.seal_id == desk.seal.seal_id)).all())


def test_a_stop_holds_in_two_processes_within_five_seconds(house: House, desk: Desk) -> None:
    desk.granted(cap=1000)
    with ExitStack() as stack:
        users = [stack.enter_context(seal_user(house, desk, 500)) for _ in range(2)]
        for user in users:
            begin(user)
            assert user.stdout is not None
            assert "done" in user.stdout.readline()  # its key is open and in use
        began = time.monotonic()
        stopped = stop(
            desk.workshop, desk.seal.seal_id, desk.approves, "样例", via="test", at=datetime.now(UTC)
        )
        took_effect = time.monotonic()
        after = committed_under(desk)
        rest = [line for user in users for line in lines(user)]
    assert stopped.waited_out
    assert took_effect - began < 5
    assert committed_under(desk) == after
    late = [line for line in rest if float(line[0]) > took_effect + 5]
    assert not [line for line in late if line[-1] == desk.seal.seal_id]
    # Both went on and were refused, or sealed with the authority's other seal if they had a grant for it.
    assert [line for line in rest if line[1] == "refused"]


def test_a_stop_between_seal_and_commit_is_seen_by_the_commit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.granted()
    request = example_request(desk.house.catalogue)
    commit = committing.commit

    def stop_then_commit(*arguments: object, **named: object) -> object:
        stop(desk.workshop, desk.seal.seal_id, desk.makes, "样例", via="test", at=datetime.now(UTC))
        return commit(*arguments, **named)  # type: ignore[arg-type]  # passed on as it came

    with monkeypatch.context() as patch:
        patch.setattr(flow, "commit", stop_then_commit)
        with pytest.raises(Unavailable, match="stopped while"):
            desk.deposit(request)
    assert committed_under(desk) == 0


def send_what_was_told(db: WriteConnection) -> None:
    """All but the COMMIT reaches the server: a deposit that is at its commit."""
    driver = db.connection.driver_connection
    assert isinstance(driver, ScopedConnection)
    told = driver._gathered  # noqa: SLF001 - what would go out with the COMMIT
    assert told
    driver.exchange(*told)
    told.clear()


def test_a_stop_waits_for_the_deposit_that_is_at_its_commit(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deposit has written its rows and not committed: the stop comes after it, never beside it."""
    desk.granted()
    written, go_on, stopped = Event(), Event(), Event()
    insert_look = history.insert_look

    def insert_then_wait(db: WriteConnection, *arguments: object) -> None:
        insert_look(db, *arguments)  # type: ignore[arg-type]  # passed on as it came
        send_what_was_told(db)
        written.set()
        assert go_on.wait(30)
        assert not stopped.is_set()

    monkeypatch.setattr(committing, "insert_look", insert_then_wait)

    def stop_it() -> bool:
        found = stop(desk.workshop, desk.seal.seal_id, desk.makes, "样例", via="test", at=datetime.now(UTC))
        stopped.set()
        return found.waited_out

    with ThreadPoolExecutor(2) as pool:
        depositing = pool.submit(desk.deposit)
        assert written.wait(30)
        stopping = pool.submit(stop_it)
        _wait_until_somebody_waits(desk)
        go_on.set()
        assert depositing.result().repeated is False
        assert stopping.result() is True
    assert committed_under(desk) == 1


def test_a_stop_is_not_kept_waiting_by_a_deposit_that_hangs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.granted()
    written, go_on = Event(), Event()
    insert_look = history.insert_look

    def insert_then_hang(db: WriteConnection, *arguments: object) -> None:
        insert_look(db, *arguments)  # type: ignore[arg-type]  # passed on as it came
        send_what_was_told(db)
        written.set()
        assert go_on.wait(60)

    monkeypatch.setattr(committing, "insert_look", insert_then_hang)
    with ThreadPoolExecutor(1) as pool:
        depositing = pool.submit(desk.deposit)
        assert written.wait(30)
        stopped = stop(desk.workshop, desk.seal.seal_id, desk.makes, "样例", via="test", at=datetime.now(UTC))
        go_on.set()
        depositing.result()
    assert stopped.waited_out is False


def _wait_until_somebody_waits(desk: Desk) -> None:
    """Until PostgreSQL says that a statement waits for a row of `seals`."""
    deadline = time.monotonic() + 30
    with desk.workshop.database.reading(VAULT) as db:
        while not db.exec_driver_sql(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%%FROM seals%%'"
        ).first():
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_the_table_itself_refuses_more_than_the_cap(desk: Desk) -> None:
    grant = desk.granted(cap=3)
    with desk.workshop.database.writing(VAULT) as db:
        take_uses(db, grant.grant_id, 3, DAY, 3)
    statement = seal_uses.update().where(seal_uses.c.grant_id == grant.grant_id)
    with pytest.raises(Exception, match="within_share"), desk.workshop.database.writing(VAULT) as db:
        db.execute(statement.values(used=seal_uses.c.used + 1))
