"""A vault of a test's own with a row of everything that has an envelope, a wrapped key or a blind index."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from storage.holders import holder_indexes
from storage.reuse import pending_results
from storage.tables import materials
from tests.conftest import House
from tests.files import copy_bytes
from tests.flows.test_deposit import deposited
from tests.flows.test_rotation import assert_found_everywhere, company, request_of, with_material
from tests.flows.test_uses import asked, asked_for_material, used
from tests.flows.test_webhooks import HERE
from vault.auditing import Auditor, AuditQuestion, find
from vault.deposit import read_case
from vault.deposit.reserving import ReservedCase, reserve
from vault.download import copy_for_client
from vault.erasing import hold, release
from vault.errors import Conflict
from vault.lookup import holdings
from vault.material_archive import verify
from vault.model.actors import Assurance, Introduced, Role
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.use import UseRecord
from vault.sessions import enter, signed_in
from vault.uses import accesses_of
from vault.webhooks import register, registered

LOOKED_FOR = "SL-2026-000777"
URL = "https://receiver.example/very-private"
AUDITOR = Auditor("auditor", "抽查")


@dataclass(frozen=True, slots=True)
class LivedIn:
    """What `live_in` left: all of it of the company `holder`."""

    holder: dict[str, str]
    request: dict[str, Any]
    certificate: CertificateRecord
    who: Introduced
    person_id: object
    wanted: dict[str, Any]
    use: UseRecord
    pdf: bytes
    pending: ReservedCase

    @property
    def code(self) -> HolderCode:
        """The company's code."""
        return HolderCode.parse(self.holder["code_type"], self.holder["code"])


def now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def live_in(house: House) -> LivedIn:
    """A certificate, a verified material, uses of both, a pending case, a person, a webhook, looks, holds."""
    workshop, client, holder = house.wired.workshop, house.client, company(0)
    request = with_material(house, request_of(house, holder))
    request["materials"][0]["trust"] = "C"
    (certificate,) = deposited(house, request).certificates
    with workshop.database.reading() as db:
        material_id = db.execute(select(materials.c.id)).scalar_one()
    verify(workshop, client, material_id, clerk="王某", note="", at=now())
    code = certificate.holders[0].code
    roles = frozenset({Role.HOLDER})
    who = Introduced("https://id.example", "somebody", "某人", roles, None, code, Assurance.HIGH)
    person = signed_in(workshop, enter(workshop, who, "test", before=None, at=now()), at=now())
    register(workshop, client, client.client_id, URL, HERE, at=now())
    wanted = asked(certificate)
    made = used(house, wanted)
    used(house, asked_for_material(material_id, copy=False))
    begun = read_case(house.catalogue.in_force, client, request_of(house, holder), at=now())
    pending = reserve(workshop, begun, at=now())
    assert isinstance(pending, ReservedCase)
    holdings(workshop, client, code, purpose="看", service_item=None, case_number=LOOKED_FOR, at=now())
    hold(workshop, code, reason="a court", actor="operator:test", at=now())
    release(workshop, code, reason="settled", actor="operator:test", at=now())
    lived = LivedIn(
        holder,
        request,
        certificate,
        who,
        person.person_id,
        wanted,
        made.use,
        copy_bytes(house, made.use),
        pending,
    )
    assert_all_there(house, lived)
    return lived


def assert_all_there(house: House, lived: LivedIn) -> None:
    """Everything is found by what it was found by, and nobody and nothing is made a second time."""
    workshop, client = house.wired.workshop, house.client
    assert_found_everywhere(house, lived.certificate)
    assert deposited(house, lived.request).repeated
    (material,) = holdings(
        workshop, client, lived.code, purpose="x", service_item=None, case_number=None, at=now()
    ).materials
    assert material.name == "营业执照副本"
    assert material.verification is not None
    assert material.verification.clerk == "王某"
    again = signed_in(workshop, enter(workshop, lived.who, "test", before=None, at=now()), at=now())
    assert (again.person_id, again.name) == (lived.person_id, "某人")
    with pytest.raises(Conflict, match="webhook for this address"):
        register(workshop, client, client.client_id, URL, HERE, at=now())
    (known,) = registered(workshop, client, client.client_id, at=now())
    assert known.state.webhook.url == URL
    assert len(known.secrets) == 1
    repeated = used(house, lived.wanted)
    assert (repeated.use, repeated.repeated) == (lived.use, True)
    assert copy_for_client(workshop, client, lived.use.use_id, at=now()).content == lived.pdf
    assert len(accesses_of(workshop, again, before=None, limit=100).rows) == 2
    with workshop.database.reading() as db:
        found = pending_results(db, workshop.keys, holder_indexes(workshop.keys, lived.code))
    assert [each.identifier for each in found] == [r.identifier for r in lived.pending.reservations]
    (look,) = [
        event
        for event in find(workshop, AUDITOR, AuditQuestion(case_number=LOOKED_FOR), limit=100, at=now())
        if event.action == "holdings"
    ]
    assert look.reasons == {"purpose": "看", "service_item": None, "case_number": LOOKED_FOR}
    steps = find(workshop, AUDITOR, AuditQuestion(case_number=lived.use.case_number), limit=100, at=now())
    assert {"use-make", "use-code"} <= {event.action for event in steps}
    assert {event.reasons["purpose"] for event in steps if event.reasons} >= {lived.use.purpose}
