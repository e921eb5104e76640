"""A use is whole or not there: each write as failed and as failed but happened, and a try that dies."""

import secrets
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from storage.tables import use_holders, uses
from tests.conftest import House, behind_a_cutting_wire
from tests.faults import LyingStore
from tests.files import copy_bytes, copy_name
from tests.flows.test_deposit import deposited
from tests.requests import example_request, new_case_number
from tests.trials import broken_off_after, checked, cutting_after
from vault.errors import Unavailable
from vault.fsck import Weight
from vault.model.certificate import CertificateRecord
from vault.uses import MadeUse, discard_copy, make_use, making, read_use, redeem, revoke_by_maker
from vault.workshop import Workshop

pytestmark = [pytest.mark.engines, pytest.mark.crash]


@pytest.fixture(scope="module")
def certificate(house: House) -> CertificateRecord:
    return deposited(house, example_request(house.catalogue)).certificates[0]


@pytest.fixture
def request_(certificate: CertificateRecord) -> dict[str, Any]:
    return {
        "certificate_id": str(certificate.certificate_id),
        "case_number": new_case_number(),
        "service_item": "990100000117002",
        "purpose": "办理商品房预售许可",
        "copy": True,
    }


def used(house: House, workshop: Workshop, request: dict[str, Any]) -> MadeUse:
    at = datetime.now(UTC)
    return make_use(workshop, house.client, read_use(workshop.shelf, house.client, request, at=at), at=at)


def leftovers(house: House) -> set[str]:
    """Copies that no row names, as fsck explains them; it must find nothing wrong."""
    report = checked(house)
    assert report.problems == ()
    return {
        f.about for f in report.findings if f.weight is Weight.NOTE and "Left by a try of use" in f.detail
    }


def uses_of(house: House, certificate: CertificateRecord) -> int:
    query = select(uses.c.id).where(uses.c.certificate_id == certificate.certificate_id)
    with house.wired.workshop.database.reading() as db:
        return len(db.execute(query.join(use_holders, use_holders.c.use_id == uses.c.id)).all())


def test_the_store_says_200_but_lost_it(
    house: House,
    certificate: CertificateRecord,
    request_: dict[str, Any],
    store_that_lies: tuple[Workshop, LyingStore],
) -> None:
    workshop, store = store_that_lies
    before, store.lose_puts = uses_of(house, certificate), 1
    with pytest.raises(Unavailable, match="did not keep"):
        used(house, workshop, request_)
    assert len(store.lost) == 1
    assert uses_of(house, certificate) == before
    made = used(house, workshop, request_)
    assert made.repeated is False
    assert copy_bytes(house, made.use)


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("commit", ["announcement", "use"])
def test_a_commit_that_was_cut_off(
    house: House, certificate: CertificateRecord, request_: dict[str, Any], how: str, commit: str
) -> None:
    before = uses_of(house, certificate)
    with behind_a_cutting_wire(house) as (workshop, wire_):
        if commit == "announcement":
            wire_.cut = how
            armed: AbstractContextManager[None] = nullcontext()
        else:  # the next COMMIT after the copy was read back is the commit point
            armed = cutting_after(workshop.blobs, "copy_parts", wire_, how)
        with armed, pytest.raises(Unavailable):
            used(house, workshop, request_)
        assert wire_.cuts == 1
        again = used(house, workshop, request_)
    assert again.repeated is (commit == "use" and how == "after")
    assert uses_of(house, certificate) == before + len(certificate.holders)
    assert used(house, house.wired.workshop, request_).use == again.use
    leftovers(house)


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_redemption_and_a_revocation_that_were_cut_off(
    house: House, request_: dict[str, Any], how: str
) -> None:
    made = used(house, house.wired.workshop, {**request_, "copy": False})
    with behind_a_cutting_wire(house) as (workshop, wire_):
        wire_.cut = how
        with pytest.raises(Unavailable):
            redeem(workshop, house.client, made.code, at=datetime.now(UTC))
        again = redeem(workshop, house.client, made.code, at=datetime.now(UTC))
        assert again.repeated is (how == "after")
        wire_.cut = how
        with pytest.raises(Unavailable):
            revoke_by_maker(workshop, house.client, made.use.use_id, at=datetime.now(UTC))
        assert wire_.cuts == 2
        at = datetime.now(UTC)
        revoked = revoke_by_maker(workshop, house.client, made.use.use_id, at=at)
    assert revoked.revoked_at is not None
    assert (revoked.revoked_at < at) is (how == "after")
    leftovers(house)


@pytest.mark.parametrize("step", ["make_copy", "insert_use", "insert_code", "insert_event", "insert_look"])
def test_a_try_that_dies_leaves_an_object_that_is_explained_and_goes(
    house: House,
    certificate: CertificateRecord,
    request_: dict[str, Any],
    step: str,
) -> None:
    before, known = uses_of(house, certificate), leftovers(house)
    with broken_off_after(making, step):
        used(house, house.wired.workshop, request_)
    assert uses_of(house, certificate) == before
    (left,) = leftovers(house) - known
    made = used(house, house.wired.workshop, request_)
    assert made.repeated is False
    assert discard_copy(house.wired.workshop, left, at=datetime.now(UTC) + timedelta(hours=1)) is True
    assert left not in leftovers(house)


def test_a_copy_that_nothing_explains_and_one_that_is_lost_are_found(
    house: House, request_: dict[str, Any]
) -> None:
    workshop = house.wired.workshop
    content = b"%PDF- smuggled in" + secrets.token_bytes(8)
    made = used(house, workshop, request_)
    copy = made.use.copy
    assert copy is not None
    lost, strange = copy_name(house, made.use), f"00/{secrets.token_hex(8)}"
    kept = b"".join(workshop.blobs.copy_parts(lost))
    workshop.blobs.discard_copy(lost)
    workshop.blobs.put_copy(strange, content, origin={})
    try:
        found = {(p.about, p.detail) for p in checked(house).problems}
    finally:
        workshop.blobs.put_copy(lost, kept, origin={"use": str(made.use.use_id)})
        workshop.blobs.discard_copy(strange)
    assert found == {
        (f"use {made.use.use_id}", f"The object store has lost usage copy {copy.sha256}."),
        (strange, "No row names this object and nothing explains it."),
    }
