"""Consents on the engines: what was consented to is shown, so often, until it is taken back, and no more."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import select, update

from storage.audit import AuditEvent, AuditQuestion, find_events
from storage.filed_objects import copy_object
from storage.inspection import contradicting_consents, contradicting_uses
from storage.tables import audit_events, consent_events, consents, use_events
from tests.conftest import House
from tests.flows.granting import (
    PURPOSE,
    bank,
    code_of,
    consent_body,
    consented,
    now,
    organisation_of,
    person,
    uses_left,
)
from tests.flows.test_reuse import (
    CONSTRUCTION,
    ESTATE,
    LICENCE,
    PRESALE,
    given,
    held_materials,
    new_company,
    new_person,
    request_for,
    with_material,
)
from tests.flows.test_uses import asked, judged, used
from tests.trials import all_damaged
from vault.accesses import accesses_of
from vault.consents import CONSENTS_MAX, consents_of, grant_consent, read_consent, revoke_consent
from vault.deposit import hand_in
from vault.download import copy_for_client
from vault.errors import Conflict, InputError, NotFound, NotPermitted
from vault.fsck import fsck
from vault.lifecycle import StatusChange, change_status
from vault.lookup import FOR_CLIENTS, Holdings, holdings, summary_json
from vault.material_archive import verify
from vault.model.actors import ClientGrant
from vault.model.certificate import CertificateRecord
from vault.model.consent import REPEAT_WITHIN
from vault.model.footing import STATUTORY_DUTY, Consented, Statutory
from vault.model.history_entry import Access
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action
from vault.model.scope import VAULT
from vault.model.verdict import NotInForce
from vault.reuse import answer_json, check_reuse, read_question
from vault.uses import MadeUse, discard_copy, redeem

pytestmark = pytest.mark.engines

Holder = dict[str, str]


@pytest.fixture
def holder() -> Holder:
    return new_person()


@pytest.fixture
def estate(house: House, holder: Holder) -> CertificateRecord:
    return given(house, ESTATE, holder)


@pytest.fixture
def lender(house: House) -> ClientGrant:
    return bank(house)


def looked(
    house: House,
    client: ClientGrant,
    holder: Holder,
    *,
    purpose: str = PURPOSE,
    case_number: str | None = None,
    at_delay: timedelta = timedelta(0),
) -> Holdings:
    return holdings(
        house.wired.workshop,
        client,
        code_of(holder),
        purpose=purpose,
        service_item=None,
        case_number=case_number,
        at=now() + at_delay,
    )


def shown(house: House, found: Holdings) -> list[dict[str, Any]]:
    types = house.wired.workshop.shelf.types(now())
    return [found.ground.shown(summary_json(r, types, files_at=FOR_CLIENTS)) for r in found.certificates]


def newest_event(house: House, client: ClientGrant) -> AuditEvent:
    workshop = house.wired.workshop
    with workshop.database.reading(VAULT) as db:
        query = select(audit_events.c.id).where(audit_events.c.actor == client.client_id)
        newest = db.execute(query.order_by(audit_events.c.id.desc()).limit(1)).scalar_one()
        question = AuditQuestion(actor=client.client_id)
        (event,) = find_events(db, workshop.keys, question, after=newest - 1, rows=1)
    return event


def by_consent(certificate: CertificateRecord, **changes: object) -> dict[str, Any]:
    """A use of an organisation that handles no service items."""
    return asked(certificate, service_item=None, purpose=PURPOSE, copy=False, **changes)


def told(house: House, holder: Holder, limit: int = 100) -> tuple[Access, ...]:
    """The newest of the holder's history."""
    workshop, owner = house.wired.workshop, person(house, holder)
    return accesses_of(workshop, owner, certificate_id=None, before=None, limit=limit, at=now()).accesses


def redeemed_uses(house: House, made: MadeUse) -> list[Any]:
    query = select(use_events.c.footing).where(
        use_events.c.use_id == made.use.use_id, use_events.c.action == "redeem"
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        return list(db.execute(query).scalars())


# --- what a holder has ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("estate")
def test_without_consent_an_organisation_is_told_the_same_of_everybody(
    house: House, holder: Holder, lender: ClientGrant
) -> None:
    with pytest.raises(NotFound) as of_a_holder:
        looked(house, lender, holder)
    event = newest_event(house, lender)
    assert (event.action, event.details["footing"]) == ("refused-holdings", "consent")
    assert (event.details["consents"], event.details["certificates"]) == ([], [])
    assert event.reasons is not None
    assert event.reasons["purpose"] == PURPOSE
    with pytest.raises(NotFound) as of_nobody:
        looked(house, lender, new_person())
    assert of_a_holder.value.detail == of_nobody.value.detail


def test_with_a_consent_it_sees_the_types_and_fields_that_were_consented_to(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    with_material(house, holder, "CL0007", "B")
    key = next(iter(estate.fields))
    granted = consented(house, holder, lender, ESTATE, fields=["number", key])
    found = looked(house, lender, holder)
    (certificate,) = shown(house, found)
    assert certificate["identifier"] == estate.identifier
    assert certificate["number"] == estate.number
    assert certificate["fields"] == {key: estate.fields[key]}
    assert (certificate["holders"], certificate["documents"], found.materials) == ([], [], ())
    event = newest_event(house, lender)
    assert (event.action, event.details["consents"]) == ("holdings", [str(granted.consent_id)])
    assert event.details["legal_basis"] is None
    assert uses_left(house, holder, granted.consent_id) == 4


def test_what_is_of_another_type_is_not_there(house: House, lender: ClientGrant) -> None:
    company = new_company()
    given(house, CONSTRUCTION, company)
    licence = given(house, LICENCE, company)
    consented(house, company, lender, LICENCE)
    (certificate,) = shown(house, looked(house, lender, company))
    assert certificate["certificate_id"] == str(licence.certificate_id)
    assert certificate["number"] == licence.number
    assert certificate["documents"] == []


@pytest.mark.usefixtures("estate")
def test_another_organisation_or_purpose_finds_nothing(
    house: House, holder: Holder, lender: ClientGrant
) -> None:
    granted = consented(house, holder, lender, ESTATE)
    with pytest.raises(NotFound):
        looked(house, bank(house), holder)
    with pytest.raises(NotFound):
        looked(house, lender, holder, purpose="营销")
    with pytest.raises(NotFound):
        looked(house, lender, new_person())
    with pytest.raises(NotFound):
        looked(house, lender, holder, at_delay=timedelta(days=8))
    assert uses_left(house, holder, granted.consent_id) == 5


@pytest.mark.usefixtures("estate")
def test_the_same_question_again_counts_once_for_some_minutes(
    house: House, holder: Holder, lender: ClientGrant
) -> None:
    granted = consented(house, holder, lender, ESTATE, uses=1)
    assert looked(house, lender, holder).certificates
    assert looked(house, lender, holder).certificates, "an answer that was lost"
    assert uses_left(house, holder, granted.consent_id) == 0
    with pytest.raises(NotFound):
        looked(house, lender, holder, case_number="DK-2")
    with pytest.raises(NotFound):
        looked(house, lender, holder, at_delay=REPEAT_WITHIN + timedelta(seconds=1))


@pytest.mark.usefixtures("estate")
def test_a_consent_that_is_taken_back_serves_no_request_that_comes_after(
    house: House, holder: Holder, lender: ClientGrant
) -> None:
    workshop, owner = house.wired.workshop, person(house, holder)
    granted = consented(house, holder, lender, ESTATE)
    assert looked(house, lender, holder).certificates
    first = revoke_consent(workshop, owner, granted.consent_id, at=now())
    with pytest.raises(NotFound):
        looked(house, lender, holder)
    assert revoke_consent(workshop, owner, granted.consent_id, at=now()) == first
    with pytest.raises(NotFound):
        revoke_consent(workshop, person(house, new_person()), granted.consent_id, at=now())
    with workshop.database.reading(VAULT) as db:
        query = select(consent_events.c.action).where(consent_events.c.consent_id == granted.consent_id)
        actions = list(db.execute(query.order_by(consent_events.c.id)).scalars())
    assert actions == ["grant", "use", "revoke"]


ROUNDS = 3


def at_once(count: int, one: Callable[[int], object]) -> list[object]:
    """What each of so many callers gets who begin at the same moment; None for what is not there."""
    barrier = Barrier(count)

    def attempt(n: int) -> object:
        barrier.wait()
        try:
            return one(n)
        except NotFound:
            return None

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(attempt, range(count)))


@pytest.mark.usefixtures("estate")
def test_questions_at_once_never_use_more_than_was_granted(
    house: House, holder: Holder, lender: ClientGrant
) -> None:
    for _ in range(ROUNDS):
        granted = consented(house, holder, lender, ESTATE, uses=3, purpose=secrets.token_hex(4))
        purpose = granted.purpose
        assert purpose is not None

        def ask(n: int, purpose: str = purpose) -> object:
            return looked(house, lender, holder, purpose=purpose, case_number=f"DK-{n}")

        answers = at_once(6, ask)
        assert sum(answer is not None for answer in answers) == 3
        assert uses_left(house, holder, granted.consent_id) == 0


def test_uses_at_once_never_use_more_than_was_granted(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    granted = consented(house, holder, lender, ESTATE, uses=2)
    answers = at_once(6, lambda n: used(house, by_consent(estate, case_number=f"DK-{n}"), client=lender))
    assert sum(answer is not None for answer in answers) == 2
    assert uses_left(house, holder, granted.consent_id) == 0


def test_one_request_at_once_is_one_use(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    granted = consented(house, holder, lender, ESTATE, uses=5)
    request = by_consent(estate)
    made = [m for m in at_once(5, lambda _: used(house, request, client=lender)) if isinstance(m, MadeUse)]
    assert (len(made), len({m.use.use_id for m in made})) == (5, 1)
    assert uses_left(house, holder, granted.consent_id) == 4


# --- uses -------------------------------------------------------------------------------------------------


def test_a_use_rests_on_the_consent_and_ends_with_it(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    workshop = house.wired.workshop
    last = legal_day(now()) + timedelta(days=3)
    granted = consented(house, holder, lender, ESTATE, valid_to=last.isoformat())
    request = {**by_consent(estate), "copy": True}
    made = used(house, request, client=lender)
    assert made.use.footing == Consented((granted.consent_id,))
    assert made.use.last_day == last, "not beyond the consent"
    assert used(house, request, client=lender).use.use_id == made.use.use_id
    assert uses_left(house, holder, granted.consent_id) == 4
    content = copy_for_client(workshop, lender, made.use.use_id, at=now()).content
    (access, *_) = told(house, holder)
    assert (access.action, access.by_consent, access.legal_basis) == ("download", False, None)
    assert next(each for each in told(house, holder) if each.action == "use-make").by_consent
    revoke_consent(workshop, person(house, holder), granted.consent_id, at=now())
    with pytest.raises(NotFound):
        copy_for_client(workshop, lender, made.use.use_id, at=now())
    with pytest.raises(Conflict, match="revoked"):
        redeem(workshop, lender, made.code, at=now())
    with pytest.raises(NotFound):
        used(house, request, client=lender)
    verdict = judged(house, content).verdict
    assert isinstance(verdict, NotInForce)
    assert verdict.reason == "copy_revoked"
    assert made.use.copy is not None
    with workshop.database.reading(VAULT) as db:
        copy = copy_object(db, workshop.keys, made.use.use_id)
    assert copy is not None
    assert discard_copy(workshop, copy.stored_name, at=now()), "the worker takes it away"
    with workshop.database.reading(VAULT) as db:
        assert made.use.use_id not in contradicting_uses(db)


def test_a_new_consent_makes_the_same_request_a_new_use(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    first = consented(house, holder, lender, ESTATE)
    request = by_consent(estate)
    made = used(house, request, client=lender)
    revoke_consent(house.wired.workshop, person(house, holder), first.consent_id, at=now())
    second = consented(house, holder, lender, ESTATE, uses=2)
    again = used(house, request, client=lender)
    assert again.use.use_id != made.use.use_id
    assert again.use.footing == Consented((second.consent_id,))


def test_what_nobody_consents_to_is_as_what_is_not_there(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    workshop = house.wired.workshop
    consented(house, holder, lender, CONSTRUCTION)
    with pytest.raises(NotFound) as of_a_certificate:
        used(house, by_consent(estate), client=lender)
    event = newest_event(house, lender)
    assert (event.action, event.details["certificates"]) == ("refused-use", [str(estate.certificate_id)])
    absent = {**by_consent(estate), "certificate_id": "00000000-0000-7000-8000-000000000000"}
    with pytest.raises(NotFound) as of_nothing:
        used(house, absent, client=lender)
    assert of_a_certificate.value.detail == of_nothing.value.detail
    change = StatusChange(Action.REVOKE, "以欺骗手段取得", legal_day(now()))
    change_status(workshop, house.client, estate.certificate_id, change, at=now())
    with pytest.raises(NotFound):
        used(house, by_consent(estate), client=lender)
    consented(house, holder, lender, ESTATE)
    with pytest.raises(Conflict, match="not in force"):
        used(house, by_consent(estate), client=lender)


def test_materials_are_not_for_who_asks_by_consent(house: House, holder: Holder, lender: ClientGrant) -> None:
    with_material(house, holder, "CL0007", "C")
    (material,) = held_materials(house, holder)
    request = {
        **by_consent(given(house, ESTATE, holder)),
        "certificate_id": None,
        "material_id": str(material.material_id),
    }
    with pytest.raises(NotFound):
        used(house, request, client=lender)
    with pytest.raises(NotFound):
        verify(house.wired.workshop, lender, material.material_id, clerk="文样窗", note="", at=now())


def test_a_consent_for_some_fields_gives_no_copy(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    granted = consented(house, holder, lender, ESTATE, fields=["number"])
    with pytest.raises(NotPermitted) as refused:
        used(house, {**by_consent(estate), "copy": True}, client=lender)
    assert [problem.pointer for problem in refused.value.problems] == ["/copy"]
    assert uses_left(house, holder, granted.consent_id) == 5
    made = used(house, by_consent(estate), client=lender)
    done = redeem(house.wired.workshop, lender, made.code, at=now())
    assert done.ground.shown({**WHOLE, "type": estate.type_code})["fields"] == {}
    assert uses_left(house, holder, granted.consent_id) == 4, "its own code costs nothing more"


@pytest.fixture
def shared(house: House, holder: Holder) -> CertificateRecord:
    """A certificate of two people."""
    return given(house, ESTATE, holder, new_person())


def unmasked(certificates: list[dict[str, Any]]) -> list[str]:
    return [each["code"] for shown_ in certificates for each in shown_["holders"] if "*" not in each["code"]]


def test_holders_who_did_not_consent_are_masked(
    house: House, holder: Holder, shared: CertificateRecord, lender: ClientGrant
) -> None:
    consented(house, holder, lender, ESTATE)
    (seen,) = shown(house, looked(house, lender, holder))
    assert (unmasked([seen]), len(seen["holders"])) == ([holder["code"]], 2)
    (masked,) = (each for each in seen["holders"] if each["code"] != holder["code"])
    assert masked["name"] != shared.holders[1].name
    made = used(house, by_consent(shared), client=lender)
    done = redeem(house.wired.workshop, lender, made.code, at=now())
    types = house.wired.workshop.shelf.types(now())
    whole = summary_json(shared, types, files_at=FOR_CLIENTS)
    assert unmasked([whole]) == [each.code.value for each in shared.holders]
    assert unmasked([done.ground.shown(whole)]) == [holder["code"]]
    assert unmasked(shown(house, looked(house, house.client, holder))) == unmasked([whole]), "by function"


def test_a_copy_of_what_others_hold_too_takes_more_than_the_consent_of_one(
    house: House, holder: Holder, shared: CertificateRecord, lender: ClientGrant
) -> None:
    granted = consented(house, holder, lender, ESTATE)
    with pytest.raises(NotPermitted, match="one of its holders") as refused:
        used(house, {**by_consent(shared), "copy": True}, client=lender)
    assert [problem.pointer for problem in refused.value.problems] == ["/copy"]
    assert uses_left(house, holder, granted.consent_id) == 5


WHOLE: dict[str, Any] = {"number": "1", "holders": [], "fields": {"a": 1}, "documents": [1]}


def test_redeeming_anothers_code_takes_a_consent_of_its_own(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    workshop = house.wired.workshop
    made = used(house, asked(estate, purpose=PURPOSE, copy=False))
    with pytest.raises(NotFound) as refused:
        redeem(workshop, lender, made.code, at=now())
    with pytest.raises(NotFound) as unknown:
        redeem(workshop, lender, "x", at=now())
    assert refused.value.detail == unknown.value.detail
    granted = consented(house, holder, lender, ESTATE, uses=1)
    assert redeem(workshop, lender, made.code, at=now()).ground.footing == Consented((granted.consent_id,))
    assert redeem(workshop, lender, made.code, at=now()).repeated
    assert uses_left(house, holder, granted.consent_id) == 0
    (footing,) = redeemed_uses(house, made)
    assert footing["consents"] == [str(granted.consent_id)]
    event = newest_event(house, lender)
    assert (event.action, event.details["footing"]) == ("use-redeem", "consent")
    revoke_consent(workshop, person(house, holder), granted.consent_id, at=now())
    with pytest.raises(NotFound):
        redeem(workshop, lender, made.code, at=now())


# --- by function ------------------------------------------------------------------------------------------


def test_by_function_nothing_is_needed_and_the_legal_basis_is_recorded(
    house: House, holder: Holder, estate: CertificateRecord
) -> None:
    law = "《城市房地产管理法》第六十一条"
    client = ClientGrant("suite", "The test suite", house.client.authorities, standing=Statutory(law))
    assert looked(house, client, holder).certificates == (estate,)
    event = newest_event(house, client)
    assert (event.details["footing"], event.details["legal_basis"]) == ("statutory", law)
    made = used(house, asked(estate, copy=False), client=client)
    assert made.use.footing == Statutory(law)
    (access,) = told(house, holder, limit=1)
    assert (access.by_consent, access.legal_basis) == (False, law), "as it was kept"
    redeem(house.wired.workshop, house.client, made.code, at=now())
    assert redeemed_uses(house, made) == [
        {"footing": "statutory", "legal_basis": STATUTORY_DUTY, "consents": []}
    ]
    question = read_question(
        house.wired.workshop.shelf.items(now()),
        {"service_item": PRESALE, "holders": [{"code_type": "001", "code": new_company()["code"]}]},
        at=now(),
    )
    check_reuse(house.wired.workshop, client, question, at=now())
    assert newest_event(house, client).details["legal_basis"] == law


# --- reuse checks -----------------------------------------------------------------------------------------


def checked(house: House, client: ClientGrant, company: Holder, **changes: object) -> dict[str, Any]:
    workshop, at = house.wired.workshop, now()
    body = {
        "service_item": PRESALE,
        "holders": [{key: company[key] for key in ("code_type", "code")}],
        **changes,
    }
    question = read_question(workshop.shelf.items(at), body, at=at)
    return answer_json(check_reuse(workshop, client, question, at=at))


def test_a_reuse_check_by_consent_shows_what_was_consented_to(house: House, lender: ClientGrant) -> None:
    company = new_company()
    licence = given(house, LICENCE, company)
    given(house, CONSTRUCTION, company)
    with_material(house, company, "CL0016", "A")
    with pytest.raises(NotFound):
        checked(house, lender, company)
    assert newest_event(house, lender).action == "refused-reuse-check"
    consented(house, company, lender, LICENCE)
    with pytest.raises(NotFound):
        checked(house, lender, company)
    granted = consented(house, company, lender, LICENCE, service_item=PRESALE)
    answer = checked(house, lender, company)
    proofs = [proof for line in answer["lines"] for proof in line["satisfied_by"]]
    assert {proof["certificate_id"] for proof in proofs} == {str(licence.certificate_id)}
    assert {proof["number"] for proof in proofs} == {licence.number}
    assert {line["state"] for line in answer["lines"] if not line["satisfied_by"]} == {"not_held"}
    assert answer["consents"] == [str(granted.consent_id)]
    checked(house, lender, company)
    assert uses_left(house, company, granted.consent_id) == 4, "the same question counts once"
    checked(house, lender, company, case_number="DK-3")
    assert uses_left(house, company, granted.consent_id) == 3
    by_function = checked(house, house.client, company)
    assert sum(line["state"] == "held" for line in by_function["lines"]) > 1


def test_a_reuse_check_shows_no_number_that_was_not_consented_to(house: House, lender: ClientGrant) -> None:
    company = new_company()
    given(house, LICENCE, company)
    consented(house, company, lender, LICENCE, fields=["holders"], service_item=PRESALE)
    lines = checked(house, lender, company)["lines"]
    proofs = [proof for line in lines for proof in line["satisfied_by"]]
    assert proofs
    assert {proof["number"] for proof in proofs} == {None}


# --- granting ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("estate")
def test_the_same_grant_is_the_same_consent_until_it_is_used_up(
    house: House, holder: Holder, lender: ClientGrant
) -> None:
    workshop, owner = house.wired.workshop, person(house, holder)
    body = consent_body(house, lender, ESTATE, uses=1)
    request = read_consent(workshop.shelf, body, at=now())
    granted = at_once(4, lambda _: grant_consent(workshop, owner, request, at=now()))
    assert len({one.file.consent.consent_id for one in granted}) == 1  # type: ignore[attr-defined]  # none is None
    assert sum(not one.repeated for one in granted) == 1  # type: ignore[attr-defined]  # none is None
    assert looked(house, lender, holder).certificates
    assert not grant_consent(workshop, owner, request, at=now()).repeated, "it was used up"


def test_who_holds_nothing_yet_may_consent_ahead(house: House, holder: Holder, lender: ClientGrant) -> None:
    consented(house, holder, lender, ESTATE)
    assert looked(house, lender, holder).certificates == ()
    given(house, ESTATE, holder)
    assert looked(house, lender, holder, case_number="DK-9").certificates


def test_a_holder_lists_their_own_consents_with_their_uses(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    workshop, owner = house.wired.workshop, person(house, holder)
    first = consented(house, holder, lender, ESTATE)
    second = consented(house, holder, lender, ESTATE, uses=2)
    used(house, by_consent(estate), client=lender)
    consented(house, new_person(), lender, ESTATE)
    page = consents_of(workshop, owner, before=None, limit=1, at=now())
    rest = consents_of(workshop, owner, before=page.next_before, limit=CONSENTS_MAX, at=now())
    listed = [*page.files, *rest.files]
    assert [file.consent.consent_id for file in listed] == [second.consent_id, first.consent_id]
    assert {file.organisation_name for file in listed} == {"样例银行"}
    (use,) = [use for file in listed for use in file.uses]
    assert (use.client_name, use.look.value, use.certificate_id) == ("样例银行", "use", estate.certificate_id)
    assert rest.next_before is None
    assert organisation_of(lender) == listed[0].consent.organisation


BAD: list[tuple[dict[str, object], str]] = [
    ({"organisation": "91350100M000100Y4X"}, "/organisation"),
    ({"types": []}, "/types"),
    ({"types": ["x"]}, "/types/0"),
    ({"fields": []}, "/fields"),
    ({"fields": ["number", "colour"]}, "/fields/1"),
    ({"service_item": "x"}, "/service_item"),
    ({"purpose": None}, "/purpose"),
    ({"purpose": "x" * 61}, "/purpose"),
    ({"purpose": "a\u202eb"}, "/purpose"),
    ({"valid_to": "2020-01-01"}, "/valid_to"),
    ({"valid_to": "2099-01-01"}, "/valid_to"),
    ({"valid_to": "soon"}, "/valid_to"),
    ({"valid_from": "2020-01-01"}, "/valid_from"),
    ({"valid_from": "2026-02-30"}, "/valid_from"),
    ({"uses": 0}, "/uses"),
    ({"uses": 1001}, "/uses"),
]


@pytest.mark.parametrize(("change", "pointer"), BAD)
def test_a_grant_that_cannot_be_is_refused_where_it_is_wrong(
    house: House, lender: ClientGrant, change: dict[str, object], pointer: str
) -> None:
    body = consent_body(house, lender, ESTATE) | change
    with pytest.raises(InputError) as refused:
        read_consent(house.wired.workshop.shelf, body, at=now())
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


def test_a_grant_in_clear_is_nowhere(house: House, holder: Holder, lender: ClientGrant) -> None:
    mark = f"标记{secrets.token_hex(8)}"
    consented(house, holder, lender, ESTATE, purpose=mark)
    with house.wired.workshop.database.reading(VAULT) as db:
        for table in ("consents", "consent_events", "audit_events"):
            rows = db.exec_driver_sql(f"SELECT t::text FROM {table} t").scalars().all()  # noqa: S608 - our own names
            assert not any(mark in row or holder["code"] in row for row in rows), table


def test_fsck_opens_consents_and_counts_their_uses(
    house: House, holder: Holder, estate: CertificateRecord, lender: ClientGrant
) -> None:
    workshop = house.wired.workshop
    granted = consented(house, holder, lender, ESTATE)
    used(house, by_consent(estate), client=lender)
    with workshop.database.reading(VAULT) as db:
        assert granted.consent_id not in contradicting_consents(db)
        assert str(granted.consent_id) not in str(all_damaged(db, workshop.keys))
    row = consents.c.id == granted.consent_id
    with workshop.database.writing(VAULT) as db:
        whole = db.execute(select(consents.c.sealed).where(row)).scalar_one()
        db.execute(update(consents).where(row).values(uses_left=5, sealed=b"x" * 40))
    try:
        found = {problem.about for problem in fsck(workshop, progress=lambda _: None).problems}
        assert found == {f"consent {granted.consent_id}", f"consents {granted.consent_id}"}
    finally:
        with workshop.database.writing(VAULT) as db:  # the house is shared: nobody else shall find the damage
            db.execute(update(consents).where(row).values(uses_left=4, sealed=whole))


def test_who_asks_by_consent_hands_nothing_in(house: House, lender: ClientGrant) -> None:
    request = request_for(house, LICENCE, new_company())
    request["results"] = []
    with pytest.raises(NotPermitted):
        hand_in(house.wired.workshop, lender, request, at=now())
