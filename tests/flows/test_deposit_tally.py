"""Counts of deposits: kept while they surely are not written, and never written twice."""

import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from storage.db import Database
from tests.conftest import House, behind_a_cutting_wire
from tests.trials import cutting_after
from vault import deposit_tally
from vault.deposit_tally import DepositTally
from vault.errors import Unavailable
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines


def a_minute() -> datetime:
    """One that no deposit of anybody's is in."""
    return datetime(2001, 1, 1, tzinfo=UTC) + secrets.randbelow(10_000_000) * timedelta(minutes=1)


def written(house: House, at: datetime) -> int:
    """What stands in the database for this minute."""
    query = text(
        "SELECT coalesce(sum(count), 0) FROM deposit_tallies WHERE span = 'minute' AND starts_at = :at"
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        return int(db.execute(query, {"at": at}).scalar_one())


def test_what_cannot_be_written_is_kept_for_the_next_time(house: House) -> None:
    workshop, at, tally = house.wired.workshop, a_minute(), DepositTally()
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    tally.note(house.client.client_id, "deposited", at)
    tally.sighted(house.client.client_id, at)
    for _ in range(2):
        with pytest.raises(Unavailable):
            tally.hand_over(replace(workshop, database=nowhere))
    tally.note(house.client.client_id, "deposited", at)
    tally.hand_over(workshop)
    assert written(house, at) == 2
    tally.hand_over(workshop)
    assert written(house, at) == 2


@pytest.mark.parametrize(("how", "there"), [("before", 0), ("after", 1)])
def test_where_the_answer_is_lost_nothing_counts_twice(house: House, how: str, there: int) -> None:
    at, tally = a_minute(), DepositTally()
    tally.note(house.client.client_id, "deposited", at)
    with behind_a_cutting_wire(house) as (workshop, wire_):
        with cutting_after(deposit_tally, "note_sightings", wire_, how), pytest.raises(Unavailable):
            tally.hand_over(workshop)
        assert wire_.cuts == 1
    tally.hand_over(house.wired.workshop)
    assert written(house, at) == there


def test_what_is_held_while_the_database_is_away_has_an_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deposit_tally, "HELD_MAX", 1)
    workshop, tally = house.wired.workshop, DepositTally()
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none", pool_size=1)
    first, second = a_minute(), a_minute()
    for at in (first, second):
        tally.note(house.client.client_id, "deposited", at)
    with pytest.raises(Unavailable):
        tally.hand_over(replace(workshop, database=nowhere))
    tally.hand_over(workshop)
    assert written(house, first) == written(house, second) == 0
