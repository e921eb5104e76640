"""While index keys change, an order covers its case all the same, and the holder is known for themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.embedded import EngineAddresses
from storage.envelope import Suite, add_versions
from storage.key_state import activate
from tests.conftest import House
from tests.flows.test_rotation import rotated
from tests.lived_in import LOOKED_FOR, ORDERS_END, LivedIn, live_in, now
from tests.vaults import own_vault
from vault.accesses import accesses_of
from vault.download import document_for_holder
from vault.lookup import holdings
from vault.model.actors import Person
from vault.model.catalogue import DocumentFormat
from vault.model.history_entry import Access, Who
from vault.rotating import retire
from vault.sessions import enter, signed_in

pytestmark = pytest.mark.engines


@pytest.fixture
def own(engines: EngineAddresses, tmp_path: Path) -> Iterator[House]:
    with own_vault(engines, tmp_path, "told_in_a_rotation") as house:
        yield house


def look(house: House, lived: LivedIn) -> None:
    """For the case whose looks an order defers."""
    holdings(
        house.wired.workshop,
        house.client,
        lived.code,
        purpose="看",
        service_item=None,
        case_number=LOOKED_FOR,
        at=now(),
    )


def told(house: House, me: Person, *, late: bool = False) -> tuple[Access, ...]:
    at = now() + ORDERS_END if late else now()
    workshop = house.wired.workshop
    return accesses_of(workshop, me, certificate_id=None, before=None, limit=100, at=at).accesses


def deferred(found: tuple[Access, ...]) -> int:
    of_case = [each for each in found if (each.action, each.case_number) == ("holdings", LOOKED_FOR)]
    assert all(each.deferred is not None for each in of_case)
    return len(of_case)


def test_an_order_covers_its_case_before_within_and_after(own: House) -> None:
    workshop, lived = own.wired.workshop, live_in(own)
    me = signed_in(workshop, enter(workshop, lived.who, "test", before=None, at=now()), at=now())
    versions = add_versions(workshop.keys.path, Suite.AES)
    with workshop.database.writing() as db:
        activate(db, *versions, now())
    look(own, lived)  # its index is of the new key, the order's of the old one
    certificate_id = lived.certificate.certificate_id
    document_for_holder(workshop, me, certificate_id, DocumentFormat.PDF, at=now())
    newest = told(own, me)[0]
    assert (newest.action, newest.who) == ("download", Who.YOU)
    assert deferred(told(own, me)) == 0
    assert deferred(told(own, me, late=True)) == 2
    rotated(own)
    look(own, lived)
    assert (deferred(told(own, me)), deferred(told(own, me, late=True))) == (0, 3)
    retire(workshop)
    assert (deferred(told(own, me)), deferred(told(own, me, late=True))) == (0, 3)
