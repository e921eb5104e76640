"""Delegations and presentations on the engines: who acts for whom, and a code that shows once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from storage.tables import audit_events, presentation_events, presentations
from tests.conftest import House
from tests.flows.granting import code_of, delegated, now, person, signed_in
from tests.flows.test_reuse import ESTATE, LICENCE, given, new_company, new_person, statements
from vault.delegations import delegations_of, end_delegation
from vault.download import document_for_delegate, document_for_holder
from vault.errors import CodeOpensNothing, InputError, NotFound, NotPermitted
from vault.lookup import FOR_HOLDERS, delegated_json, of_delegator, summary_json
from vault.model.actors import ClientGrant, Person
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord
from vault.model.delegation import DelegationEvent
from vault.model.legal_time import legal_day
from vault.model.presentation import CODE_LIFETIME
from vault.model.scope import VAULT
from vault.presentations import (
    MadePresentation,
    PresentationRequest,
    Presented,
    make_presentation,
    presented_face,
    redeem_presentation,
)

pytestmark = pytest.mark.engines

Holder = dict[str, str]
PDF = DocumentFormat.PDF


@pytest.fixture
def holder() -> Holder:
    return new_person()


@pytest.fixture
def helper() -> Holder:
    return new_person()


@pytest.fixture
def estate(house: House, holder: Holder) -> CertificateRecord:
    return given(house, ESTATE, holder)


def presented(
    house: House, who: Person, certificate: CertificateRecord, *fields: str, under: UUID | None = None
) -> MadePresentation:
    request = PresentationRequest(certificate.certificate_id, fields or None, under)
    return make_presentation(house.wired.workshop, who, request, at=now())


def opened(
    house: House,
    code: str,
    verifier: ClientGrant | Person | None = None,
    *,
    after: timedelta = timedelta(0),
) -> Presented:
    return redeem_presentation(house.wired.workshop, verifier, code, at=now() + after)


def audited(house: House, certificate: CertificateRecord, action: str) -> list[tuple[str, dict[str, object]]]:
    query = select(audit_events.c.actor, audit_events.c.details).where(
        audit_events.c.certificate_id == certificate.certificate_id, audit_events.c.action == action
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        return [(row.actor, row.details) for row in db.execute(query.order_by(audit_events.c.id))]


# --- delegations ------------------------------------------------------------------------------------------


def test_a_delegate_who_has_not_signed_in_yet_accepts_by_signing_in(
    house: House, holder: Holder, helper: Holder, estate: CertificateRecord
) -> None:
    workshop = house.wired.workshop
    granted = delegated(house, holder, helper, ESTATE)
    with pytest.raises(NotFound):
        of_delegator(workshop, person(house, helper), granted.delegation_id, at=now())
    delegate = signed_in(house, helper)
    delegation, found = of_delegator(workshop, delegate, granted.delegation_id, at=now())
    assert (delegation.holder_name, found) == (holder["name"], (estate,))
    file = document_for_delegate(
        workshop, delegate, granted.delegation_id, estate.certificate_id, PDF, at=now()
    )
    assert file.sha256 == estate.documents[0].sha256
    listed = delegations_of(workshop, person(house, holder), at=now())
    acts = [act.action for act in listed.acts[granted.delegation_id]]
    assert acts == [
        DelegationEvent.DOWNLOAD,
        DelegationEvent.VIEW,
        DelegationEvent.ACCEPT,
        DelegationEvent.GRANT,
    ]
    (event,) = audited(house, estate, "download")
    assert event[0] == f"person:{delegate.person_id}", "theirs, on behalf of the holder"
    assert event[1]["delegation"] == str(granted.delegation_id)
    assert event[1]["holder"] == str(granted.holder_id)
    received = delegations_of(workshop, delegate, at=now())
    assert [each.delegation_id for each in received.received] == [granted.delegation_id]
    assert received.given == ()
    with pytest.raises(NotFound):
        document_for_holder(workshop, delegate, estate.certificate_id, PDF, at=now())


def test_a_delegate_sees_what_is_delegated_and_nothing_else(house: House, helper: Holder) -> None:
    workshop, company = house.wired.workshop, new_company()
    licence = given(house, LICENCE, company)
    other = given(house, "食品经营许可证", company)
    strangers = given(house, LICENCE, new_company())
    granted = delegated(house, company, helper, LICENCE)
    delegate, stranger = signed_in(house, helper), signed_in(house, new_person())
    _, found = of_delegator(workshop, delegate, granted.delegation_id, at=now())
    assert found == (licence,)
    for certificate_id in (other.certificate_id, strangers.certificate_id, uuid4()):
        with pytest.raises(NotFound, match="no such certificate"):
            document_for_delegate(workshop, delegate, granted.delegation_id, certificate_id, PDF, at=now())
        request = PresentationRequest(certificate_id, None, granted.delegation_id)
        with pytest.raises(NotFound, match="no such certificate"):
            make_presentation(workshop, delegate, request, at=now())
    for who, delegation_id in ((stranger, granted.delegation_id), (delegate, uuid4())):
        with pytest.raises(NotFound, match="no such delegation"):
            of_delegator(workshop, who, delegation_id, at=now())
    assert [actor for actor, _ in audited(house, other, "refused-download")] == [
        f"person:{delegate.person_id}"
    ]


@pytest.mark.parametrize(("action", "may_download"), [("download", True), ("present", False)])
def test_one_action_is_not_the_other(
    house: House,
    holder: Holder,
    helper: Holder,
    estate: CertificateRecord,
    action: str,
    *,
    may_download: bool,
) -> None:
    workshop = house.wired.workshop
    granted = delegated(house, holder, helper, ESTATE, actions=[action])
    delegate = signed_in(house, helper)

    def download() -> object:
        return document_for_delegate(
            workshop, delegate, granted.delegation_id, estate.certificate_id, PDF, at=now()
        )

    def present() -> object:
        return presented(house, delegate, estate, under=granted.delegation_id)

    allowed, refused = (download, present) if may_download else (present, download)
    assert allowed()
    with pytest.raises(NotFound):
        refused()
    delegation, found = of_delegator(workshop, delegate, granted.delegation_id, at=now())
    (shown,) = delegated_json(delegation, found, {})["certificates"]
    assert bool(shown["documents"]) is may_download
    if may_download:
        assert shown["documents"][0]["href"].endswith(f"&on_behalf_of={granted.delegation_id}")


@pytest.mark.parametrize("by_holder", [True, False])
def test_a_delegation_ends_at_once_by_either(
    house: House, holder: Holder, helper: Holder, estate: CertificateRecord, *, by_holder: bool
) -> None:
    workshop = house.wired.workshop
    granted = delegated(house, holder, helper, ESTATE)
    delegate = signed_in(house, helper)
    made = presented(house, delegate, estate, under=granted.delegation_id)
    with pytest.raises(NotFound):
        end_delegation(workshop, signed_in(house, new_person()), granted.delegation_id, at=now())
    who = person(house, holder) if by_holder else delegate
    ended = end_delegation(workshop, who, granted.delegation_id, at=now())
    assert ended.given is by_holder
    with pytest.raises(NotFound):
        of_delegator(workshop, delegate, granted.delegation_id, at=now())
    with pytest.raises(CodeOpensNothing):
        opened(house, made.code)
    again = end_delegation(workshop, who, granted.delegation_id, at=now() + timedelta(minutes=1))
    assert again.delegation.revoked_at == ended.delegation.revoked_at


def test_a_delegation_holds_on_its_days_only(
    house: House, holder: Holder, helper: Holder, estate: CertificateRecord
) -> None:
    workshop = house.wired.workshop
    today = legal_day(now())
    granted = delegated(house, holder, helper, ESTATE, valid_to=today.isoformat())
    later = delegated(house, holder, helper, ESTATE, valid_from=(today + timedelta(days=1)).isoformat())
    delegate = signed_in(house, helper)
    _, found = of_delegator(workshop, delegate, granted.delegation_id, at=now())
    assert found == (estate,)
    with pytest.raises(NotFound):
        of_delegator(workshop, delegate, granted.delegation_id, at=now() + timedelta(days=1))
    with pytest.raises(NotFound):
        of_delegator(workshop, delegate, later.delegation_id, at=now())


def test_the_same_grant_is_the_same_delegation(house: House, holder: Holder, helper: Holder) -> None:
    first, second = (delegated(house, holder, helper, ESTATE) for _ in range(2))
    assert first.delegation_id == second.delegation_id
    other = delegated(house, holder, helper, ESTATE, actions=["present"])
    assert other.delegation_id != first.delegation_id


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"delegate": {"code_type": "111", "code": "1"}}, "/delegate/code"),
        ({"delegate": {"code_type": "x", "code": "1"}}, "/delegate/code_type"),
        ({"delegate": {"code_type": "001", "code": "91350100M000100Y43"}}, "/delegate/code_type"),
        ({"types": ["x"]}, "/types/0"),
        ({"types": []}, "/types"),
        ({"actions": []}, "/actions"),
        ({"actions": ["download", "sell"]}, "/actions/1"),
        ({"valid_to": "2099-01-01"}, "/valid_to"),
        ({"valid_from": "2020-01-01"}, "/valid_from"),
    ],
)
def test_a_delegation_that_cannot_be_is_refused_where_it_is_wrong(
    house: House, holder: Holder, helper: Holder, change: dict[str, object], pointer: str
) -> None:
    with pytest.raises(InputError) as refused:
        delegated(house, holder, helper, ESTATE, **change)
    assert [problem.pointer for problem in refused.value.problems] == [pointer]


def test_nobody_is_their_own_delegate(house: House, holder: Holder) -> None:
    with pytest.raises(InputError) as refused:
        delegated(house, holder, holder, ESTATE)
    assert [problem.pointer for problem in refused.value.problems] == ["/delegate/code"]


def test_a_delegates_code_stands_nowhere_in_clear(house: House, holder: Holder, helper: Holder) -> None:
    delegated(house, holder, helper, ESTATE)
    signed_in(house, helper)
    with house.wired.workshop.database.reading(VAULT) as db:
        for table in ("delegations", "delegation_events", "audit_events"):
            rows = db.exec_driver_sql(f"SELECT t::text FROM {table} t").scalars().all()  # noqa: S608 - our own names
            assert not any(helper["code"] in row or holder["code"] in row for row in rows), table


def test_without_the_role_of_a_holder_nothing_is_granted_or_shown(
    house: House, holder: Holder, estate: CertificateRecord
) -> None:
    who = person(house, holder)
    clerk = Person(who.person_id, who.issuer, who.name, frozenset(), None, who.code, who.assurance)
    with pytest.raises(NotFound):
        presented(house, clerk, estate)
    with pytest.raises(NotPermitted):
        delegations_of(house.wired.workshop, clerk, at=now())


# --- presentations ----------------------------------------------------------------------------------------


def test_who_shows_a_certificate_shows_themselves_and_no_other_holder(house: House, holder: Holder) -> None:
    other = new_person()
    shared = given(house, ESTATE, other, holder)
    seen = opened(house, presented(house, person(house, holder), shared).code)
    whole = summary_json(shared, house.wired.workshop.shelf.types(now()), files_at=FOR_HOLDERS)
    face = presented_face(seen, whole)
    codes = [each["code"] for each in face["holders"]]
    assert codes[1] == holder["code"]
    assert codes[0] == code_of(other).masked() != other["code"]


def test_a_code_shows_once_to_whoever_sees_it(
    house: House, holder: Holder, estate: CertificateRecord
) -> None:
    made = presented(house, person(house, holder), estate, "number")
    address, _, statement = made.url.partition("&s=")
    assert address == f"{house.wired.workshop.public_url}/v#p={made.code}"
    assert statement  # what is true of the certificate at this moment, for the offline
    assert len(made.code) == 22, "128 bits in base64url"
    assert made.presentation.expires_at - made.presentation.made_at == CODE_LIFETIME
    shown = opened(house, made.code)
    assert (shown.certificate, shown.presentation.fields) == (estate, frozenset({"number"}))
    for _ in range(2):
        with pytest.raises(CodeOpensNothing):
            opened(house, made.code)
    with house.wired.workshop.database.reading(VAULT) as db:
        query = select(presentation_events.c.action, presentation_events.c.actor).where(
            presentation_events.c.presentation_id == made.presentation.presentation_id
        )
        rows = [tuple(row) for row in db.execute(query.order_by(presentation_events.c.id))]
        kept = db.execute(select(presentations.c.code_hash)).scalars().all()
    owner = person(house, holder)
    assert rows == [("make", f"person:{owner.person_id}"), ("redeem", "anyone")]
    assert made.code.encode() not in kept
    assert [actor for actor, _ in audited(house, estate, "presentation-redeem")] == ["anyone"]


@pytest.mark.parametrize("known", ["client", "person"])
def test_who_redeems_is_recorded_as_far_as_known(
    house: House, holder: Holder, estate: CertificateRecord, known: str
) -> None:
    verifier = house.client if known == "client" else signed_in(house, new_person())
    actor = verifier.client_id if isinstance(verifier, ClientGrant) else f"person:{verifier.person_id}"
    made = presented(house, person(house, holder), estate)
    opened(house, made.code, verifier)
    with pytest.raises(CodeOpensNothing):
        opened(house, made.code, verifier)
    assert [a for a, _ in audited(house, estate, "presentation-redeem")] == [actor]
    assert [a for a, _ in audited(house, estate, "refused-presentation")] == [actor]


def test_five_minutes_and_no_more(house: House, holder: Holder, estate: CertificateRecord) -> None:
    made = presented(house, person(house, holder), estate)
    with pytest.raises(CodeOpensNothing):
        opened(house, made.code, after=CODE_LIFETIME)
    shown = opened(house, made.code, after=CODE_LIFETIME - timedelta(seconds=5))
    assert shown.certificate == estate


def test_an_unknown_a_used_and_an_old_code_are_one(
    house: House, holder: Holder, estate: CertificateRecord
) -> None:
    """The same words after the same statements, whoever asks: nobody learns that there was such a code."""
    owner = person(house, holder)
    spent, old = presented(house, owner, estate), presented(house, owner, estate)
    opened(house, spent.code)
    for verifier in (None, house.client):
        told = set()
        for code, after in (
            ("q0Zc3vT1QmWm2mQyJ0r5aA", timedelta(0)),
            ("", timedelta(0)),
            ("\ud800", timedelta(0)),
            (spent.code, timedelta(0)),
            (old.code, CODE_LIFETIME),
        ):
            with statements() as heard, pytest.raises(CodeOpensNothing) as refused:
                opened(house, code, verifier, after=after)
            told.add((refused.value.detail, tuple(heard)))
        assert len(told) == 1


def test_at_once_exactly_one_sees_it(house: House, holder: Holder, estate: CertificateRecord) -> None:
    owner = person(house, holder)
    for _ in range(5):
        made = presented(house, owner, estate)
        barrier = Barrier(6)

        def attempt(_: int, made: MadePresentation = made, barrier: Barrier = barrier) -> bool:
            barrier.wait()
            try:
                opened(house, made.code)
            except CodeOpensNothing:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(attempt, range(6))) == 1


def test_a_delegate_presents_on_behalf(
    house: House, holder: Holder, helper: Holder, estate: CertificateRecord
) -> None:
    granted = delegated(house, holder, helper, ESTATE)
    made = presented(house, signed_in(house, helper), estate, under=granted.delegation_id)
    shown = opened(house, made.code)
    assert shown.presentation.delegation_id == granted.delegation_id
    assert shown.presentation.holder_id == granted.holder_id
    acts = delegations_of(house.wired.workshop, person(house, holder), at=now()).acts
    act = acts[granted.delegation_id][0]
    assert (act.action, act.certificate_id) == (DelegationEvent.PRESENT, estate.certificate_id)


def refusals(house: House, holder: Holder, estate: CertificateRecord) -> list[Callable[[], object]]:
    stranger = signed_in(house, new_person())
    owner = person(house, holder)
    absent = PresentationRequest(uuid4(), None, None)
    return [
        lambda: presented(house, stranger, estate),
        lambda: make_presentation(house.wired.workshop, owner, absent, at=now()),
    ]


def test_nobody_presents_what_is_not_theirs(house: House, holder: Holder, estate: CertificateRecord) -> None:
    for refused in refusals(house, holder, estate):
        with pytest.raises(NotFound, match="no such certificate"):
            refused()


def test_a_field_that_is_not_on_the_face_is_named(
    house: House, holder: Holder, estate: CertificateRecord
) -> None:
    with pytest.raises(InputError) as refused:
        presented(house, person(house, holder), estate, "number", "colour")
    assert [problem.pointer for problem in refused.value.problems] == ["/fields/1"]
