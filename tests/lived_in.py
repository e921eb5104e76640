"""A vault of a test's own with a row of everything that has an envelope, a wrapped key or a blind index."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from storage.delegations import delegations_to
from storage.holders import holder_indexes
from storage.reuse import pending_results
from storage.tables import materials
from tests.conftest import House
from tests.files import copy_bytes
from tests.flows.test_deposit import deposited
from tests.flows.test_rotation import assert_found_everywhere, company, request_of, with_material
from tests.flows.test_uses import asked, asked_for_material, used
from tests.flows.test_webhooks import HERE
from vault import desk
from vault.accesses import accesses_of, list_orders, read_order, record_order
from vault.auditing import Auditor, AuditQuestion, find
from vault.consents import consents_of, grant_consent, read_consent
from vault.delegations import delegations_of, grant_delegation, read_delegation
from vault.deposit import read_case
from vault.deposit.reserving import ReservedCase, reserve
from vault.disputes import decide, disputes_of, read_decision, read_dispute, submit
from vault.download import copy_for_client
from vault.erasing import hold, release
from vault.errors import Conflict
from vault.lookup import holdings
from vault.material_archive import verify
from vault.model.access import MACHINE
from vault.model.actors import Assurance, ClientGrant, Introduced, Person, Role
from vault.model.certificate import CertificateRecord
from vault.model.consent import Consent
from vault.model.delegation import Delegation
from vault.model.dispute import Dispute
from vault.model.footing import ByConsent
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.model.scope import VAULT
from vault.model.use import UseRecord
from vault.sessions import enter, signed_in
from vault.signin import add_client
from vault.webhooks import register, registered

LOOKED_FOR = "SL-2026-000777"
ANOTHER_CASE = "SL-2026-000778"
ON_THE_DESK = "SL-2026-000779"
STATEMENT, ACCEPTED, RESOLVED, BASIS = "住所有误", "已受理", "已更正", "监察法"
ORDERS_END = timedelta(days=31)
OF_CASE, OF_HOLDER = "样监缓〔2026〕1号", "样监缓〔2026〕2号"
URL = "https://receiver.example/very-private"
BANK, LOAN, HELPER = "91350100M000100Y43", "办理住房贷款", "440524188001010014"
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
    dispute: Dispute
    consent: Consent
    delegation: Delegation

    @property
    def code(self) -> HolderCode:
        """The company's code."""
        return HolderCode.parse(self.holder["code_type"], self.holder["code"])


def now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


def said(certificate: CertificateRecord) -> dict[str, Any]:
    """What the holder disputes."""
    about = str(certificate.certificate_id)
    return {"certificate_id": about, "kind": "wrong_data", "statement": STATEMENT}


def order_requests(holder: dict[str, str]) -> list[dict[str, Any]]:
    """Two orders: for whoever is looked up for a case, and for the holder and another case."""
    code = {name: holder[name] for name in ("code_type", "code")}
    until = (legal_day(now()) + timedelta(days=30)).isoformat()
    common = {"kind": "supervision", "issuing_body": "样例市监察委员会", "legal_basis": BASIS, "until": until}
    return [
        {**common, "number": OF_CASE, "case_number": LOOKED_FOR},
        {**common, "number": OF_HOLDER, "case_number": ANOTHER_CASE, "holder": code},
    ]


def grants(certificate: CertificateRecord) -> tuple[dict[str, Any], dict[str, Any]]:
    """A consent and a delegation as the holder gives them, the same ones whenever they are asked for."""
    last = (legal_day(now()) + timedelta(days=30)).isoformat()
    first = legal_day(now()).isoformat()
    common = {"types": [certificate.type_code], "valid_from": first, "valid_to": last}
    consent = {"organisation": BANK, "fields": None, "service_item": None, "purpose": LOAN, "uses": 9}
    delegate = {"code_type": "111", "code": HELPER}
    return {**common, **consent}, {**common, "delegate": delegate, "actions": ["download", "present"]}


def granted(house: House, person: Person, certificate: CertificateRecord) -> tuple[Consent, Delegation]:
    """What the holder grants, or granted before."""
    workshop, (consent, delegation) = house.wired.workshop, grants(certificate)
    given = read_consent(workshop.shelf, consent, at=now())
    delegated = read_delegation(workshop.shelf, person.code, delegation, at=now())
    return (
        grant_consent(workshop, person, given, at=now()).file.consent,
        grant_delegation(workshop, person, delegated, at=now()).delegation,
    )


def clerk(house: House) -> Person:
    """A clerk, the same one whenever they are asked for."""
    workshop, roles = house.wired.workshop, frozenset({Role.CLERK})
    who = Introduced("https://id.example", "clerk", "文样窗", roles, BANK, None, Assurance.HIGH)
    return signed_in(workshop, enter(workshop, who, "test", before=None, at=now()), at=now())


def asked_by_the_bank(house: House, code: HolderCode) -> tuple[CertificateRecord, ...]:
    """What an organisation sees on the holder's consent: the same question each time."""
    bank = ClientGrant("bank", "样例银行", frozenset(), standing=ByConsent(BANK))
    found = holdings(
        house.wired.workshop, bank, code, purpose=LOAN, service_item=None, case_number=None, at=now()
    )
    return found.certificates


def live_in(house: House) -> LivedIn:
    """A certificate, a verified material, uses of both, a pending case, a person, a webhook, looks, holds.

    And a dispute that is accepted, with two orders that defer; a consent that was used, and a delegation.
    """
    workshop, client, holder = house.wired.workshop, house.client, company(0)
    request = with_material(house, request_of(house, holder))
    request["materials"][0]["trust"] = "C"
    (certificate,) = deposited(house, request).certificates
    with workshop.database.reading(VAULT) as db:
        material_id = db.execute(select(materials.c.id)).scalar_one()
    verify(workshop, client, material_id, clerk="王某", note="", at=now())
    code = certificate.holders[0].code
    roles = frozenset({Role.HOLDER})
    who = Introduced("https://id.example", "somebody", "某人", roles, None, code, Assurance.HIGH)
    person = signed_in(workshop, enter(workshop, who, "test", before=None, at=now()), at=now())
    register(workshop, client, client.client_id, URL, HERE, at=now())
    desk.take_in(workshop, clerk(house), [ON_THE_DESK], at=now())
    wanted = asked(certificate)
    made = used(house, wanted)
    used(house, asked_for_material(material_id, copy=False))
    begun = read_case(house.catalogue.in_force, client, request_of(house, holder), at=now())
    pending = reserve(workshop, begun, at=now())
    assert isinstance(pending, ReservedCase)
    for order in order_requests(holder):
        record_order(workshop, MACHINE, read_order(order, at=now()), by="auditor", at=now())
    holdings(workshop, client, code, purpose="看", service_item=None, case_number=LOOKED_FOR, at=now())
    dispute = submit(workshop, person, read_dispute(said(certificate)), at=now()).dispute
    accepted = read_decision({"decision": "accept", "reason": ACCEPTED})
    since = now()
    decide(workshop, client, dispute.dispute_id, accepted, at=since)
    certificate = replace(certificate, disputed_since=since)
    consent, delegation = granted(house, person, certificate)
    add_client(workshop, "bank", "样例银行", frozenset(), standing=ByConsent(BANK), at=now())
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
        dispute,
        consent,
        delegation,
    )
    assert_all_there(house, lived)
    return lived


def settle(house: House, lived: LivedIn) -> None:
    """The dispute is decided: from `ORDERS_END` on nothing that is open stands in the way of an erasure."""
    workshop = house.wired.workshop
    resolved = read_decision({"decision": "resolve", "outcome": "upheld", "reason": RESOLVED})
    decide(workshop, house.client, lived.dispute.dispute_id, resolved, at=now())


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
    lies_there = desk.sheet_at(workshop, clerk(house), at=now())
    assert [each.number for each in lies_there.cases] == [ON_THE_DESK]
    repeated = used(house, lived.wanted)
    assert (repeated.use, repeated.repeated) == (lived.use, True)
    assert copy_for_client(workshop, client, lived.use.use_id, at=now()).content == lived.pdf
    told = accesses_of(workshop, again, certificate_id=None, before=None, limit=100, at=now()).accesses
    assert {"use-make", "holdings", "dispute-submit"} <= {each.action for each in told}
    assert lived.use.purpose in {each.purpose for each in told if each.action == "use-make"}
    assert LOOKED_FOR not in {each.case_number for each in told}, "an order defers it"
    (dispute,) = disputes_of(workshop, again, before=None, limit=100, at=now())
    assert dispute.statement == STATEMENT
    assert [event.reason for event in dispute.events] == [None, ACCEPTED]
    (seen,) = asked_by_the_bank(house, lived.code)
    assert seen.certificate_id == lived.certificate.certificate_id
    consent, delegation = granted(house, again, lived.certificate)
    assert (consent, delegation) == (replace(lived.consent, uses_left=8), lived.delegation), "counted once"
    (file,) = consents_of(workshop, again, before=None, limit=9, at=now()).files
    assert (file.consent, len(file.uses)) == (consent, 1)
    assert delegations_of(workshop, again, at=now()).given == (delegation,)
    with workshop.database.reading(VAULT) as db:
        assert delegations_to(db, workshop.keys, HolderCode.parse("111", HELPER), 9) == (delegation,)
    again_said = submit(workshop, again, read_dispute(said(lived.certificate)), at=now())
    assert (again_said.dispute.dispute_id, again_said.repeated) == (dispute.dispute_id, True)
    orders = {
        order.number: order for order in list_orders(workshop, MACHINE, by="auditor", standing=True, at=now())
    }
    assert {number: order.legal_basis for number, order in orders.items()} == {
        OF_CASE: BASIS,
        OF_HOLDER: BASIS,
    }
    for request in order_requests(lived.holder):
        known_order = record_order(workshop, MACHINE, read_order(request, at=now()), by="auditor", at=now())
        assert known_order == (orders[request["number"]], True)
    with workshop.database.reading(VAULT) as db:
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
