"""A change of status is whole or not there: broken off after any statement, cut at the commit, or raced."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest

from storage.certificates import record
from storage.statuses import events_of
from tests.conftest import House, behind_a_cutting_wire
from tests.flows.test_deposit import deposited
from tests.requests import example_request
from tests.trials import broken_off_after, checked, together
from vault.deposit import Deposited
from vault.errors import Conflict, Unavailable
from vault.lifecycle import Recorded, StatusChange, change_status, changing
from vault.model.certificate import CertificateRecord, Status
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action
from vault.workshop import Workshop

pytestmark = [pytest.mark.engines, pytest.mark.crash]


@pytest.fixture
def certificate(house: House) -> CertificateRecord:
    return deposited(house, example_request(house.catalogue)).certificates[0]


def changed(house: House, workshop: Workshop, certificate: CertificateRecord, action: Action) -> Recorded:
    now = datetime.now(UTC)
    change = StatusChange(action, "样例", legal_day(now))
    return change_status(workshop, house.client, certificate.certificate_id, change, at=now)


def standing(house: House, certificate: CertificateRecord) -> tuple[Status, list[Action]]:
    """What the row and the events say; fsck holds them against each other and the leaves."""
    workshop = house.wired.workshop
    assert checked(house).problems == ()
    with workshop.database.snapshot() as db:
        found = record(db, workshop.keys, certificate.certificate_id)
        events = events_of(db, [certificate.certificate_id])[certificate.certificate_id]
    assert found is not None
    return found.status, [event.action for event in events]


@pytest.mark.parametrize("step", ["apply_event", "insert_leaves", "insert_look"])
def test_broken_off_after_a_statement_then_sent_again(
    house: House, certificate: CertificateRecord, step: str
) -> None:
    with broken_off_after(changing, step):
        changed(house, house.wired.workshop, certificate, Action.REVOKE)
    assert standing(house, certificate) == (Status.VALID, [Action.ISSUE])
    assert changed(house, house.wired.workshop, certificate, Action.REVOKE).repeated is False
    assert standing(house, certificate) == (Status.REVOKED, [Action.ISSUE, Action.REVOKE])


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_commit_that_was_cut_off(house: House, certificate: CertificateRecord, how: str) -> None:
    with behind_a_cutting_wire(house) as (workshop, wire_):
        wire_.cut = how
        with pytest.raises(Unavailable):
            changed(house, workshop, certificate, Action.SUSPEND)
        assert wire_.cuts == 1
        again = changed(house, workshop, certificate, Action.SUSPEND)
    assert again.repeated is (how == "after")
    assert standing(house, certificate) == (Status.SUSPENDED, [Action.ISSUE, Action.SUSPEND])


def at_once(*tries: Callable[[], Recorded | Deposited]) -> list[Recorded | Deposited | Conflict]:
    """What each of these comes to when they start together."""

    def one(work: Callable[[], Recorded | Deposited]) -> Recorded | Deposited | Conflict:
        try:
            return work()
        except Conflict as error:
            return error

    return together(*(partial(one, work) for work in tries))


def test_of_two_ends_at_once_one_wins(house: House, certificate: CertificateRecord) -> None:
    workshop = house.wired.workshop
    answers = at_once(
        lambda: changed(house, workshop, certificate, Action.REVOKE),
        lambda: changed(house, workshop, certificate, Action.WITHDRAW),
    )
    (won,) = [answer for answer in answers if isinstance(answer, Recorded)]
    (lost,) = [answer for answer in answers if isinstance(answer, Conflict)]
    assert won.event.status in lost.detail
    assert standing(house, certificate) == (won.event.status, [Action.ISSUE, won.event.action])


def test_the_same_change_at_once_is_recorded_once(house: House, certificate: CertificateRecord) -> None:
    now = datetime.now(UTC)
    change = StatusChange(Action.SUSPEND, "样例", legal_day(now))

    def one() -> Recorded:
        return change_status(
            house.wired.workshop, house.client, certificate.certificate_id, change, at=datetime.now(UTC)
        )

    answers = [answer for answer in at_once(*[one] * 4) if isinstance(answer, Recorded)]
    assert sorted(answer.repeated for answer in answers) == [False, True, True, True]
    assert len({(answer.event, answer.promise) for answer in answers}) == 1
    assert standing(house, certificate) == (Status.SUSPENDED, [Action.ISSUE, Action.SUSPEND])


def test_revoked_and_superseded_at_once_is_one_of_them(house: House, certificate: CertificateRecord) -> None:
    renewal = example_request(house.catalogue)
    renewal["results"][0]["supersedes"] = str(certificate.certificate_id)
    answers = at_once(
        lambda: changed(house, house.wired.workshop, certificate, Action.REVOKE),
        lambda: deposited(house, renewal),
    )
    (won,) = [answer for answer in answers if not isinstance(answer, Conflict)]
    action, status = Action.REVOKE, Status.REVOKED
    if isinstance(won, Deposited):
        action, status = Action.SUPERSEDE, Status.SUPERSEDED
    assert standing(house, certificate) == (status, [Action.ISSUE, action])
