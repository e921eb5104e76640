"""Custody's commits cut off, failed or failed but happened: sent again, they are there once."""

from datetime import UTC, datetime

import pytest

from storage.grants import grants_of_seals
from storage.seals import latest_seal_events
from tests.conftest import House, behind_a_cutting_wire
from tests.desks import VIA, Desk
from vault.custody import approve, propose, propose_resumption, resume, stop
from vault.errors import Unavailable
from vault.model.custody import GrantState, SealAct

pytestmark = [pytest.mark.engines, pytest.mark.crash]


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_grant_is_made_and_approved_once(house: House, desk: Desk, how: str) -> None:
    terms, now = desk.terms(), datetime.now(UTC)
    with behind_a_cutting_wire(house) as (workshop, wire):
        wire.cut = how
        with pytest.raises(Unavailable):
            propose(workshop, desk.makes, [terms], via=VIA, at=now)
        again = propose(workshop, desk.makes, [terms], via=VIA, at=datetime.now(UTC))
        assert again.repeated is (how == "after")
        ids = [again.grants[0].grant_id]
        wire.cut = how
        with pytest.raises(Unavailable):
            approve(workshop, desk.approves, ids, via=VIA, at=now)
        assert approve(workshop, desk.approves, ids, via=VIA, at=now).repeated is (how == "after")
        assert wire.cuts == 2
    with desk.workshop.database.reading() as db:
        (grant,) = grants_of_seals(db, [desk.seal.seal_id])
    assert grant.state is GrantState.APPROVED
    desk.deposit()


def test_a_stop_whose_commit_is_cut_off_is_tried_again_by_itself(house: House, desk: Desk) -> None:
    desk.granted()
    for how in ("before", "after"):
        with behind_a_cutting_wire(house) as (workshop, wire):
            wire.cut = how
            done = stop(workshop, desk.seal.seal_id, desk.makes, "样例", via=VIA, at=datetime.now(UTC))
            assert wire.cuts == 1
            assert done.repeated is (how == "after")
        with desk.workshop.database.reading() as db:
            assert latest_seal_events(db, [desk.seal.seal_id])[desk.seal.seal_id].act is SealAct.STOP
        propose_resumption(
            desk.workshop, desk.makes, desk.seal.seal_id, "样例", via=VIA, at=datetime.now(UTC)
        )
        resume(desk.workshop, desk.approves, desk.seal.seal_id, via=VIA, at=datetime.now(UTC))


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_resumption_happens_once(house: House, desk: Desk, how: str) -> None:
    now, seal_id = datetime.now(UTC), desk.seal.seal_id
    stop(desk.workshop, seal_id, desk.makes, "样例", via=VIA, at=now)
    with behind_a_cutting_wire(house) as (workshop, wire):
        wire.cut = how
        with pytest.raises(Unavailable):
            propose_resumption(workshop, desk.makes, seal_id, "样例", via=VIA, at=now)
        proposed = propose_resumption(workshop, desk.makes, seal_id, "样例", via=VIA, at=now)
        wire.cut = how
        with pytest.raises(Unavailable):
            resume(workshop, desk.approves, seal_id, via=VIA, at=now)
        resumed = resume(workshop, desk.approves, seal_id, via=VIA, at=now)
    assert (proposed.repeated, resumed.repeated) == (how == "after", how == "after")
    desk.granted()
    desk.deposit()
