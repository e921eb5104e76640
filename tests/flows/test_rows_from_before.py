"""What the release before revision 0010 wrote is read as it is, and renewed by a rotation."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from storage.embedded import EngineAddresses
from storage.tables import case_holders, cases, documents, materials, use_copies
from tests.before_0010 import as_before
from tests.conftest import House
from tests.files import copy_filed
from tests.flows.test_deposit import deposited
from tests.flows.test_rotation import rotated
from tests.lived_in import ORDERS_END, assert_all_there, live_in, now, settle
from tests.vaults import by_owner, own_vault
from vault.deposit import receipt_json
from vault.erasing import erase
from vault.errors import Conflict
from vault.fsck import Weight, fsck
from vault.model.scope import VAULT
from vault.rotating import outdated_rows, retire

pytestmark = pytest.mark.engines


@pytest.fixture
def own(engines: EngineAddresses, tmp_path: Path) -> Iterator[House]:
    with own_vault(engines, tmp_path, "from_before") as house:
        yield house


def test_rows_from_before_are_read_and_renewed(own: House) -> None:
    workshop = own.wired.workshop
    lived = live_in(own)
    certificate, request = lived.certificate, lived.request
    as_before(by_owner(own))
    # What would be written anew by being asked for is from before, too.
    before = outdated_rows(workshop)
    assert {table for table, rows in before.items() if not rows} == {
        "upload_keys",
        "deferral_orders",
        "disputes",
        "consents",
        "delegations",
        "desks",
    }
    # Read as it is.
    assert_all_there(own, lived)
    again = deposited(own, request)
    assert [receipt_json(c, "x") for c in again.certificates] == [receipt_json(certificate, "x")]
    changed = {**request, "case": {**request["case"], "service_item": "000131012001"}}
    with pytest.raises(Conflict) as caught:
        deposited(own, changed)
    assert [p.pointer for p in caught.value.problems] == ["/case/service_item"]
    old_blobs_only = {f.detail for f in fsck(workshop, progress=lambda _: None).problems}
    assert old_blobs_only <= {"No row names this object and nothing explains it."}
    free = replace(workshop, retention=timedelta(0))
    with pytest.raises(Conflict, match="keys rotate"):
        erase(free, certificate.holders[0].code, actor="operator:test", at=now())
    # Renewed.
    rotated(own)
    assert set(outdated_rows(workshop).values()) == {0}
    retire(workshop)
    assert_all_there(own, lived)
    # The copy is not locked: nothing of it lies in clear any more.
    assert [stored.name for stored in workshop.blobs.copies()] == [copy_filed(own, lived.use).name]
    with workshop.database.reading(VAULT) as db:
        for table in (documents, materials, use_copies):
            assert db.execute(select(func.count()).where(table.c.object_name.is_(None))).scalar_one() == 0
        query = select(cases.c.request_digest, cases.c.applicant_index)
        assert db.execute(query.where(cases.c.committed_at.is_not(None))).one() == (b"\x01", None)
        assert db.execute(select(func.count()).select_from(case_holders)).scalar_one() == 1
    report = fsck(workshop, progress=lambda _: None)
    assert report.problems == ()
    in_clear = [f for f in report.findings if f.weight is Weight.NOTE and "In clear" in f.detail]
    assert len(in_clear) == 2
    # A copy in clear would outlive the holder.
    settle(own, lived)
    with pytest.raises(Conflict, match="copies in clear"):
        erase(free, certificate.holders[0].code, actor="operator:test", at=now() + ORDERS_END)
