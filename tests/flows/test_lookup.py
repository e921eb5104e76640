"""Look-ups find what a holder has, audit the look, and keep strangers out."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Row, select

from storage import certificates
from storage.envelope import open_json
from storage.history import look_keys, look_place
from storage.tables import audit_events
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.requests import example_request
from tests.trials import now
from vault import lookup
from vault.download import document_for_client, document_for_holder
from vault.errors import IntegrityError, NotFound, NotPermitted
from vault.lookup import by_number, holdings, of_case, of_person
from vault.model.actors import Assurance, ClientGrant, Person, Role
from vault.model.catalogue import DocumentFormat
from vault.model.footing import Statutory, footing_json
from vault.model.holders import HolderCode
from vault.model.ids import uuid7
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines

STRANGER = ClientGrant("stranger", "Somebody else", frozenset({"91350100M000100Y43"}))


def person_with(code: HolderCode | None) -> Person:
    return Person(
        uuid7(now()), "https://id.example", "某人", frozenset({Role.HOLDER}), None, code, Assurance.HIGH
    )


def opened_reasons(house: House, event: Row[Any], envelope_of: Row[Any] | None = None) -> dict[str, Any]:
    """What the envelope of an audit event holds; `envelope_of` puts another event's envelope there."""
    there = event if envelope_of is None else envelope_of
    workshop = house.wired.workshop
    with workshop.database.reading(VAULT) as db:
        sealed_by = look_keys(db, workshop.keys, [there])[there.id]
    assert sealed_by is not None
    reasons: dict[str, Any] = open_json(sealed_by, there.sealed, look_place("sealed", event.actor, event.at))
    return reasons


def test_nothing_is_opened_for_whoever_may_not_see_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    (holder,) = certificate.holders

    def opened(*_: object) -> object:
        pytest.fail("An envelope was opened.")

    monkeypatch.setattr(lookup, "refusal", lambda *_: NotPermitted("You may not."))
    monkeypatch.setattr(certificates, "open_json", opened)
    with pytest.raises(NotFound, match="Nothing is held"):
        holdings(
            house.wired.workshop,
            house.client,
            holder.code,
            purpose="办理落户",
            service_item=None,
            case_number=None,
            at=now(),
        )


def test_each_of_two_holders_finds_the_certificate(house: House) -> None:
    (certificate,) = deposited(house, example_request(house.catalogue, "结婚证")).certificates
    for holder in certificate.holders:
        found = holdings(
            house.wired.workshop,
            house.client,
            holder.code,
            purpose="办理落户",
            service_item=None,
            case_number=None,
            at=now(),
        )
        assert certificate in found.certificates
        assert certificate in of_person(house.wired.workshop, person_with(holder.code), at=datetime.now(UTC))


def test_a_look_at_a_holder_is_audited_without_their_number(house: House) -> None:
    (certificate,) = deposited(house, example_request(house.catalogue, "结婚证")).certificates
    code = certificate.holders[0].code
    holdings(
        house.wired.workshop,
        house.client,
        code,
        purpose=f"核对 {code.value}",
        service_item="item",
        case_number=f"case-{code.value}",
        at=now(),
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        query = select(audit_events).order_by(audit_events.c.id.desc()).limit(1)
        event = db.execute(query).one()
    assert (event.actor, event.action) == (house.client.client_id, "holdings")
    assert event.details.keys() - footing_json(Statutory()) == {"holder", "certificates", "materials"}
    assert str(certificate.certificate_id) in event.details["certificates"]
    assert opened_reasons(house, event) == {
        "purpose": f"核对 {code.value}",
        "service_item": "item",
        "case_number": f"case-{code.value}",
    }


def test_nothing_that_a_look_up_is_given_stands_in_clear(house: House) -> None:
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    workshop = house.wired.workshop
    by_number(workshop, house.client, certificate.number, purpose=f"for {certificate.number}", at=now())
    with workshop.database.reading(VAULT) as db:
        event = db.execute(select(audit_events).order_by(audit_events.c.id.desc()).limit(1)).one()
    assert event.action == "lookup"
    assert certificate.number not in str(event)
    assert certificate.number.encode() not in bytes(event.sealed)
    assert opened_reasons(house, event) == {"purpose": f"for {certificate.number}"}


def test_why_somebody_asked_cannot_be_moved_to_another_event(house: House) -> None:
    code = HolderCode.parse("111", "440524188001010014")
    for purpose in ("one", "other"):
        holdings(
            house.wired.workshop,
            house.client,
            code,
            purpose=purpose,
            service_item=None,
            case_number=None,
            at=now(),
        )
    with house.wired.workshop.database.reading(VAULT) as db:
        newest, before = db.execute(select(audit_events).order_by(audit_events.c.id.desc()).limit(2)).all()
    assert opened_reasons(house, newest)["purpose"] == "other"
    with pytest.raises(IntegrityError):
        opened_reasons(house, newest, envelope_of=before)


def test_an_unknown_holder_has_nothing(house: House) -> None:
    code = HolderCode.parse("111", "440524188001010014")
    found = holdings(
        house.wired.workshop,
        house.client,
        code,
        purpose="核对",
        service_item=None,
        case_number=None,
        at=now(),
    )
    assert all(code in {h.code for h in c.holders} for c in found.certificates)
    assert of_person(house.wired.workshop, person_with(None), at=datetime.now(UTC)) == ()


def test_a_number_is_found_by_its_issuer_only(house: House) -> None:
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    workshop = house.wired.workshop
    assert certificate in by_number(workshop, house.client, certificate.number, purpose="核对", at=now())
    assert by_number(workshop, STRANGER, certificate.number, purpose="核对", at=now()) == ()


def test_strangers_find_neither_case_nor_file(house: House) -> None:
    request = example_request(house.catalogue)
    (certificate,) = deposited(house, request).certificates
    workshop = house.wired.workshop
    with pytest.raises(NotFound):
        of_case(workshop, STRANGER, request["case"]["number"], at=datetime.now(UTC))
    with pytest.raises(NotFound):
        document_for_client(workshop, STRANGER, certificate.certificate_id, DocumentFormat.PDF, at=now())
    stranger = person_with(HolderCode.parse("111", "440524188001010014"))
    with pytest.raises(NotFound):
        document_for_holder(workshop, stranger, certificate.certificate_id, DocumentFormat.PDF, at=now())


def test_a_holder_downloads_the_sealed_bytes(house: House) -> None:
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    holder = person_with(certificate.holders[0].code)
    file = document_for_holder(
        house.wired.workshop, holder, certificate.certificate_id, DocumentFormat.PDF, at=now()
    )
    assert file.sha256 == certificate.documents[0].sha256
    assert file.media_type == "application/pdf"
    with pytest.raises(NotFound):
        document_for_holder(
            house.wired.workshop, holder, certificate.certificate_id, DocumentFormat.OFD, at=now()
        )


def test_a_residence_permit_is_one_person_under_either_code_type(house: House) -> None:
    request = example_request(house.catalogue, "护士执业证书")
    holder = {"code_type": "111", "code": "810000199408230021", "name": "陈样例"}
    request["results"][0]["holders"] = [holder]
    (certificate,) = deposited(house, request).certificates
    person = person_with(HolderCode.parse("551", "810000199408230021"))
    assert certificate in of_person(house.wired.workshop, person, at=datetime.now(UTC))
    file = document_for_holder(
        house.wired.workshop, person, certificate.certificate_id, DocumentFormat.PDF, at=now()
    )
    assert file.sha256 == certificate.documents[0].sha256
