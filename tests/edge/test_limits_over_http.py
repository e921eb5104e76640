"""Strangers who ask too often are told when to come back; nobody's address is kept."""

import asyncio
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import select

from api.app import create_app
from api.edge import Edge
from api.wiring import reader_of
from storage.tables import rate_buckets
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.flows.test_deposit import deposited
from tests.provider import ORIGIN, IdentityProvider
from tests.requests import example_request
from vault.errors import Unavailable
from vault.log import moment
from vault.model.certificate import CertificateRecord
from vault.model.destinations import read_networks
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines

PROXY = "127.0.0.1"
Limited = Callable[..., Caller]


@pytest.fixture
def limited(house: House, loop: asyncio.AbstractEventLoop) -> Iterator[Limited]:
    """Applications with the limits of production, behind a proxy of ours: what a process would be."""
    readers, applications = [], []

    def start(factor: float = 1.0) -> Caller:
        reader = reader_of(house.settings, house.wired.workshop.keys)
        settings = replace(house.wired.edge, limits_factor=factor, trusted_proxies=read_networks(PROXY))
        app = create_app(house.wired.workshop, reader, settings)
        loop.run_until_complete(reader.open())
        readers.append(reader)
        applications.append(app)
        return Caller(app, loop)

    yield start
    for application in applications:
        application.state.edge.http.close()
    for reader in readers:
        loop.run_until_complete(reader.close())


def edge_of(caller: Caller) -> Edge:
    app = caller._client._transport.app  # type: ignore[attr-defined]  # noqa: SLF001 - httpx keeps the application there
    assert isinstance(app, FastAPI)
    edge = app.state.edge
    assert isinstance(edge, Edge)
    return edge


def stranger() -> str:
    """An address in a household that no other test has."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


def ask(caller: Caller, address: str, body: dict[str, Any]) -> httpx.Response:
    return caller("POST", "/v1/verifications", json=body, headers={"x-forwarded-for": address})


def asked_until_refused(caller: Caller, address: str, body: dict[str, Any]) -> int:
    for n in range(2000):
        if ask(caller, address, body).status_code == 429:
            return n
    return 2000


def missing(n: object = "") -> dict[str, str]:
    return {"number": f"样许字〔1900〕{n}号{moment(datetime.now(UTC))}", "code": "2222222222"}


@pytest.fixture
def certificate(house: House) -> CertificateRecord:
    return deposited(house, example_request(house.catalogue)).certificates[0]


def test_a_stranger_who_guesses_is_refused_soon_and_others_are_not(limited: Limited) -> None:
    caller, address = limited(), stranger()
    for n in range(100):
        answer = ask(caller, address, missing(n))
        if answer.status_code == 429:
            break
    assert 25 <= n <= 40
    assert answer.json()["type"] == "urn:certvault:problem:too-many-requests"
    assert int(answer.headers["retry-after"]) >= 1
    assert ask(caller, "203.0.113.77", missing()).status_code == 200


def test_a_stranger_who_tries_codes_of_presentations_is_refused_and_a_client_is_not(
    limited: Limited, bearer: dict[str, str]
) -> None:
    caller, address = limited(), {"x-forwarded-for": stranger()}

    def shown(**headers: str) -> int:
        body = {"code": secrets.token_urlsafe(16)}
        return caller("POST", "/v1/presentations", json=body, headers={**address, **headers}).status_code

    statuses = [shown() for _ in range(200)]
    assert 100 < statuses.index(429) < 180
    assert shown(**bearer) == 404


def test_the_same_house_is_one_stranger_whatever_its_address_ends_in(limited: Limited) -> None:
    caller, house_ = limited(), stranger().removesuffix("::1")
    prefix = ":".join(house_.split(":")[:4])
    statuses = [ask(caller, f"{prefix}:{n:x}::1", missing(n)).status_code for n in range(60)]
    assert 429 in statuses


def test_what_a_stranger_says_of_himself_does_not_count(limited: Limited) -> None:
    caller, address = limited(), stranger()
    statuses = [ask(caller, f"192.0.2.{n}, {address}", missing(n)).status_code for n in range(60)]
    assert 429 in statuses


def test_hits_are_cheap(limited: Limited, certificate: CertificateRecord) -> None:
    caller = limited()
    body = {"token": certificate.token}
    assert [ask(caller, stranger(), body).status_code for _ in range(3)] == [200] * 3
    assert asked_until_refused(caller, "203.0.113.5", body) >= 600


def test_codes_for_one_number_are_not_tried_from_many_places(
    limited: Limited, certificate: CertificateRecord
) -> None:
    caller = limited()
    wrong = {"number": certificate.number, "code": "2222222222"}
    statuses = [ask(caller, f"198.51.{n}.1", wrong).status_code for n in range(60)]
    assert 25 <= statuses.index(429) <= 40
    right = {"number": certificate.number, "code": certificate.verification_code}
    assert ask(caller, "198.51.200.1", right).status_code == 429
    # The QR code still works: nobody shuts a certificate off by asking for it.
    assert ask(caller, "198.51.201.1", {"token": certificate.token}).json()["verdict"] == "genuine"


def test_the_page_is_limited_as_the_api_is(limited: Limited) -> None:
    caller, headers = limited(), {"x-forwarded-for": stranger(), "accept": "text/html"}
    for n in range(100):
        answer = caller("POST", "/", data=missing(n), headers=headers)
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    assert answer.headers["content-type"].startswith("text/html")
    token = caller("POST", "/v", data={"t": "x"}, headers=headers)
    assert token.status_code == 429


def test_files_are_counted_too(limited: Limited) -> None:
    caller, headers = limited(), {"x-forwarded-for": stranger(), "content-type": "application/pdf"}
    statuses = [
        caller("POST", "/v1/verifications", content=b"%PDF-1.4 rubbish", headers=headers).status_code
        for _ in range(80)
    ]
    assert 55 <= statuses.index(429) <= 79


def test_secrets_are_not_guessed_and_the_client_itself_is_not_shut_out(
    limited: Limited, house: House
) -> None:
    caller, guesser = limited(), {"x-forwarded-for": stranger()}
    form = {"grant_type": "client_credentials"}
    client_id = house.client.client_id
    for _ in range(60):
        answer = caller("POST", "/oauth/token", data=form, auth=(client_id, "wrong"), headers=guesser)
        if answer.status_code == 429:
            break
    assert answer.status_code == 429
    own = caller("POST", "/oauth/token", data=form, auth=(client_id, house.client_secret))
    assert own.status_code == 200


def assertion_of(client_id: str) -> str:
    """An assertion that a stranger has signed for this client."""
    at = int(datetime.now(UTC).timestamp())
    claims = {"iss": client_id, "sub": client_id, "aud": ORIGIN, "exp": at + 60, "jti": secrets.token_hex(8)}
    return jwt.encode({"alg": "ES256", "kid": "theirs"}, claims, ECKey.generate_key("P-256"))


def test_assertions_are_not_tried_without_end(limited: Limited, house: House) -> None:
    caller, headers = limited(), {"x-forwarded-for": stranger()}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion_of(house.client.client_id),
    }
    statuses = [caller("POST", "/oauth/token", data=form, headers=headers).status_code for _ in range(12)]
    assert statuses[0] == 401
    assert 5 <= statuses.index(429) <= 7


def test_sign_ins_are_not_begun_or_ended_without_end(
    limited: Limited, identity_provider: IdentityProvider
) -> None:
    """Steps cost the vault something before anybody is known; a hall of three hundred still gets in."""
    caller, address = limited(1 / 20), stranger()  # thirty at once, in place of six hundred
    assert identity_provider.book.exists()
    edge_of(caller).limiter._clock = lambda: 0.0  # noqa: SLF001 - nothing drains, however long it takes
    for path in ("/signin/local", "/signin/local/callback?state=x&code=x"):
        headers = {"x-forwarded-for": stranger()}
        statuses = [caller("GET", path, headers=headers).status_code for _ in range(32)]
        assert set(statuses[:29]) <= {303, 401}
        assert statuses[31] == 429
    assert caller("GET", "/signin/local", headers={"x-forwarded-for": address}).status_code == 303


def test_two_processes_count_together(limited: Limited, loop: asyncio.AbstractEventLoop) -> None:
    one, two, address = limited(), limited(), stranger()
    assert 25 <= asked_until_refused(one, address, missing()) <= 40
    loop.run_until_complete(edge_of(one).exchange_limits())
    assert ask(two, address, missing()).status_code == 200  # it has not heard yet
    loop.run_until_complete(edge_of(two).exchange_limits())
    assert ask(two, address, missing()).status_code == 429


def test_without_the_database_each_process_goes_by_its_own_count(
    limited: Limited, loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, address = limited(), stranger()
    edge = edge_of(caller)

    def down(_: object) -> None:
        raise Unavailable("The database does not answer.")

    with monkeypatch.context() as patch:
        patch.setattr(edge, "_exchange", down)
        ask(caller, address, missing())
        loop.run_until_complete(edge.exchange_limits())
        assert 25 <= asked_until_refused(caller, address, missing()) <= 40
    loop.run_until_complete(edge.exchange_limits())  # what it could not say is said now
    other = limited()
    ask(other, address, missing())
    loop.run_until_complete(edge_of(other).exchange_limits())
    assert ask(other, address, missing()).status_code == 429
    assert b"certvault_limits_alone_total 1.0" in edge.metrics.text()
    assert b'certvault_limited_total{rule="verify_address"}' in edge.metrics.text()


def test_no_address_and_no_number_stands_in_the_table(
    limited: Limited, loop: asyncio.AbstractEventLoop, certificate: CertificateRecord
) -> None:
    caller, address = limited(), "203.0.113.200"
    edge = edge_of(caller)
    ask(caller, address, {"number": certificate.number, "code": certificate.verification_code})
    loop.run_until_complete(edge.exchange_limits())
    with edge.workshop.database.reading(VAULT) as db:
        keys = [bytes(key) for key in db.execute(select(rate_buckets.c.key)).scalars()]
    assert keys
    assert all(len(key) == 32 for key in keys)
    edge._sweep()  # noqa: SLF001 - what the loop does every ten minutes
    with edge.workshop.database.reading(VAULT) as db:
        assert len(db.execute(select(rate_buckets.c.key)).all()) <= len(keys)
