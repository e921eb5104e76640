"""What the release before revision 0008 wrote is read as it is, and renewed by a rotation."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from storage.embedded import EngineAddresses
from storage.envelope import open_json
from storage.history import look_key, look_place
from storage.tables import audit_events, case_holders, cases, documents, materials
from tests.before_0008 import as_before
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.flows.test_rotation import assert_found_everywhere, company, request_of, rotated, with_material
from tests.vaults import own_vault
from vault.deposit import receipt_json
from vault.erasing import erase
from vault.errors import Conflict
from vault.fsck import Weight, fsck
from vault.lookup import holdings
from vault.material_archive import verify
from vault.model.actors import Role
from vault.model.certificate import CertificateRecord
from vault.rotating import outdated_rows, retire
from vault.signin import add_person, sign_in

pytestmark = pytest.mark.engines


@pytest.fixture
def own(engines: EngineAddresses, tmp_path: Path) -> Iterator[House]:
    with own_vault(engines, tmp_path, "from_before") as house:
        yield house


def now() -> datetime:
    return datetime.now(UTC)


def look(house: House, certificate: CertificateRecord) -> None:
    found = holdings(
        house.wired.workshop,
        house.client,
        certificate.holders[0].code,
        purpose="x",
        service_item=None,
        case_number=None,
        at=now(),
    )
    (material,) = found.materials
    assert material.name == "营业执照副本"
    assert material.verification is not None
    assert material.verification.clerk == "王某"


def test_rows_from_before_are_read_and_renewed(own: House) -> None:
    workshop = own.wired.workshop
    request = with_material(own, request_of(own, company(0)))
    request["materials"][0]["trust"] = "C"
    first = deposited(own, request)
    (certificate,) = first.certificates
    with workshop.database.reading() as db:
        material_id = db.execute(select(materials.c.id)).scalar_one()
    verify(workshop, own.client, material_id, clerk="王某", note="", at=now())
    add_person(
        workshop,
        login="somebody",
        password="p",  # noqa: S106 - of an invented person
        name="某人",
        roles=frozenset({Role.HOLDER}),
        organisation=None,
        code=certificate.holders[0].code,
        at=now(),
    )
    look(own, certificate)
    as_before(workshop)
    # Read as it is.
    assert_found_everywhere(own, certificate)
    look(own, certificate)
    again = deposited(own, request)
    assert again.repeated
    assert [receipt_json(c, "x") for c in again.certificates] == [receipt_json(certificate, "x")]
    changed = {**request, "case": {**request["case"], "service_item": "000131012001"}}
    with pytest.raises(Conflict) as caught:
        deposited(own, changed)
    assert [p.pointer for p in caught.value.problems] == ["/case/service_item"]
    assert sign_in(workshop, "somebody", "p", at=now(), lifetime=timedelta(hours=1))
    old_blobs_only = {f.detail for f in fsck(workshop, progress=lambda _: None).problems}
    assert old_blobs_only <= {"No row names this object and nothing explains it."}
    free = replace(workshop, retention=timedelta(0))
    with pytest.raises(Conflict, match="keys rotate"):
        erase(free, certificate.holders[0].code, actor="operator:test", at=now())
    # Renewed.
    assert all(outdated_rows(workshop)[table] for table in ("holders", "certificates", "cases", "materials"))
    rotated(own)
    assert set(outdated_rows(workshop).values()) == {0}
    retire(workshop)
    assert_found_everywhere(own, certificate)
    look(own, certificate)
    assert deposited(own, request).repeated
    with workshop.database.reading() as db:
        assert db.execute(select(func.count()).where(documents.c.object_name.is_(None))).scalar_one() == 0
        assert db.execute(select(func.count()).where(materials.c.object_name.is_(None))).scalar_one() == 0
        assert db.execute(select(cases.c.request_digest, cases.c.applicant_index)).one() == (b"\x01", None)
        assert db.execute(select(func.count()).select_from(case_holders)).scalar_one() == 1
        for event in db.execute(select(audit_events).where(audit_events.c.sealed.is_not(None))):
            key = look_key(db, workshop.keys, event)
            assert key is not None
            assert open_json(key, event.sealed, look_place("sealed", event.actor, event.at))["purpose"] == "x"
    report = fsck(workshop, progress=lambda _: None)
    assert report.problems == ()
    in_clear = [f for f in report.findings if f.weight is Weight.NOTE and "In clear" in f.detail]
    assert len(in_clear) == 2
    # A copy in clear would outlive the holder.
    with pytest.raises(Conflict, match="copies in clear"):
        erase(free, certificate.holders[0].code, actor="operator:test", at=now())
