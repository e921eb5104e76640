"""Approval systems sign in by assertion over HTTP, in whichever process; metadata says how."""

import secrets
from asyncio import AbstractEventLoop
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from api import answers
from api.app import create_app
from api.assertions import ASSERTION_TYPE
from api.wiring import reader_of, wire
from tests.conftest import House
from tests.edge.conftest import Caller
from tests.provider import ORIGIN
from vault import signin
from vault.model.actors import PublicKey

pytestmark = pytest.mark.engines


class Signer:
    """An approval system with a key of its own."""

    def __init__(self, house: House, **bound: Any) -> None:  # noqa: ANN401 - what add_signing_client takes
        self.key = ECKey.generate_key("P-256", {"kid": "k1"})
        self.client_id = "signer-" + secrets.token_hex(4)
        keys = [PublicKey("k1", self.key.as_dict(private=False))]
        at = datetime.now(UTC)
        workshop, authorities = house.wired.workshop, house.client.authorities
        signin.add_signing_client(workshop, self.client_id, "x", authorities, keys, at=at, **bound)

    def assertion(self, **claims: object) -> str:
        """A good one, but for these claims."""
        now = int(datetime.now(UTC).timestamp())
        said = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{ORIGIN}/oauth/token",
            "exp": now + 60,
            "jti": secrets.token_hex(16),
            **claims,
        }
        return jwt.encode({"alg": "ES256", "kid": "k1"}, said, self.key, ["ES256"])


def form(assertion: str, **more: str) -> dict[str, Any]:
    told = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION_TYPE}
    return {"data": {**told, "client_assertion": assertion, **more}}


@pytest.fixture
def signer(house: House) -> Signer:
    """A client that nobody else uses."""
    return Signer(house)


@pytest.fixture
def other_process(house: House, loop: AbstractEventLoop) -> Iterator[Caller]:
    """The application once more, with connections of its own, as another process has it."""
    wired = wire(house.settings)
    reader = reader_of(house.settings, wired.workshop.keys)
    app = create_app(wired.workshop, reader, wired.edge)
    loop.run_until_complete(reader.open())
    yield Caller(app, loop)
    loop.run_until_complete(reader.close())
    wired.workshop.database.close()
    app.state.edge.http.close()


def test_an_assertion_gets_a_token_once_in_whichever_process(
    caller: Caller, other_process: Caller, signer: Signer
) -> None:
    shown = form(signer.assertion())
    granted = caller("POST", "/oauth/token", **shown)
    assert granted.status_code == 200, granted.text
    answers.TokenOut.model_validate_json(granted.content)
    bearer = {"authorization": f"Bearer {granted.json()['access_token']}"}
    assert caller("GET", "/v1/cases/none", headers=bearer).status_code == 404
    for process in (caller, other_process):
        again = process("POST", "/oauth/token", **shown)
        assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
        assert "jti" in again.json()["error_description"]
    assert other_process("POST", "/oauth/token", **form(signer.assertion(aud=ORIGIN))).status_code == 200
    assert other_process("GET", "/v1/cases/none", headers=bearer).status_code == 404


def test_a_refused_assertion_is_not_used_up(caller: Caller, signer: Signer) -> None:
    """Whoever breaks an assertion on its way must not take its jti from the honest one."""
    honest = signer.assertion()
    broken = honest[:-6] + ("AAAAAA" if not honest.endswith("AAAAAA") else "BBBBBB")
    assert caller("POST", "/oauth/token", **form(broken)).status_code == 401
    assert caller("POST", "/oauth/token", **form(honest)).status_code == 200


@pytest.mark.parametrize(
    "what", ["audience", "signature", "type", "client_id", "disabled", "two ways", "secret"]
)
def test_what_is_wrong_with_an_assertion_is_told_as_rfc_6749_says(
    caller: Caller, house: House, signer: Signer, what: str
) -> None:
    good = form(signer.assertion())
    if what == "disabled":
        signin.disable_client(house.wired.workshop, signer.client_id, at=datetime.now(UTC))
    request: dict[str, Any] = {
        "audience": form(signer.assertion(aud="https://other.example")),
        "signature": form(Signer(house).assertion(iss=signer.client_id, sub=signer.client_id)),
        "type": form(signer.assertion(), client_assertion_type="urn:x"),
        "client_id": form(signer.assertion(), client_id="suite"),
        "two ways": {**good, "auth": (house.client.client_id, house.client_secret)},
        "secret": {"data": {"grant_type": "client_credentials"}, "auth": (signer.client_id, "x")},
    }.get(what, good)
    answer = caller("POST", "/oauth/token", **request)
    expected = (400, "invalid_request") if what == "two ways" else (401, "invalid_client")
    assert (answer.status_code, answer.json()["error"]) == expected
    assert answer.headers["cache-control"] == "no-store"


def test_the_metadata_names_what_is_there(caller: Caller, signer: Signer) -> None:
    found = caller("GET", "/.well-known/oauth-authorization-server").json()
    assert found["issuer"] == ORIGIN
    assert found["token_endpoint_auth_methods_supported"] == ["private_key_jwt", "client_secret_basic"]
    assert found["token_endpoint_auth_signing_alg_values_supported"] == ["ES256", "PS256"]
    token = caller(
        "POST", found["token_endpoint"].removeprefix(ORIGIN), **form(signer.assertion(aud=found["issuer"]))
    ).json()["access_token"]
    published = caller("GET", found["jwks_uri"].removeprefix(ORIGIN))
    assert published.headers["cache-control"] == "public, max-age=60"
    keys = KeySet.import_key_set(published.json())
    assert jwt.decode(token, keys, ["ES256"]).claims["sub"] == signer.client_id
    lifetime = jwt.decode(token, keys, ["ES256"]).claims
    assert lifetime["exp"] - lifetime["iat"] <= 600
