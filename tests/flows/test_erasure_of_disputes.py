"""What a holder disputed, and what was ordered about them, is erased with them, and not while it is open."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from storage.deferrals import order_place
from storage.disputes import dispute_place, step_place
from storage.embedded import EngineAddresses
from storage.envelope import open_json
from storage.tables import deferral_orders, dispute_events, disputes
from tests.conftest import House
from tests.flows.test_erasure import erased, every_key, keeping, kept
from tests.flows.test_rotation import request_of, rotated
from tests.lived_in import BASIS, LOOKED_FOR, OF_CASE, ORDERS_END, STATEMENT, live_in, now, said, settle
from tests.vaults import own_vault
from vault.accesses import list_orders
from vault.disputes import dispute_json, disputes_of, disputes_to_decide, read_dispute, submit
from vault.errors import Conflict, IntegrityError
from vault.fsck import fsck
from vault.model.access import MACHINE
from vault.model.dispute import DisputeState
from vault.rotating import retire
from vault.sessions import enter, signed_in

pytestmark = pytest.mark.engines

_names = count(1)
INDEXES_OF_WHAT_WAS_SAID = select(disputes.c.request_index).union(
    select(deferral_orders.c.number_index).where(deferral_orders.c.holder_id.is_not(None))
)


@pytest.fixture
def own(engines: EngineAddresses, tmp_path: Path) -> Iterator[House]:
    """A vault whose retention ends at once."""
    with own_vault(engines, tmp_path, f"disputed_{next(_names)}") as house:
        workshop = replace(house.wired.workshop, retention=timedelta(seconds=-1))
        yield replace(house, wired=replace(house.wired, workshop=workshop))


def sealed_about(house: House) -> list[tuple[bytes, str]]:
    """The envelopes of the disputes, of their steps, and of the orders for a holder, with their places."""
    with house.wired.workshop.database.reading() as db:
        found = [(row.sealed, dispute_place(row.id)) for row in db.execute(select(disputes))]
        steps = select(dispute_events).where(dispute_events.c.sealed.is_not(None))
        found += [(row.sealed, step_place(row.dispute_id, row.state)) for row in db.execute(steps)]
        orders = select(deferral_orders).where(deferral_orders.c.holder_id.is_not(None))
        found += [(row.sealed, order_place("sealed", row.id)) for row in db.execute(orders)]
    return found


def test_what_is_open_between_holder_and_authority_stands_in_the_way(own: House) -> None:
    lived = live_in(keeping(own))
    with pytest.raises(Conflict, match=r"1 open dispute"):
        erased(own, lived.code, at=now() + ORDERS_END)
    settle(own, lived)
    with pytest.raises(Conflict, match=r"1 order\(s\) defer"):
        erased(own, lived.code)
    assert erased(own, lived.code, at=now() + ORDERS_END).certificates


def test_what_was_disputed_and_ordered_goes_with_the_holder(own: House) -> None:
    workshop, lived = own.wired.workshop, live_in(keeping(own))
    settle(own, lived)
    erased(own, lived.code, at=now() + ORDERS_END)
    keys, sealed = every_key(own), sealed_about(own)
    assert len(sealed) == 4, "a dispute, two steps that gave reasons, an order for the holder"
    for envelope, place in sealed:
        for key in keys:
            with pytest.raises(IntegrityError):
                open_json(key, envelope, place)
    every = frozenset(DisputeState)
    (dispute,) = disputes_to_decide(workshop, own.client, states=every, after=None, limit=9, at=now())
    assert (dispute.statement, {event.reason for event in dispute.events}) == (None, {None})
    assert STATEMENT not in str(dispute_json(dispute, now()))
    orders = {
        (order.number, order.legal_basis, order.case_number)
        for order in list_orders(workshop, MACHINE, by="w0120", standing=False, at=now())
    }
    assert orders == {(OF_CASE, BASIS, LOOKED_FOR), (None, None, None)}
    assert fsck(workshop, progress=lambda _: None).problems == ()
    with workshop.database.reading() as db:
        before = set(db.execute(INDEXES_OF_WHAT_WAS_SAID).scalars())
    rotated(own)
    retire(workshop)
    with workshop.database.reading() as db:
        assert before.isdisjoint(db.execute(INDEXES_OF_WHAT_WAS_SAID).scalars())
    assert fsck(workshop, progress=lambda _: None).problems == ()
    again = kept(own, request_of(own, lived.holder)).certificates[0]
    me = signed_in(workshop, enter(workshop, lived.who, "test", before=None, at=now()), at=now())
    assert disputes_of(workshop, me, before=None, limit=9, at=now()) == ()
    assert not submit(workshop, me, read_dispute(said(again)), at=now()).repeated
