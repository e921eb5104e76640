"""Counts of deposits: kept while they surely are not written, and never written twice."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.db import Database
from storage.deposit_tallies import sightings
from tests.conftest import House, behind_a_cutting_wire
from tests.trials import cutting_after, together
from vault import deposit_tally
from vault.deposit_tally import DepositTally
from vault.errors import Unavailable
from vault.model.scope import VAULT
from vault.signin import add_client

pytestmark = pytest.mark.engines


def a_minute() -> datetime:
    """One that no deposit of anybody's is in."""
    return datetime(2001, 1, 1, tzinfo=UTC) + secrets.randbelow(10_000_000) * timedelta(minutes=1)


def written(house: House, client_id: str, at: datetime) -> int:
    """What stands in the database of this client for this minute, and for its hour."""
    query = text(
        "SELECT coalesce(sum(count), 0) FROM deposit_tallies"
        " WHERE span = :span AND starts_at = :starts AND client_id = :client"
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        minute, hour = (
            int(db.execute(query, {"span": span, "starts": starts, "client": client_id}).scalar_one())
            for span, starts in (("minute", at), ("hour", at.replace(minute=0)))
        )
    assert minute == hour
    return minute


def heard(house: House, client_id: str) -> datetime | None:
    """When the database has it that a client was last heard."""
    with house.wired.workshop.database.reading(VAULT) as db:
        return sightings(db).get(client_id)


@pytest.fixture
def client_id(house: House) -> str:
    """A client that nobody has heard yet."""
    name = f"tallied-{secrets.token_hex(4)}"
    add_client(house.wired.workshop, name, "Heard now and then", frozenset(), at=datetime.now(UTC))
    return name


def test_what_cannot_be_written_is_kept_for_the_next_time(house: House, client_id: str) -> None:
    workshop, at, tally = house.wired.workshop, a_minute(), DepositTally()
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    tally.note(client_id, "deposited", at)
    tally.sighted(client_id, at)
    for _ in range(2):
        with pytest.raises(Unavailable):
            tally.hand_over(replace(workshop, database=nowhere))
    tally.note(client_id, "deposited", at)
    tally.hand_over(workshop)
    assert written(house, client_id, at) == 2
    tally.hand_over(workshop)
    assert written(house, client_id, at) == 2


@pytest.mark.parametrize(("how", "there"), [("before", 0), ("after", 1)])
def test_where_the_answer_is_lost_nothing_counts_twice(
    house: House, client_id: str, how: str, there: int
) -> None:
    at, tally = a_minute(), DepositTally()
    tally.note(client_id, "deposited", at)
    tally.sighted(client_id, at)
    with behind_a_cutting_wire(house) as (workshop, wire_):
        with cutting_after(deposit_tally, "note_sightings", wire_, how), pytest.raises(Unavailable):
            tally.hand_over(workshop)
        assert wire_.cuts == 1
    tally.hand_over(house.wired.workshop)
    assert written(house, client_id, at) == there
    assert heard(house, client_id) == (at if there else None)
    tally.sighted(client_id, at + timedelta(seconds=5))  # what was lost of it is made up for by the next one
    tally.hand_over(house.wired.workshop)
    assert heard(house, client_id) == at + timedelta(seconds=5)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", ["add_tallies", "note_sightings"])
def test_where_a_statement_fails_all_of_it_is_handed_over_next_time(
    house: House, client_id: str, monkeypatch: pytest.MonkeyPatch, step: str, when: str
) -> None:
    """What was counted meanwhile, too; and who was heard meanwhile was heard then."""
    at, tally = a_minute(), DepositTally()
    real = getattr(deposit_tally, step)

    def failing(*given: object) -> None:
        tally.note(client_id, "deposited", at)
        tally.sighted(client_id, at + timedelta(seconds=2))
        if when == "after":
            real(*given)
        raise Unavailable("The database does not answer.")

    tally.note(client_id, "deposited", at)
    tally.note(client_id, "InputError", at)
    tally.sighted(client_id, at)
    with monkeypatch.context() as patch:
        patch.setattr(deposit_tally, step, failing)
        with pytest.raises(Unavailable):
            tally.hand_over(house.wired.workshop)
    assert (written(house, client_id, at), heard(house, client_id)) == (0, None)
    for _ in range(2):
        tally.hand_over(house.wired.workshop)
        assert written(house, client_id, at) == 3
        assert heard(house, client_id) == at + timedelta(seconds=2)


def test_two_processes_that_hand_over_at_once_both_count(house: House, client_id: str) -> None:
    """The same clients in the other order: neither waits for the other in a circle."""
    at, workshop = a_minute(), house.wired.workshop
    tallies = [DepositTally() for _ in range(4)]
    for n, tally in enumerate(tallies):
        for outcome in ["deposited", "repeated", "InputError"][:: 1 if n % 2 else -1]:
            tally.note(client_id, outcome, at)
        tally.sighted(client_id, at + timedelta(seconds=n))
    together(*(partial(tally.hand_over, workshop) for tally in tallies))
    assert written(house, client_id, at) == 12
    assert heard(house, client_id) == at + timedelta(seconds=3)


def test_what_the_database_refuses_is_not_handed_over_for_ever(house: House, client_id: str) -> None:
    at, tally = a_minute(), DepositTally()
    tally.note(f"nobody-{secrets.token_hex(4)}", "deposited", at)
    with pytest.raises(DBAPIError):
        tally.hand_over(house.wired.workshop)
    tally.note(client_id, "deposited", at)
    tally.hand_over(house.wired.workshop)
    assert written(house, client_id, at) == 1


def test_what_is_held_while_the_database_is_away_has_an_end(
    house: House, client_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deposit_tally, "HELD_MAX", 1)
    workshop, tally = house.wired.workshop, DepositTally()
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    first, second = a_minute(), a_minute()
    for at in (first, second):
        tally.note(client_id, "deposited", at)
    with pytest.raises(Unavailable):
        tally.hand_over(replace(workshop, database=nowhere))
    tally.hand_over(workshop)
    assert written(house, client_id, first) == written(house, client_id, second) == 0
