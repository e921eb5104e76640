"""What holders grant is whole or not there: each commit as failed and as failed but happened."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from storage.round_trip import Statement
from storage.tables import consent_events, delegation_events, presentations
from tests.conftest import House, behind_a_cutting_wire
from tests.faults import CuttingWire
from tests.flows.granting import (
    PURPOSE,
    bank,
    code_of,
    consent_body,
    consented,
    delegated,
    introduced,
    person,
    signed_in,
    uses_left,
)
from tests.flows.test_reuse import ESTATE, LICENCE, PRESALE, given, new_company, new_person
from tests.flows.test_uses import asked
from tests.requests import kind_named
from vault.consents import consents_of, grant_consent, read_consent, revoke_consent
from vault.delegations import delegations_of, end_delegation, grant_delegation, read_delegation
from vault.download import document_for_delegate
from vault.errors import CodeOpensNothing, NotFound, Unavailable
from vault.lookup import Holdings, holdings, of_delegator
from vault.model.actors import ClientGrant
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.model.scope import VAULT, Scope
from vault.presentations import PresentationRequest, make_presentation, redeem_presentation
from vault.reuse import check_reuse, read_question
from vault.sessions import enter
from vault.uses import make_use, read_use
from vault.workshop import Workshop

pytestmark = [pytest.mark.engines, pytest.mark.crash, pytest.mark.parametrize("how", ["before", "after"])]

Holder = dict[str, str]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def wire_(house: House) -> Iterator[tuple[Workshop, CuttingWire]]:
    with behind_a_cutting_wire(house) as through:
        yield through


@pytest.fixture
def holder() -> Holder:
    return new_person()


@pytest.fixture
def estate(house: House, holder: Holder) -> CertificateRecord:
    return given(house, ESTATE, holder)


@pytest.fixture
def lender(house: House) -> ClientGrant:
    return bank(house)


def used(house: House, consent_id: UUID) -> int:
    query = select(func.count()).where(
        consent_events.c.consent_id == consent_id, consent_events.c.action == "use"
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        return db.execute(query).scalar_one()


def test_a_consent(
    house: House, wire_: tuple[Workshop, CuttingWire], holder: Holder, lender: ClientGrant, how: str
) -> None:
    workshop, wire = wire_
    owner = person(house, holder)
    request = read_consent(workshop.shelf, consent_body(house, lender, ESTATE), at=now())
    wire.cut = how
    with pytest.raises(Unavailable):
        grant_consent(workshop, owner, request, at=now())
    granted = grant_consent(workshop, owner, request, at=now())
    assert granted.repeated is (how == "after")
    listed = consents_of(workshop, owner, before=None, limit=9, at=now()).files
    assert [file.consent for file in listed] == [granted.file.consent]
    consent_id = granted.file.consent.consent_id
    wire.cut = how
    with pytest.raises(Unavailable):
        revoke_consent(workshop, owner, consent_id, at=now())
    between = consents_of(workshop, owner, before=None, limit=9, at=now()).files[0].consent
    assert (between.revoked_at is not None) is (how == "after")
    done = revoke_consent(workshop, owner, consent_id, at=now())
    assert done.consent.revoked_at is not None
    assert revoke_consent(workshop, owner, consent_id, at=now()) == done
    with workshop.database.reading(VAULT) as db:
        query = select(consent_events.c.action).where(consent_events.c.consent_id == consent_id)
        assert list(db.execute(query.order_by(consent_events.c.id)).scalars()) == ["grant", "revoke"]
    assert wire.cuts == 2


@pytest.mark.usefixtures("estate")
def test_a_look_that_uses_a_consent(
    house: House, wire_: tuple[Workshop, CuttingWire], holder: Holder, lender: ClientGrant, how: str
) -> None:
    workshop, wire = wire_
    granted = consented(house, holder, lender, ESTATE, uses=1)

    def look() -> Holdings:
        return holdings(
            workshop,
            lender,
            code_of(holder),
            purpose=PURPOSE,
            service_item=None,
            case_number=None,
            at=now(),
        )

    wire.cut = how
    with pytest.raises(Unavailable):
        look()
    assert used(house, granted.consent_id) == (1 if how == "after" else 0)
    assert look().certificates
    assert (used(house, granted.consent_id), wire.cuts) == (1, 1)
    assert uses_left(house, holder, granted.consent_id) == 0


def test_a_use_on_a_consent(
    house: House,
    wire_: tuple[Workshop, CuttingWire],
    holder: Holder,
    estate: CertificateRecord,
    lender: ClientGrant,
    how: str,
) -> None:
    workshop, wire = wire_
    granted = consented(house, holder, lender, ESTATE, uses=1)
    body = asked(estate, service_item=None, purpose=PURPOSE, copy=False)
    request = read_use(workshop.shelf, lender, body, at=now())
    wire.cut = how
    with pytest.raises(Unavailable):
        make_use(workshop, lender, request, at=now())
    assert make_use(workshop, lender, request, at=now()).repeated is (how == "after")
    assert (used(house, granted.consent_id), wire.cuts) == (1, 1)
    other = read_use(workshop.shelf, lender, {**body, "case_number": "DK-2"}, at=now())
    with pytest.raises(NotFound):
        make_use(workshop, lender, other, at=now())


@pytest.mark.parametrize("commit", ["consent", "answer"])
def test_a_reuse_check_on_a_consent(
    house: House, wire_: tuple[Workshop, CuttingWire], lender: ClientGrant, how: str, commit: str
) -> None:
    workshop, wire = wire_
    company = new_company()
    given(house, LICENCE, company)
    granted = consented(house, company, lender, LICENCE, service_item=PRESALE, uses=1)
    holders = [{key: company[key] for key in ("code_type", "code")}]
    body = {"service_item": PRESALE, "holders": holders}
    question = read_question(workshop.shelf.items(now()), body, at=now())
    if commit == "consent":
        wire.cut = how
    else:
        _arm_after_first(workshop, wire, how)
    with pytest.raises(Unavailable):
        check_reuse(workshop, lender, question, at=now())
    assert check_reuse(workshop, lender, question, at=now()).footing is not None
    assert (used(house, granted.consent_id), wire.cuts) == (1, 1)


def _arm_after_first(workshop: Workshop, wire: CuttingWire, how: str) -> None:
    """The first transaction of the check uses the consents, the second one answers."""
    noting = workshop.database.noting_after

    def arm_and_note(scope: Scope, questions: Sequence[Statement]) -> object:
        if wire.cuts == 0:
            wire.cut = how
        return noting(scope, questions)

    workshop.database.noting_after = arm_and_note  # type: ignore[method-assign,assignment]  # the moment to arm the wire


def test_a_delegation(house: House, wire_: tuple[Workshop, CuttingWire], holder: Holder, how: str) -> None:
    workshop, wire = wire_
    owner, helper = person(house, holder), new_person()
    body = {
        "delegate": {key: helper[key] for key in ("code_type", "code")},
        "types": [kind_named(house.catalogue, ESTATE).code],
        "actions": ["download"],
        "valid_to": (now() + timedelta(days=3)).date().isoformat(),
    }
    request = read_delegation(workshop.shelf, code_of(holder), body, at=now())
    wire.cut = how
    with pytest.raises(Unavailable):
        grant_delegation(workshop, owner, request, at=now())
    granted = grant_delegation(workshop, owner, request, at=now())
    assert granted.repeated is (how == "after")
    delegation_id = granted.delegation.delegation_id
    wire.cut = how
    with pytest.raises(Unavailable):
        enter(workshop, introduced(helper), "local", before=None, at=now())
    accepted = delegations_of(workshop, owner, at=now()).given[0].accepted_at
    assert (accepted is not None) is (how == "after")
    enter(workshop, introduced(helper), "local", before=None, at=now())
    wire.cut = how
    with pytest.raises(Unavailable):
        end_delegation(workshop, owner, delegation_id, at=now())
    end_delegation(workshop, owner, delegation_id, at=now())
    with workshop.database.reading(VAULT) as db:
        query = select(delegation_events.c.action).where(delegation_events.c.delegation_id == delegation_id)
        actions = list(db.execute(query.order_by(delegation_events.c.id)).scalars())
    assert actions == ["grant", "accept", "revoke"]
    assert wire.cuts == 3


def test_what_a_delegate_does_is_told_or_not_done(
    house: House, wire_: tuple[Workshop, CuttingWire], holder: Holder, estate: CertificateRecord, how: str
) -> None:
    workshop, wire = wire_
    helper = new_person()
    granted = delegated(house, holder, helper, ESTATE)
    delegate, delegation_id = signed_in(house, helper), granted.delegation_id
    wire.cut = how
    with pytest.raises(Unavailable):
        of_delegator(workshop, delegate, delegation_id, at=now())
    wire.cut = how
    with pytest.raises(Unavailable):
        document_for_delegate(
            workshop, delegate, delegation_id, estate.certificate_id, DocumentFormat.PDF, at=now()
        )
    acts = delegations_of(workshop, person(house, holder), at=now()).acts[delegation_id]
    told = [act.action.value for act in acts]
    assert told == (["download", "view"] if how == "after" else []) + ["accept", "grant"]
    assert wire.cuts == 2


def test_a_presentation(
    house: House, wire_: tuple[Workshop, CuttingWire], holder: Holder, estate: CertificateRecord, how: str
) -> None:
    """Once is once: where the answer to a redemption is lost, the holder shows a fresh code."""
    workshop, wire = wire_
    owner = person(house, holder)
    request = PresentationRequest(estate.certificate_id, None, None)
    wire.cut = how
    with pytest.raises(Unavailable):
        make_presentation(workshop, owner, request, at=now())
    with workshop.database.reading(VAULT) as db:
        query = select(func.count()).where(presentations.c.certificate_id == estate.certificate_id)
        assert db.execute(query).scalar_one() == (1 if how == "after" else 0)
    made = make_presentation(workshop, owner, request, at=now())
    wire.cut = how
    with pytest.raises(Unavailable):
        redeem_presentation(workshop, None, made.code, at=now())
    if how == "before":
        assert redeem_presentation(workshop, None, made.code, at=now()).certificate == estate
    with pytest.raises(CodeOpensNothing):
        redeem_presentation(workshop, None, made.code, at=now())
    assert wire.cuts == 2
