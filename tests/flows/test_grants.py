"""Seal-use grants: who may make and approve them, what they let through, and what they stop at."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from storage.clients import disable_client
from storage.grants import grants_of_seals
from storage.seals import platform_seal_in_use
from tests.custodians import staff, two_custodians
from tests.desks import VIA, Desk
from tests.files import sealed_bytes
from tests.flows.test_deposit import uploaded_pdf
from tests.requests import FOOD, example_request, kind_named
from vault.custody import approve, end, propose
from vault.deposit import counting, flow
from vault.errors import (
    Conflict,
    DocumentRefused,
    InputError,
    NotFound,
    NotPermitted,
    SealCapReached,
    SealNotGranted,
    Unavailable,
)
from vault.model.actors import Role
from vault.model.custody import GrantState
from vault.model.legal_time import legal_day
from vault.uploads import keep_upload

pytestmark = pytest.mark.engines


def test_without_a_grant_nothing_is_sealed_and_nothing_is_kept(desk: Desk) -> None:
    request = example_request(desk.house.catalogue)
    with pytest.raises(SealNotGranted, match="POST /v1/seal-grants"):
        desk.deposit(request)
    desk.proposed(desk.terms())
    with pytest.raises(SealNotGranted):
        desk.deposit(request)


def test_four_eyes_make_a_grant_that_lets_a_deposit_through(desk: Desk) -> None:
    grant = desk.granted()
    assert grant.state is GrantState.APPROVED
    (certificate,) = desk.deposit().certificates
    assert certificate.documents[0].seal_id == desk.seal.seal_id
    assert desk.used(grant) == 1


def test_who_makes_a_grant_does_not_approve_it(desk: Desk) -> None:
    grant = desk.proposed(desk.terms())
    with pytest.raises(NotPermitted, match="another"):
        approve(desk.workshop, desk.makes, [grant.grant_id], via=VIA, at=datetime.now(UTC))
    with pytest.raises(SealNotGranted):
        desk.deposit()


@pytest.mark.parametrize(
    "roles",
    [
        (),
        (Role.OPERATOR,),
        (Role.AUDITOR,),
        (Role.CLERK, Role.HOLDER),
        (Role.SEAL_CUSTODIAN, Role.OPERATOR),
        (Role.SEAL_CUSTODIAN, Role.AUDITOR),
    ],
)
def test_only_a_custodian_who_is_nothing_else_makes_approves_and_ends(
    desk: Desk, roles: tuple[Role, ...]
) -> None:
    other, now = staff(*roles, organisation=desk.seal.authority), datetime.now(UTC)
    grant = desk.proposed(desk.terms())
    with pytest.raises(NotPermitted):
        desk.proposed(desk.terms(), by=other)
    with pytest.raises(NotPermitted):
        approve(desk.workshop, other, [grant.grant_id], via=VIA, at=now)
    with pytest.raises(NotPermitted):
        end(desk.workshop, other, [grant.grant_id], "样例", via=VIA, at=now)


def test_a_proposal_and_an_approval_sent_twice_are_made_once(desk: Desk) -> None:
    terms, now = desk.terms(), datetime.now(UTC)
    first = propose(desk.workshop, desk.makes, [terms], via=VIA, at=now)
    again = propose(desk.workshop, desk.makes, [terms], via=VIA, at=now)
    assert (first.repeated, again.repeated) == (False, True)
    assert first.grants == again.grants
    ids = [first.grants[0].grant_id]
    assert approve(desk.workshop, desk.approves, ids, via=VIA, at=now).repeated is False
    assert approve(desk.workshop, desk.approves, ids, via=VIA, at=now).repeated is True
    with pytest.raises(Conflict, match="another custodian"):
        approve(desk.workshop, two_custodians(desk.seal.authority)[0], ids, via=VIA, at=now)


def test_what_cannot_be_granted_is_told_by_pointer(desk: Desk) -> None:
    now = datetime.now(UTC)
    with desk.workshop.database.reading() as db:
        platform = platform_seal_in_use(db, now)
    bad = [
        (desk.terms(seal_id="no-such-seal"), "/0/seal_id"),
        (desk.terms(seal_id=platform), "/0/seal_id"),
        (desk.terms(type_version=desk.kind.version + 1), "/0/type_version"),
        (desk.terms(type_code=kind_named(desk.house.catalogue, "结婚证").code), "/0/type"),
        (desk.terms(client_id="no-such-client"), "/0/client_id"),
        (desk.terms(cap=0), "/0/daily_cap"),
        (desk.terms(valid_to=now - timedelta(days=3)), "/0/valid_to"),
        (desk.terms(valid_to=now + timedelta(days=4000)), "/0/valid_to"),
    ]
    for terms, pointer in bad:
        with pytest.raises(InputError) as refused:
            desk.proposed(terms)
        assert pointer in {problem.pointer for problem in refused.value.problems}
    with desk.workshop.database.reading() as db:
        assert grants_of_seals(db, [desk.seal.seal_id]) == ()
    with desk.workshop.database.writing() as db:
        disable_client(db, desk.client.client_id, now)
    with pytest.raises(InputError):
        desk.proposed(desk.terms())


def test_a_grant_counts_within_its_window_only(desk: Desk) -> None:
    now = datetime.now(UTC)
    desk.granted(valid_from=now + timedelta(hours=1))
    with pytest.raises(SealNotGranted):
        desk.deposit()


def test_an_ended_grant_lets_nothing_through_and_is_not_approved_again(desk: Desk) -> None:
    now = datetime.now(UTC)
    grant = desk.granted()
    assert end(desk.workshop, desk.approves, [grant.grant_id], "样例", via=VIA, at=now).repeated is False
    assert end(desk.workshop, desk.approves, [grant.grant_id], "样例", via=VIA, at=now).repeated is True
    with pytest.raises(SealNotGranted):
        desk.deposit()
    unapproved = desk.proposed(desk.terms())
    end(desk.workshop, desk.makes, [unapproved.grant_id], "样例", via=VIA, at=now)
    with pytest.raises(Conflict, match="ended"):
        approve(desk.workshop, desk.approves, [unapproved.grant_id], via=VIA, at=now)
    with pytest.raises(NotFound):
        approve(
            desk.workshop,
            desk.approves,
            [UUID(int=1)],
            via=VIA,
            at=now,
        )


def test_over_the_cap_it_stops_until_the_next_legal_day(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = desk.granted(cap=2)
    done = example_request(desk.house.catalogue)
    first = desk.deposit(done)
    desk.deposit()
    with pytest.raises(SealCapReached) as refused:
        desk.deposit()
    assert 0 < refused.value.retry_after_s <= 24 * 3600
    assert str(grant.grant_id) in refused.value.detail
    assert desk.deposit(done).certificates == first.certificates  # what is deposited is answered for ever
    assert desk.used(grant) == 2
    tomorrow = legal_day(datetime.now(UTC)) + timedelta(days=1)
    monkeypatch.setattr(counting, "legal_day", lambda _: tomorrow)
    desk.deposit()
    assert desk.used(grant, tomorrow) == 1


def test_a_case_with_more_results_than_are_left_is_refused_whole(desk: Desk) -> None:
    grant = desk.granted(cap=10)
    eleven = example_request(desk.house.catalogue, *[FOOD] * 11)
    with pytest.raises(SealCapReached, match="11 more"):
        desk.deposit(eleven)
    assert desk.used(grant) == 0
    # Ten results over eight slots of one or two: shares do not keep a case out that the cap lets in.
    assert len(desk.deposit(example_request(desk.house.catalogue, *[FOOD] * 10)).certificates) == 10
    assert desk.used(grant) == 10


def test_a_newer_grant_takes_over_with_its_own_cap(desk: Desk) -> None:
    old = desk.granted(cap=1)
    desk.deposit()
    with pytest.raises(SealCapReached):
        desk.deposit()
    new = desk.granted(cap=2)
    desk.deposit()
    assert (desk.used(old), desk.used(new)) == (1, 1)


def test_a_deposit_refused_before_the_seal_gives_its_use_back(desk: Desk) -> None:
    grant = desk.granted(cap=2)
    request = example_request(desk.house.catalogue)
    digest = uploaded_pdf(desk.house, "certified", desk.client)
    request["results"][0]["document"] = {"sha256": digest}
    (certificate,) = desk.deposit(request).certificates
    sealed = sealed_bytes(desk.house, certificate)
    again = example_request(desk.house.catalogue)
    again["results"][0]["document"] = {"sha256": _uploaded(desk, sealed)}
    with pytest.raises(DocumentRefused):
        desk.deposit(again)
    assert desk.used(grant) == 1


def test_a_page_that_cannot_be_set_gives_its_use_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = desk.granted(cap=2)

    def refused(*_: object, **__: object) -> None:
        raise InputError.at("/results/0/fields", "a glyph that no font has")

    with monkeypatch.context() as patch:
        patch.setattr(flow, "make_page", refused)
        with pytest.raises(InputError):
            desk.deposit()
    assert desk.used(grant) == 0


def test_a_try_that_broke_off_is_counted_once_however_often_it_is_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = desk.granted(cap=1)
    request = example_request(desk.house.catalogue)

    def broken(*_: object, **__: object) -> None:
        raise Unavailable("the store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(flow, "store", broken)
        for _ in range(3):
            with pytest.raises(Unavailable):
                desk.deposit(request)
    assert desk.used(grant) == 1
    assert desk.deposit(request).repeated is False
    assert desk.used(grant) == 1


def test_a_try_of_yesterday_counts_today_too(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    grant = desk.granted(cap=1)
    request = example_request(desk.house.catalogue)
    yesterday = legal_day(datetime.now(UTC)) - timedelta(days=1)

    def broken(*_: object, **__: object) -> None:
        raise Unavailable("the store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(flow, "store", broken)
        patch.setattr(counting, "legal_day", lambda _: yesterday)
        with pytest.raises(Unavailable):
            desk.deposit(request)
    desk.deposit(request)
    assert (desk.used(grant, yesterday), desk.used(grant)) == (1, 1)
    with pytest.raises(SealCapReached):
        desk.deposit()


def _uploaded(desk: Desk, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    keep_upload(desk.workshop, desk.client, digest, content)
    return digest
