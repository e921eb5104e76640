"""Signing in when the commit is cut off: nothing is half done, and whoever tries again comes in."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from storage.tables import audit_events, people, web_sessions
from tests.conftest import House, behind_a_cutting_wire
from vault import sessions, signin
from vault.errors import NotAuthenticated, Unavailable
from vault.model.actors import Assurance, Introduced, PublicKey, Role
from vault.model.scope import VAULT

pytestmark = [pytest.mark.engines, pytest.mark.crash]

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("how", ["before", "after"])
def test_an_assertion_whose_commit_was_cut_off(house: House, how: str) -> None:
    client_id, ends = "cut-" + secrets.token_hex(4), AT + timedelta(minutes=5)
    keys = [PublicKey("k", {})]
    signin.add_signing_client(house.wired.workshop, client_id, "x", frozenset(), keys, at=AT)
    with behind_a_cutting_wire(house) as (workshop, wire_):
        wire_.cut = how
        with pytest.raises(Unavailable):
            signin.client_by_assertion(workshop, client_id, "one", expires_at=ends)
        assert wire_.cuts == 1
        if how == "before":
            signin.client_by_assertion(workshop, client_id, "one", expires_at=ends)
        with pytest.raises(NotAuthenticated):
            signin.client_by_assertion(workshop, client_id, "one", expires_at=ends)
        assert signin.client_by_assertion(workshop, client_id, "two", expires_at=ends).client_id == client_id


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_session_whose_commit_was_cut_off(house: House, how: str) -> None:
    issuer = f"https://{secrets.token_hex(6)}.example"
    who = Introduced(issuer, "s", "林样例", frozenset({Role.CLERK}), None, None, Assurance.LOW)
    before = sessions.enter(house.wired.workshop, who, "local", before=None, at=AT)
    with behind_a_cutting_wire(house) as (workshop, wire_):
        wire_.cut = how
        with pytest.raises(Unavailable):
            sessions.enter(workshop, who, "local", before=before, at=AT)
        assert wire_.cuts == 1
        if how == "before":
            assert sessions.signed_in(workshop, before, at=AT).issuer == issuer
        else:
            with pytest.raises(NotAuthenticated):
                sessions.signed_in(workshop, before, at=AT)
        token = sessions.enter(workshop, who, "local", before=before, at=AT)
        person = sessions.signed_in(workshop, token, at=AT)
        with workshop.database.reading(VAULT) as db:
            rows = db.execute(select(func.count()).where(people.c.issuer == issuer)).scalar_one()
            actor = f"person:{person.person_id}"
            told = db.execute(select(func.count()).where(audit_events.c.actor == actor)).scalar_one()
            mine = web_sessions.c.person_id == person.person_id
            open_now = db.execute(select(func.count()).where(mine)).scalar_one()
    # The session whose answer was lost has a token that nobody knows; it ends by itself.
    assert (rows, told, open_now) == ((1, 2, 1) if how == "before" else (1, 3, 2))


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_way_back_whose_commit_was_cut_off(house: House, how: str) -> None:
    secret = sessions.begin(house.wired.workshop, "local", "/my", at=AT)
    with behind_a_cutting_wire(house) as (workshop, wire_):
        wire_.cut = how
        with pytest.raises(Unavailable):
            sessions.come_back(workshop, secret, "local", at=AT)
        if how == "before":
            assert sessions.come_back(workshop, secret, "local", at=AT) == "/my"
        with pytest.raises(NotAuthenticated):
            sessions.come_back(workshop, secret, "local", at=AT)


def test_two_first_sign_ins_at_once_are_one_person(house: House) -> None:
    issuer = f"https://{secrets.token_hex(6)}.example"
    who = Introduced(issuer, "s", "林样例", frozenset({Role.CLERK}), None, None, Assurance.LOW)
    workshop = house.wired.workshop
    with ThreadPoolExecutor(8) as threads:
        tokens = list(
            threads.map(lambda _: sessions.enter(workshop, who, "local", before=None, at=AT), range(8))
        )
    assert len({sessions.signed_in(workshop, token, at=AT).person_id for token in tokens}) == 1
