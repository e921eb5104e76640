"""Who may come in: clients by secret, people by password and session, and when that ends."""

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from storage.tables import client_secrets, people, web_sessions
from tests.conftest import House
from vault import signin
from vault.errors import Conflict, InputError, NotAuthenticated, NotFound
from vault.model.actors import Person, Role
from vault.model.holders import HolderCode

pytestmark = pytest.mark.engines

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CODE = HolderCode.parse("111", "11010519491231002X")  # GB 11643's own example
GRANTS = frozenset({"91350100M000100Y43"})
HOUR = timedelta(hours=1)


def fresh(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(4)}"


def new_person(house: House, password: str = "correct horse") -> Person:  # noqa: S107 - an invented person's
    return signin.add_person(
        house.wired.workshop,
        login=fresh("lin"),
        password=password,
        name="林样例",
        roles=frozenset({Role.HOLDER, Role.CLERK}),
        organisation=None,
        code=CODE,
        at=AT,
    )


def test_a_client_comes_in_by_its_secret_and_by_its_token(house: House) -> None:
    workshop = house.wired.workshop
    made = signin.add_client(workshop, fresh("water"), "水务审批", GRANTS, at=AT)
    by_secret = signin.client_by_secret(workshop, made.client_id, made.secret, at=AT)
    assert by_secret == signin.client_by_id(workshop, made.client_id)
    assert (by_secret.name, by_secret.authorities) == ("水务审批", GRANTS)
    assert made.secret not in repr(made)


def test_another_clients_secret_opens_nothing(house: House) -> None:
    workshop = house.wired.workshop
    one = signin.add_client(workshop, fresh("one"), "一", GRANTS, at=AT)
    other = signin.add_client(workshop, fresh("other"), "二", GRANTS, at=AT)
    for client_id, secret in [
        (one.client_id, other.secret),
        (one.client_id, ""),
        (one.client_id, "\ud800"),
        ("nobody-here", one.secret),
        ("\x00", one.secret),
        ("", one.secret),
    ]:
        with pytest.raises(NotAuthenticated):
            signin.client_by_secret(workshop, client_id, secret, at=AT)


def test_the_database_never_sees_a_secret(house: House) -> None:
    made = signin.add_client(house.wired.workshop, fresh("water"), "水务审批", GRANTS, at=AT)
    with house.wired.workshop.database.reading() as db:
        query = select(client_secrets.c.secret_hash).where(client_secrets.c.client_id == made.client_id)
        [kept] = db.execute(query).scalars()
    assert made.secret.encode() not in kept


def test_after_rotation_the_old_secret_works_for_a_day(house: House) -> None:
    workshop = house.wired.workshop
    old = signin.add_client(workshop, fresh("water"), "水务审批", GRANTS, at=AT)
    new = signin.rotate_secret(workshop, old.client_id, at=AT)
    newest = signin.rotate_secret(workshop, old.client_id, at=AT + HOUR)
    before, after = AT + timedelta(hours=24, seconds=-1), AT + timedelta(hours=24)
    for secret in (old.secret, new.secret, newest.secret):
        signin.client_by_secret(workshop, old.client_id, secret, at=before)
    signin.client_by_secret(workshop, old.client_id, new.secret, at=after)
    with pytest.raises(NotAuthenticated):
        signin.client_by_secret(workshop, old.client_id, old.secret, at=after)
    with pytest.raises(NotAuthenticated):
        signin.client_by_secret(workshop, old.client_id, new.secret, at=after + HOUR)


def test_a_disabled_client_is_out_at_once(house: House) -> None:
    workshop = house.wired.workshop
    made = signin.add_client(workshop, fresh("water"), "水务审批", GRANTS, at=AT)
    signin.disable_client(workshop, made.client_id, at=AT)
    signin.disable_client(workshop, made.client_id, at=AT + HOUR)
    with pytest.raises(NotAuthenticated):
        signin.client_by_secret(workshop, made.client_id, made.secret, at=AT)
    with pytest.raises(NotAuthenticated):
        signin.client_by_id(workshop, made.client_id)
    with pytest.raises(NotFound):
        signin.rotate_secret(workshop, made.client_id, at=AT)


def test_what_cannot_be_a_client_is_refused(house: House) -> None:
    workshop = house.wired.workshop
    made = signin.add_client(workshop, fresh("water"), "水务审批", GRANTS, at=AT)
    with pytest.raises(Conflict):
        signin.add_client(workshop, made.client_id, "又一个", GRANTS, at=AT)
    signin.client_by_secret(workshop, made.client_id, made.secret, at=AT)  # still the first one's
    for client_id in ("", "ab", "Water", "a b c", "-abc", "x" * 65):
        with pytest.raises(InputError):
            signin.add_client(workshop, client_id, "x", GRANTS, at=AT)
    with pytest.raises(NotFound):
        signin.disable_client(workshop, fresh("nobody"), at=AT)


def test_a_person_signs_in_stays_and_leaves(house: House) -> None:
    workshop = house.wired.workshop
    person = new_person(house)
    token = signin.sign_in(workshop, person.login, "correct horse", at=AT, lifetime=HOUR)
    assert signin.signed_in(workshop, token, at=AT + HOUR - timedelta(seconds=1)) == person
    with pytest.raises(NotAuthenticated):
        signin.signed_in(workshop, token, at=AT + HOUR)
    signin.sign_out(workshop, token)
    signin.sign_out(workshop, token)
    with pytest.raises(NotAuthenticated):
        signin.signed_in(workshop, token, at=AT)


def test_signing_in_again_forgets_sessions_that_ended(house: House) -> None:
    workshop = house.wired.workshop
    person = new_person(house)
    for start in (AT, AT + HOUR / 2, AT + 2 * HOUR):
        signin.sign_in(workshop, person.login, "correct horse", at=start, lifetime=HOUR)
    with workshop.database.reading() as db:
        query = select(web_sessions.c.started_at).where(web_sessions.c.person_id == person.person_id)
        assert list(db.execute(query).scalars()) == [AT + 2 * HOUR]


@pytest.mark.parametrize("password", ["", "correct", "correct horse ", "x" * 201, "\ud800"])
def test_a_wrong_password_is_refused_like_an_unknown_login(house: House, password: str) -> None:
    person = new_person(house)
    for login in (person.login, fresh("nobody"), "a\x00b", "\ud800", ""):
        with pytest.raises(NotAuthenticated, match="login or the password"):
            signin.sign_in(house.wired.workshop, login, password, at=AT, lifetime=HOUR)


def test_the_longest_password_is_not_cut(house: House) -> None:
    person = new_person(house, "x" * 200)
    signin.sign_in(house.wired.workshop, person.login, "x" * 200, at=AT, lifetime=HOUR)
    with pytest.raises(NotAuthenticated):
        signin.sign_in(house.wired.workshop, person.login, "x" * 201, at=AT, lifetime=HOUR)


def test_a_persons_row_shows_neither_name_nor_code_nor_password(house: House) -> None:
    person = new_person(house)
    with house.wired.workshop.database.reading() as db:
        row = db.execute(select(people).where(people.c.id == person.person_id)).one()
    kept = repr(tuple(row))
    for secret in ("林样例", "\\u6797", CODE.value, "correct horse"):
        assert secret not in kept
    assert "林样例" not in repr(person)
    assert CODE.value not in repr(person)
