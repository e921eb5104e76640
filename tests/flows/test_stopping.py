"""A seal is stopped by one person at once and resumed by two."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from storage.seals import latest_seal_events
from storage.tables import audit_events
from tests.custodians import staff
from tests.desks import VIA, Desk
from vault.custody import propose_resumption, resume, seal_json, seals, stop
from vault.errors import Conflict, InputError, NotFound, NotPermitted, Unavailable
from vault.model.actors import Person, Role
from vault.model.custody import Deed, SealAct

pytestmark = pytest.mark.engines


def stopped(desk: Desk, by: Person) -> bool:
    now = datetime.now(UTC)
    return not stop(desk.workshop, desk.seal.seal_id, by, "样例：密钥疑似泄露", via=VIA, at=now).repeated


def shown(desk: Desk) -> dict[str, object]:
    now = datetime.now(UTC)
    (found,) = [s for s in seals(desk.workshop, at=now) if s.row.seal_id == desk.seal.seal_id]
    return seal_json(found, now)


def test_a_stopped_seal_seals_nothing_and_says_why(desk: Desk) -> None:
    desk.granted(cap=7)
    desk.deposit()
    before = shown(desk)
    assert (before["state"], before["daily_cap"], before["used_today"]) == ("in_use", 7, 1)
    assert stopped(desk, desk.makes) is True
    assert stopped(desk, desk.makes) is False
    with pytest.raises((Unavailable, NotPermitted)):
        desk.deposit()
    after = shown(desk)
    latest = after["latest"]
    assert isinstance(latest, dict)
    assert (after["state"], latest["act"], latest["reason"]) == ("stopped", "stop", "样例：密钥疑似泄露")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.SEAL_CUSTODIAN])
def test_an_operator_or_a_custodian_may_stop(desk: Desk, role: Role) -> None:
    assert stopped(desk, staff(role, organisation=desk.seal.authority))


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.CLERK, Role.HOLDER])
def test_nobody_else_may_stop(desk: Desk, role: Role) -> None:
    with pytest.raises(NotPermitted):
        stopped(desk, staff(role, organisation=desk.seal.authority))
    assert shown(desk)["state"] == "in_use"


def test_whoever_is_at_the_terminal_may_stop_without_being_registered(desk: Desk) -> None:
    now = datetime.now(UTC)
    stop(desk.workshop, desk.seal.seal_id, Deed("os:root", "cli:root", now), "样例", via="cli:root", at=now)
    with desk.workshop.database.reading() as db:
        latest = latest_seal_events(db, [desk.seal.seal_id])[desk.seal.seal_id]
    assert (latest.act, latest.deed.actor) == (SealAct.STOP, "os:root")


def test_a_stop_wants_a_seal_and_a_reason(desk: Desk) -> None:
    now = datetime.now(UTC)
    with pytest.raises(InputError):
        stop(desk.workshop, desk.seal.seal_id, desk.makes, " ", via=VIA, at=now)
    with pytest.raises(NotFound):
        stop(desk.workshop, "no-such-seal", desk.makes, "样例", via=VIA, at=now)


def test_two_custodians_resume_a_seal_and_its_grants_count_again(desk: Desk) -> None:
    now, seal_id = datetime.now(UTC), desk.seal.seal_id
    desk.granted()
    stopped(desk, desk.makes)
    with pytest.raises(Conflict, match="Nobody proposes"):
        resume(desk.workshop, desk.approves, seal_id, via=VIA, at=now)
    first = propose_resumption(desk.workshop, desk.makes, seal_id, "样例：已查清", via=VIA, at=now)
    again = propose_resumption(desk.workshop, desk.makes, seal_id, "样例：已查清", via=VIA, at=now)
    assert (first.repeated, again.repeated) == (False, True)
    with pytest.raises(NotPermitted, match="another"):
        resume(desk.workshop, desk.makes, seal_id, via=VIA, at=now)
    assert resume(desk.workshop, desk.approves, seal_id, via=VIA, at=now).repeated is False
    assert resume(desk.workshop, desk.approves, seal_id, via=VIA, at=now).repeated is True
    (certificate,) = desk.deposit().certificates
    assert certificate.documents[0].seal_id == seal_id


def test_a_stop_ends_the_proposal_to_resume(desk: Desk) -> None:
    now, seal_id = datetime.now(UTC), desk.seal.seal_id
    stopped(desk, desk.makes)
    propose_resumption(desk.workshop, desk.makes, seal_id, "样例", via=VIA, at=now)
    stopped(desk, desk.approves)
    with pytest.raises(Conflict, match="Nobody proposes"):
        resume(desk.workshop, desk.approves, seal_id, via=VIA, at=now)


def test_a_seal_in_use_is_not_resumed(desk: Desk) -> None:
    with pytest.raises(Conflict, match="in use"):
        propose_resumption(
            desk.workshop, desk.makes, desk.seal.seal_id, "样例", via=VIA, at=datetime.now(UTC)
        )


@pytest.mark.parametrize("roles", [(Role.OPERATOR,), (Role.SEAL_CUSTODIAN, Role.OPERATOR)])
def test_only_custodians_resume(desk: Desk, roles: tuple[Role, ...]) -> None:
    now, other = datetime.now(UTC), staff(*roles, organisation=desk.seal.authority)
    stopped(desk, desk.makes)
    with pytest.raises(NotPermitted):
        propose_resumption(desk.workshop, other, desk.seal.seal_id, "样例", via=VIA, at=now)
    propose_resumption(desk.workshop, desk.makes, desk.seal.seal_id, "样例", via=VIA, at=now)
    with pytest.raises(NotPermitted):
        resume(desk.workshop, other, desk.seal.seal_id, via=VIA, at=now)


def test_every_act_is_in_the_audit(desk: Desk) -> None:
    desk.granted()
    stopped(desk, desk.makes)
    query = select(audit_events.c.action).where(audit_events.c.details["seal"].astext == desk.seal.seal_id)
    with desk.workshop.database.reading() as db:
        acts = list(db.execute(query.order_by(audit_events.c.id)).scalars())
    assert acts == ["seal-grant-make", "seal-grant-approve", "seal-stop"]
