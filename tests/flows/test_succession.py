"""A renewal that begins later: the old version stays in force until the day before, and no longer."""

import secrets
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from storage.certificates import record
from storage.embedded import EngineAddresses
from storage.statuses import events_of
from storage.tables import audit_events
from tests.conftest import House, behind_a_cutting_wire
from tests.files import sealed_bytes
from tests.flows.test_deposit import deposited
from tests.flows.test_fsck import checked_after
from tests.flows.test_reuse import PRESALE, Holder, asked, given, new_company, request_for
from tests.trials import checked, now
from tests.vaults import own_vault
from vault.errors import Conflict, IntegrityError, Unavailable
from vault.lifecycle import change_status, read_change
from vault.model.certificate import CertificateRecord, Status
from vault.model.legal_time import day_begins, legal_day
from vault.model.lifecycle import Action
from vault.model.scope import VAULT
from vault.model.verdict import Genuine, NotInForce, Verdict
from vault.succession import take_over
from vault.verify import by_file

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def house(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A vault of their own: these tests read all of it again and again."""
    with own_vault(
        engines, tmp_path_factory.mktemp("succession"), f"succession_{secrets.token_hex(4)}"
    ) as own:
        yield own


LICENCE = "营业执照"


def first_day() -> date:
    return legal_day(now()) + timedelta(days=30)


def renewed(house: House, company: Holder, old: CertificateRecord, **changes: object) -> CertificateRecord:
    begins = {"valid_from": first_day().isoformat(), "supersedes": str(old.certificate_id)}
    return given(house, LICENCE, company, **{**begins, **changes})


def changed(house: House, certificate: CertificateRecord, action: str) -> None:
    at = now()
    body = {"action": action, "reason": "样例", "effective_on": legal_day(at).isoformat()}
    change_status(
        house.wired.workshop, house.client, certificate.certificate_id, read_change(body, at=at), at=at
    )


def standing(house: House, certificate: CertificateRecord) -> CertificateRecord:
    with house.wired.workshop.database.reading(VAULT) as db:
        found = record(db, house.wired.workshop.keys, certificate.certificate_id)
    assert found is not None
    return found


def newest(house: House, certificate: CertificateRecord) -> tuple[Action, date]:
    with house.wired.workshop.database.reading(VAULT) as db:
        event = events_of(db, [certificate.certificate_id])[certificate.certificate_id][-1]
    return event.action, event.day


def on_its_day(house: House, new: CertificateRecord) -> bool:
    return take_over(house.wired.workshop, new.certificate_id, at=day_begins(first_day()))


def verdict(house: House, certificate: CertificateRecord, at: datetime) -> Verdict:
    """What the sealed file verifies as at that time."""
    return by_file(house.wired.workshop, sealed_bytes(house, certificate), at=at).verdict


@pytest.fixture
def company() -> Holder:
    return new_company()


@pytest.fixture
def old(house: House, company: Holder) -> CertificateRecord:
    return given(house, LICENCE, company)


def test_until_its_first_day_the_old_version_is_in_force(
    house: House, company: Holder, old: CertificateRecord
) -> None:
    new = renewed(house, company, old)
    kept = standing(house, old)
    assert (kept.status, kept.superseded_by) == (Status.VALID, new.certificate_id)
    assert isinstance(verdict(house, old, now()), Genuine)
    assert isinstance(verdict(house, new, now()), NotInForce)
    (proof,) = asked(house, PRESALE, company)["licence"]["satisfied_by"]
    assert proof["certificate_id"] == str(old.certificate_id)
    assert checked(house).problems == ()
    due = text(
        "SELECT scheduled_at FROM procrastinate_jobs WHERE task_name = 'take_over'"
        " AND args ->> 'certificate' = :id"
    )
    with house.wired.workshop.database.reading(VAULT) as db:
        (when,) = db.execute(due, {"id": str(new.certificate_id)}).scalars()
    assert when == day_begins(first_day())


def test_on_its_first_day_it_takes_over_once(house: House, company: Holder, old: CertificateRecord) -> None:
    new = renewed(house, company, old)
    assert on_its_day(house, new) is True
    assert on_its_day(house, new) is False
    assert standing(house, old).status is Status.SUPERSEDED
    assert newest(house, old) == (Action.SUPERSEDE, first_day())
    ended = verdict(house, old, day_begins(first_day()))
    assert isinstance(ended, NotInForce)
    assert ended.certificate is not None
    assert (ended.reason, ended.certificate["successor"]) == ("superseded", new.identifier)
    assert isinstance(verdict(house, new, day_begins(first_day())), Genuine)
    assert checked(house).problems == ()
    query = select(audit_events.c.details).where(audit_events.c.certificate_id == old.certificate_id)
    with house.wired.workshop.database.reading(VAULT) as db:
        assert {"action": "supersede", "status": "superseded", "successor": str(new.certificate_id)} in [
            row.details for row in db.execute(query)
        ]


def test_a_job_that_comes_before_the_day_changes_nothing(
    house: House, company: Holder, old: CertificateRecord
) -> None:
    new = renewed(house, company, old)
    with pytest.raises(IntegrityError, match="nothing to take over today"):
        take_over(house.wired.workshop, new.certificate_id, at=day_begins(first_day()) - timedelta(seconds=1))
    assert standing(house, old).status is Status.VALID


@pytest.mark.parametrize("begins", ["now", "later"])
def test_a_second_renewal_is_refused_while_the_first_one_waits(
    house: House, company: Holder, old: CertificateRecord, begins: str
) -> None:
    renewed(house, company, old)
    changes = {} if begins == "later" else {"valid_from": "2026-10-26"}
    with pytest.raises(Conflict) as refused:
        renewed(house, company, old, **changes)
    (problem,) = refused.value.problems
    assert problem.pointer == "/results/0/supersedes"
    assert "begins later" in problem.detail


def test_a_renewal_that_was_taken_back_leaves_the_old_version_and_another_may_come(
    house: House, company: Holder, old: CertificateRecord
) -> None:
    new = renewed(house, company, old)
    changed(house, new, "abolish")
    assert on_its_day(house, new) is False
    assert standing(house, old).status is Status.VALID
    assert checked(house).problems == ()
    other = renewed(house, company, old)
    assert other.version == new.version + 1
    assert on_its_day(house, new) is False
    assert on_its_day(house, other) is True
    assert standing(house, old).superseded_by == other.certificate_id
    assert checked(house).problems == ()


@pytest.mark.parametrize("action", ["revoke", "cancel"])
def test_an_old_version_that_ended_by_itself_stays_what_it_is(
    house: House, company: Holder, old: CertificateRecord, action: str
) -> None:
    new = renewed(house, company, old)
    changed(house, old, action)
    before = newest(house, old)
    assert on_its_day(house, new) is False
    assert newest(house, old) == before
    assert checked(house).problems == ()


def test_a_late_job_keeps_the_days_in_order(house: House, company: Holder, old: CertificateRecord) -> None:
    new = renewed(house, company, old, valid_from=(legal_day(now()) + timedelta(days=1)).isoformat())
    later = day_begins(first_day())
    body = {"action": "suspend", "reason": "样例", "effective_on": first_day().isoformat()}
    change = read_change(body, at=later)
    change_status(house.wired.workshop, house.client, old.certificate_id, change, at=later)
    assert take_over(house.wired.workshop, new.certificate_id, at=later) is True
    assert newest(house, old) == (Action.SUPERSEDE, first_day())


def test_a_renewal_that_is_corrected_before_it_begins_still_ends_the_old_version(
    house: House, company: Holder, old: CertificateRecord
) -> None:
    new = renewed(house, company, old)
    corrected = renewed(house, company, new, valid_from="2026-10-26")
    assert standing(house, new).status is Status.SUPERSEDED
    assert standing(house, old).status is Status.VALID
    assert on_its_day(house, new) is True
    assert [standing(house, each).status for each in (old, new, corrected)] == [
        Status.SUPERSEDED,
        Status.SUPERSEDED,
        Status.VALID,
    ]
    assert checked(house).problems == ()


def test_a_take_over_that_did_not_happen_is_found(
    house: House, company: Holder, old: CertificateRecord
) -> None:
    new = renewed(house, company, old)
    begun = "UPDATE certificates SET valid_from = current_date - 3 WHERE id = :id"
    found = {p.about: p.detail for p in checked_after(house, begun, id=new.certificate_id).problems}
    assert "was not taken out of force" in found[old.identifier]


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_commit_that_was_cut_off_is_made_good_by_the_next_try(
    house: House, company: Holder, old: CertificateRecord, how: str
) -> None:
    new = renewed(house, company, old)
    at = day_begins(first_day())
    with behind_a_cutting_wire(house) as (workshop, wire):
        wire.cut = how
        with pytest.raises(Unavailable):
            take_over(workshop, new.certificate_id, at=at)
        assert wire.cuts == 1
        assert take_over(workshop, new.certificate_id, at=at) is (how == "before")
    assert newest(house, old) == (Action.SUPERSEDE, first_day())
    assert checked(house).problems == ()


def test_a_renewal_that_begins_today_takes_over_at_its_deposit(
    house: House, company: Holder, old: CertificateRecord
) -> None:
    renewed(house, company, old, valid_from=legal_day(now()).isoformat())
    assert standing(house, old).status is Status.SUPERSEDED


def test_two_renewals_at_their_commit_leave_one(house: House, company: Holder) -> None:
    """The second one is refused whichever step it reaches; what it reserved is no open end."""
    old = given(house, LICENCE, company)
    first = request_for(house, LICENCE, company, valid_from=first_day().isoformat())
    first["results"][0]["supersedes"] = str(old.certificate_id)
    deposited(house, first)
    again = deposited(house, first)
    assert again.repeated is True
