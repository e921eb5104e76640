"""What holders granted is erased with them: consents end, delegations end, whichever side is erased."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from storage.consents import consent_place
from storage.delegations import delegation_place
from storage.embedded import EngineAddresses
from storage.envelope import open_json
from storage.inspection import contradicting_consents, contradicting_uses
from storage.tables import consent_events, consents, delegations, use_events
from tests.conftest import House
from tests.flows.granting import bank, code_of, consented, delegated, now, signed_in
from tests.flows.test_consents import by_consent, looked
from tests.flows.test_delegations import presented
from tests.flows.test_erasure import erased, every_key, keeping
from tests.flows.test_reuse import ESTATE, given, new_person
from tests.flows.test_rotation import rotated
from tests.flows.test_uses import used
from tests.vaults import own_vault
from vault.delegations import delegations_json, delegations_of
from vault.errors import CodeOpensNothing, IntegrityError, NotFound
from vault.fsck import fsck
from vault.lookup import of_delegator
from vault.model.footing import Consented
from vault.model.legal_time import legal_day
from vault.model.scope import VAULT
from vault.presentations import redeem_presentation
from vault.rotating import outdated_rows, retire

pytestmark = pytest.mark.engines

_names = count(1)


@pytest.fixture
def own(engines: EngineAddresses, tmp_path: Path) -> Iterator[House]:
    """A vault whose retention ends at once."""
    with own_vault(engines, tmp_path, f"granted_{next(_names)}") as house:
        workshop = replace(house.wired.workshop, retention=timedelta(seconds=-1))
        yield replace(house, wired=replace(house.wired, workshop=workshop))


def sound(house: House) -> None:
    """Nothing is damaged, nothing contradicts itself, and a rotation gets by."""
    workshop = house.wired.workshop
    assert fsck(workshop, progress=lambda _: None).problems == ()
    rotated(house)
    assert set(outdated_rows(workshop).values()) == {0}
    retire(workshop)
    assert fsck(workshop, progress=lambda _: None).problems == ()


def test_consents_end_with_the_holder_and_every_use_that_rests_on_them(own: House) -> None:
    workshop, (one, other) = own.wired.workshop, (new_person(), new_person())
    estate, lender = given(keeping(own), ESTATE, one, other), bank(own)
    granted = consented(own, one, lender, ESTATE)
    # The one that ends first is used.
    later = (legal_day(now()) + timedelta(days=30)).isoformat()
    kept = consented(own, other, lender, ESTATE, valid_to=later)
    made = used(own, by_consent(estate), client=lender)
    assert made.use.footing == Consented((granted.consent_id,))
    with workshop.database.reading(VAULT) as db:
        sealed = {row.id: row.sealed for row in db.execute(select(consents))}
    erased(own, code_of(one))
    with pytest.raises(NotFound):
        looked(own, lender, one)
    assert looked(own, lender, other).certificates, "the other's consent is the other's"
    for key in every_key(own):
        with pytest.raises(IntegrityError):
            open_json(key, sealed[granted.consent_id], consent_place(granted.consent_id))
    with workshop.database.reading(VAULT) as db:
        rows = {row.id: row for row in db.execute(select(consents))}
        ended = set(db.execute(select(use_events.c.use_id).where(use_events.c.action == "revoke")).scalars())
        revoked = set(
            db.execute(
                select(consent_events.c.consent_id).where(consent_events.c.action == "revoke")
            ).scalars()
        )
        assert (contradicting_consents(db), contradicting_uses(db)) == ((), ())
    assert (rows[granted.consent_id].sealed, revoked) == (None, {granted.consent_id})
    assert rows[kept.consent_id].revoked_at is None
    assert ended == {made.use.use_id}
    sound(own)


def test_what_a_holder_delegated_ends_with_them(own: House) -> None:
    workshop, (holder, helper) = own.wired.workshop, (new_person(), new_person())
    # Held with somebody else, so that it is there still.
    estate = given(keeping(own), ESTATE, holder, new_person())
    made = delegated(own, holder, helper, ESTATE)
    delegate = signed_in(own, helper)
    codes = [
        presented(own, delegate, estate, under=made.delegation_id).code,
        presented(own, signed_in(own, holder), estate).code,
    ]
    assert of_delegator(workshop, delegate, made.delegation_id, at=now())[1] == (estate,)
    with workshop.database.reading(VAULT) as db:
        row = db.execute(select(delegations)).one()
    erased(own, code_of(holder))
    with pytest.raises(NotFound):
        of_delegator(workshop, delegate, made.delegation_id, at=now())
    for code in codes:
        with pytest.raises(CodeOpensNothing):
            redeem_presentation(workshop, None, code, at=now())
    assert delegations_of(workshop, delegate, at=now()).received == ()
    for key in every_key(own):
        with pytest.raises(IntegrityError):
            open_json(key, row.sealed, delegation_place(row.id))
    with workshop.database.reading(VAULT) as db:
        after = db.execute(select(delegations)).one()
    assert (after.sealed, after.delegate_index == row.delegate_index) == (None, False)
    sound(own)


def test_a_delegate_who_is_erased_is_named_no_more(own: House) -> None:
    workshop, (holder, helper) = own.wired.workshop, (new_person(), new_person())
    given(keeping(own), ESTATE, holder)
    given(keeping(own), ESTATE, helper)
    delegated(own, holder, helper, ESTATE)
    owner = signed_in(own, holder)
    erased(own, code_of(helper))
    found = delegations_of(workshop, owner, at=now())
    ((one,), types) = (found.given, workshop.shelf.types(now()))
    assert (one.delegate, one.revoked_at is not None) == (None, True)
    (told,) = delegations_json(found, types, on=legal_day(now()))["given"]
    assert (told["delegate"], told["state"]) == (None, "revoked")
    again = signed_in(own, helper)
    assert delegations_of(workshop, again, at=now()).received == ()
    sound(own)
