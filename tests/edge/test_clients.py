"""Which approval systems may come in: by a secret or by keys, bound to what, and when that ends."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from api.wiring import wire
from storage.tables import client_secrets, used_assertions
from tests.conftest import House
from vault import signin
from vault.errors import Conflict, InputError, NotAuthenticated, NotFound
from vault.model.actors import PublicKey
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GRANTS = frozenset({"91350100M000100Y43"})
HOUR = timedelta(hours=1)


def fresh(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(4)}"


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
    with house.wired.workshop.database.reading(VAULT) as db:
        query = select(client_secrets.c.secret_hash).where(client_secrets.c.client_id == made.client_id)
        [kept] = db.execute(query).scalars()
    assert made.secret.encode() not in kept


def test_after_rotation_the_old_secret_works_for_a_day(house: House) -> None:
    workshop = house.wired.workshop
    old = signin.add_client(workshop, fresh("water"), "水务审批", GRANTS, at=AT)
    new = signin.rotate_secret(workshop, old.client_id, at=AT)
    before, after = AT + timedelta(hours=24, seconds=-1), AT + timedelta(hours=24)
    for secret in (old.secret, new.secret):
        signin.client_by_secret(workshop, old.client_id, secret, at=before)
    signin.client_by_secret(workshop, old.client_id, new.secret, at=after)
    with pytest.raises(NotAuthenticated):
        signin.client_by_secret(workshop, old.client_id, old.secret, at=after)


def test_no_more_than_two_secrets_live(house: House) -> None:
    workshop = house.wired.workshop
    old = signin.add_client(workshop, fresh("water"), "水务审批", GRANTS, at=AT)
    new = signin.rotate_secret(workshop, old.client_id, at=AT + HOUR)
    newest = signin.rotate_secret(workshop, old.client_id, at=AT + 2 * HOUR)
    at = AT + 2 * HOUR + timedelta(seconds=1)
    for secret in (new.secret, newest.secret):
        signin.client_by_secret(workshop, old.client_id, secret, at=at)
    with pytest.raises(NotAuthenticated):
        signin.client_by_secret(workshop, old.client_id, old.secret, at=at)
    assert len(signin.show_client(workshop, old.client_id, at=at).secret_ends) == 2


def keys(*kids: str) -> list[PublicKey]:
    return [PublicKey(kid, {"kid": kid}) for kid in kids]


def live(house: House, client_id: str, at: datetime) -> list[str]:
    return [key.kid for key in signin.keys_of(house.wired.workshop, client_id, at=at)]


def test_after_rotation_the_old_keys_work_for_a_day_and_one_named_again_stays(house: House) -> None:
    workshop, client_id = house.wired.workshop, fresh("water")
    signin.add_signing_client(workshop, client_id, "水务审批", GRANTS, keys("a", "b"), at=AT)
    assert live(house, client_id, AT) == ["a", "b"]
    signin.rotate_keys(workshop, client_id, keys("b", "c"), at=AT + HOUR)
    assert live(house, client_id, AT + HOUR) == ["a", "b", "c"]
    assert live(house, client_id, AT + timedelta(hours=25)) == ["b", "c"]
    signin.disable_client(workshop, client_id, at=AT)
    assert live(house, client_id, AT + HOUR) == []


def test_a_client_with_keys_gets_no_secret_and_one_with_a_secret_may_get_keys(house: House) -> None:
    workshop, client_id = house.wired.workshop, fresh("water")
    made = signin.add_client(workshop, client_id, "水务审批", GRANTS, at=AT)
    signin.rotate_keys(workshop, client_id, keys("a"), at=AT)
    signin.client_by_secret(workshop, client_id, made.secret, at=AT + HOUR)
    with pytest.raises(NotAuthenticated):
        signin.client_by_secret(workshop, client_id, made.secret, at=AT + timedelta(hours=24))
    with pytest.raises(Conflict, match="signs assertions"):
        signin.rotate_secret(workshop, client_id, at=AT)


@pytest.mark.parametrize("bad", [[], ["a", "a"], [str(n) for n in range(9)]], ids=["none", "twice", "nine"])
def test_keys_that_cannot_be_are_refused_and_leave_no_client(house: House, bad: list[str]) -> None:
    workshop, client_id = house.wired.workshop, fresh("water")
    with pytest.raises(InputError):
        signin.add_signing_client(workshop, client_id, "水务审批", GRANTS, keys(*bad), at=AT)
    with pytest.raises(NotFound):
        signin.show_client(workshop, client_id, at=AT)


def test_an_assertion_is_used_up_in_every_process_at_once(house: House) -> None:
    """Two pools, as two processes have them, and sixteen threads that show the same assertion."""
    client_id, ends = fresh("water"), AT + timedelta(minutes=5)
    signin.add_signing_client(house.wired.workshop, client_id, "水务审批", GRANTS, keys("a"), at=AT)
    pools = [wire(house.settings).workshop for _ in range(2)]

    def show(n: int) -> bool:
        try:
            signin.client_by_assertion(pools[n % 2], client_id, "the same", expires_at=ends)
        except NotAuthenticated:
            return False
        return True

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(show, range(16))) == 1
    other = fresh("land")
    signin.add_signing_client(house.wired.workshop, other, "另一", GRANTS, keys("a"), at=AT)
    assert signin.client_by_assertion(pools[0], other, "the same", expires_at=ends).client_id == other
    signin.disable_client(house.wired.workshop, other, at=AT)
    with pytest.raises(NotAuthenticated):
        signin.client_by_assertion(pools[1], other, "another", expires_at=ends)
    for pool in pools:
        pool.database.close()


def test_assertions_are_forgotten_when_their_age_refuses_them(house: House) -> None:
    workshop, client_id = house.wired.workshop, fresh("water")
    signin.add_signing_client(workshop, client_id, "水务审批", GRANTS, keys("a"), at=AT)
    for jti, minutes in (("old", 1), ("young", 3)):
        ends = AT + timedelta(minutes=minutes)
        signin.client_by_assertion(workshop, client_id, jti, expires_at=ends)
    signin.forget_assertions(workshop, at=AT + timedelta(minutes=2))
    mine = select(used_assertions.c.expires_at).where(used_assertions.c.client_id == client_id)
    with workshop.database.reading(VAULT) as db:
        assert list(db.execute(mine).scalars()) == [AT + timedelta(minutes=3)]


def test_a_client_is_shown_with_what_it_is_bound_to(house: House) -> None:
    workshop, client_id = house.wired.workshop, fresh("water")
    types = frozenset(list(house.catalogue.types)[:2])
    at = datetime.now(UTC)
    signin.add_client(workshop, client_id, "水务审批", GRANTS, types=types, at=at)
    shown = signin.show_client(workshop, client_id, at=at)
    assert (shown.grant.authorities, shown.grant.types) == (GRANTS, types)
    assert shown in signin.list_clients(workshop, at=at)
    with pytest.raises(InputError) as refused:
        signin.add_client(workshop, fresh("water"), "x", GRANTS, types=frozenset({"no such type"}), at=at)
    assert [p.pointer for p in refused.value.problems] == ["/types"]


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
