"""Each flow that opens somebody's data for somebody leaves an event: who, what and for which case."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from storage.audit import AuditEvent, AuditQuestion, find_events
from storage.tables import audit_events
from tests.conftest import House
from tests.flows.test_deposit import deposited
from tests.flows.test_lookup import STRANGER
from tests.requests import example_request
from vault.download import document_for_client, document_for_holder
from vault.errors import NotFound
from vault.lifecycle import history_of
from vault.lookup import by_number, holdings, of_case, of_person
from vault.model.actors import Assurance, Person, Role
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines


@dataclass(frozen=True)
class Scene:
    """A certificate, its holder, and a time."""

    house: House
    certificate: CertificateRecord
    person: Person
    now: datetime


@pytest.fixture
def scene(house: House) -> Scene:
    (certificate,) = deposited(house, example_request(house.catalogue)).certificates
    code = certificate.holders[0].code
    roles = frozenset({Role.HOLDER})
    person = Person(uuid4(), "https://id.example", "张样", roles, None, code, Assurance.HIGH)
    return Scene(house, certificate, person, datetime.now(UTC))


LOOKS: dict[str, Callable[[Scene], object]] = {
    "holdings": lambda s: holdings(
        s.house.wired.workshop,
        s.house.client,
        s.certificate.holders[0].code,
        purpose="办理",
        service_item=None,
        case_number=s.certificate.case_number,
        at=s.now,
    ),
    "lookup": lambda s: by_number(
        s.house.wired.workshop, s.house.client, s.certificate.number, purpose="办理", at=s.now
    ),
    "receipts": lambda s: of_case(
        s.house.wired.workshop, s.house.client, s.certificate.case_number, at=s.now
    ),
    "own-certificates": lambda s: of_person(s.house.wired.workshop, s.person, at=s.now),
    "download": lambda s: document_for_client(
        s.house.wired.workshop, s.house.client, s.certificate.certificate_id, DocumentFormat.PDF, at=s.now
    ),
    "download ": lambda s: document_for_holder(
        s.house.wired.workshop, s.person, s.certificate.certificate_id, DocumentFormat.PDF, at=s.now
    ),
    "view": lambda s: history_of(
        s.house.wired.workshop, s.house.client, s.certificate.certificate_id, at=s.now
    ),
    "refused-download": lambda s: document_for_client(
        s.house.wired.workshop, STRANGER, s.certificate.certificate_id, DocumentFormat.PDF, at=s.now
    ),
    "refused-view": lambda s: history_of(
        s.house.wired.workshop, STRANGER, s.certificate.certificate_id, at=s.now
    ),
}


@pytest.mark.parametrize("action", LOOKS)
def test_a_look_leaves_one_event_by_which_the_certificate_is_found(scene: Scene, action: str) -> None:
    with scene.house.wired.workshop.database.reading(VAULT) as db:
        before = db.execute(select(func.max(audit_events.c.id))).scalar_one()
    with suppress(NotFound):
        LOOKS[action](scene)
    (event,) = about(scene, AuditQuestion(certificate_id=scene.certificate.certificate_id), before)
    assert event.action == action.strip()
    assert event.actor in {
        scene.house.client.client_id,
        STRANGER.client_id,
        f"person:{scene.person.person_id}",
    }
    assert scene.certificate.holders[0].code.value not in event.content.decode()


@pytest.mark.parametrize("action", ["holdings", "receipts", "download", "view"])
def test_a_look_is_found_by_its_case(scene: Scene, action: str) -> None:
    with scene.house.wired.workshop.database.reading(VAULT) as db:
        before = db.execute(select(func.max(audit_events.c.id))).scalar_one()
    LOOKS[action](scene)
    (event,) = about(scene, AuditQuestion(case_number=scene.certificate.case_number), before)
    assert event.action == action


def test_a_repeated_deposit_is_a_look_at_its_receipts(house: House) -> None:
    request = example_request(house.catalogue)
    deposited(house, request)
    assert deposited(house, request).repeated
    with house.wired.workshop.database.reading(VAULT) as db:
        question = AuditQuestion(case_number=request["case"]["number"])
        found = find_events(db, house.wired.workshop.keys, question, after=0, rows=9)
    assert [event.action for event in found] == ["deposit", "receipts"]


def about(scene: Scene, question: AuditQuestion, after: int) -> tuple[AuditEvent, ...]:
    with scene.house.wired.workshop.database.reading(VAULT) as db:
        return find_events(db, scene.house.wired.workshop.keys, question, after=after, rows=9)
