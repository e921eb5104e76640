"""Client assertions: each of RFC 7523's conditions refuses alone, and tricks with JWTs do nothing."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from api.assertions import LIFETIME_MAX, client_named, judge, read_client_keys
from api.auth import LEEWAY_S
from vault.errors import InputError, NotAuthenticated
from vault.model.actors import PublicKey

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOW = int(AT.timestamp())
ISSUER = "https://vault.example"
AUDIENCES = frozenset({ISSUER, f"{ISSUER}/oauth/token"})
EC = ECKey.generate_key("P-256", {"kid": "ec"})
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
STRANGER = ECKey.generate_key("P-256", {"kid": "ec"})
CLAIMS: dict[str, Any] = {
    "iss": "water",
    "sub": "water",
    "aud": f"{ISSUER}/oauth/token",
    "exp": NOW + 60,
    "iat": NOW,
    "jti": "one",
}


def public(key: ECKey | RSAKey) -> PublicKey:
    return PublicKey(str(key.kid), key.as_dict(private=False))


KEYS = (public(EC), public(RSA))


def signed(
    changes: dict[str, Any] | None = None,
    header: dict[str, Any] | None = None,
    key: ECKey | RSAKey = EC,
    alg: str = "ES256",
) -> str:
    claims = {name: value for name, value in {**CLAIMS, **(changes or {})}.items() if value is not ...}
    head = {"alg": alg, "kid": key.kid, **(header or {})}
    return jwt.encode({n: v for n, v in head.items() if v is not ...}, claims, key, [alg])


def taken(assertion: str, at: datetime = AT) -> str:
    return judge(assertion, client_named(assertion), KEYS, AUDIENCES, at=at).jti


@pytest.mark.parametrize(
    "assertion",
    [
        signed(),
        signed(key=RSA, alg="PS256"),
        signed({"aud": ISSUER}),
        signed({"aud": [ISSUER]}),
        signed({"iat": ...}),
        signed({"nbf": NOW}),
        signed(header={"kid": ...}),
        signed(header={"x5t": "abc"}),
        signed({"exp": NOW + int(LIFETIME_MAX.total_seconds())}),
        signed({"iat": NOW + LEEWAY_S}),
    ],
    ids=range(10),
)
def test_what_rfc_7523_asks_for_is_taken(assertion: str) -> None:
    assert taken(assertion) == "one"


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "issued by another": {"iss": "land"},
    "no issuer": {"iss": ...},
    "for another endpoint": {"aud": f"{ISSUER}/oauth/token/"},
    "for another vault": {"aud": "https://other.example"},
    "for two": {"aud": [ISSUER, "https://other.example"]},
    "for us twice": {"aud": [ISSUER, f"{ISSUER}/oauth/token"]},
    "for nobody": {"aud": ...},
    "audience is no text": {"aud": {"a": 1}},
    "too old": {"exp": NOW - LEEWAY_S},
    "no end": {"exp": ...},
    "an endless end": {"exp": 2**60},
    "an end in words": {"exp": "never"},
    "an end that is true": {"exp": True},
    "lives too long": {"exp": NOW + int(LIFETIME_MAX.total_seconds()) + LEEWAY_S + 1},
    "made in the future": {"iat": NOW + LEEWAY_S + 1},
    "made whenever": {"iat": "today"},
    "not yet": {"nbf": NOW + LEEWAY_S + 1},
    "no jti": {"jti": ...},
    "jti is a number": {"jti": 7},
    "jti is empty": {"jti": ""},
    "jti is endless": {"jti": "x" * 129},
}


@pytest.mark.parametrize("what", BAD_CLAIMS)
def test_each_claim_alone_refuses(what: str) -> None:
    with pytest.raises(NotAuthenticated):
        taken(signed(BAD_CLAIMS[what]))


def test_somebody_elses_name_is_judged_by_their_keys() -> None:
    assertion = signed({"iss": "land", "sub": "land"})
    with pytest.raises(NotAuthenticated):
        judge(assertion, "land", (public(STRANGER),), AUDIENCES, at=AT)
    with pytest.raises(NotAuthenticated):
        judge(signed(), "water", (), AUDIENCES, at=AT)


def unsigned(header: dict[str, Any], signature: bytes = b"") -> str:
    parts = [json.dumps(header).encode(), json.dumps(CLAIMS).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def with_the_public_key_as_secret(alg: str = "HS256") -> str:
    """CVE-2015-9235."""
    secret = OctKey.import_key(EC.as_pem(private=False).hex())
    return jwt.encode({"alg": alg, "kid": "ec"}, CLAIMS, secret, [alg])


TRICKS = {
    "alg none": unsigned({"alg": "none"}),
    "alg none with a signature": unsigned({"alg": "none", "kid": "ec"}, b"x" * 64),
    "alg None": unsigned({"alg": "None"}),
    "the public key as a secret": with_the_public_key_as_secret(),
    "another's key under the same id": signed(key=STRANGER),
    "a key that it brings": signed(key=STRANGER, header={"jwk": STRANGER.as_dict(private=False)}),
    "a key that it points to": signed(key=STRANGER, header={"jku": "https://evil.example/jwks"}),
    "another key's id": signed(header={"kid": "rsa"}),
    "an id that nobody has": signed(header={"kid": "../../dev/null"}),
    "an id that is a list": unsigned({"alg": "ES256", "kid": ["ec"]}, b"x" * 64),
    "RSA of the wrong padding": signed(key=RSA, alg="RS256"),
    "a curve for an RSA key": signed(header={"alg": "ES256", "kid": "rsa"}),
    "a critical extension": unsigned(
        {"alg": "ES256", "kid": "ec", "crit": ["exp"], "exp": NOW + 60}, b"x" * 64
    ),
    "no header": "e30." + signed().split(".", 1)[1],
    "two parts": "a.b",
    "five parts": "a.b.c.d.e",
    "no part": "",
    "endless": "x" * 20_000,
    "not even text": "\ud800.b.c",
    "claims that are a list": jws.serialize_compact({"alg": "ES256", "kid": "ec"}, b"[]", EC, ["ES256"]),
    "a header a thousand deep": unsigned({"alg": "ES256", "x": 1}).replace("e", "W" * 900, 1),
}


@pytest.mark.parametrize("what", TRICKS)
def test_tricks_do_nothing(what: str) -> None:
    with pytest.raises(NotAuthenticated):
        judge(TRICKS[what], "water", KEYS, AUDIENCES, at=AT)


def test_unencoded_payloads_are_not_understood() -> None:
    """RFC 7797: with b64=false the signed text is another than the one that is read."""
    header = {"alg": "ES256", "kid": "ec", "b64": False, "crit": ["b64"]}
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(CLAIMS).encode()).rstrip(b"=")
    honest = signed()
    token = b".".join([head, body, honest.rsplit(".", 1)[1].encode()]).decode()
    with pytest.raises(NotAuthenticated, match="extensions"):
        taken(token)


def test_without_an_id_two_keys_of_one_kind_are_one_too_many() -> None:
    keys = (public(EC), public(ECKey.generate_key("P-256", {"kid": "ec-2"})))
    with pytest.raises(NotAuthenticated):
        judge(signed(header={"kid": ...}), "water", keys, AUDIENCES, at=AT)
    assert judge(signed(), "water", keys, AUDIENCES, at=AT).client_id == "water"


def test_it_is_remembered_until_its_age_refuses_it() -> None:
    found = judge(signed(), "water", KEYS, AUDIENCES, at=AT)
    with pytest.raises(NotAuthenticated, match="too old"):
        taken(signed(), at=found.expires_at)
    assert taken(signed(), at=found.expires_at - timedelta(seconds=1)) == "one"


@pytest.mark.parametrize("key", [EC, RSA], ids=["EC", "RSA"])
def test_keys_are_read_from_each_kind_of_file(key: ECKey | RSAKey) -> None:
    jwk = key.as_dict(private=False)
    bare = {name: value for name, value in jwk.items() if name != "kid"}
    for content in (json.dumps({"keys": [jwk]}), json.dumps(jwk), json.dumps([jwk])):
        assert [found.kid for found in read_client_keys(content.encode())] == [key.kid]
    for content in (json.dumps(bare), key.as_pem(private=False).decode()):
        [found] = read_client_keys(content.encode())
        assert found.kid == key.thumbprint()
        assert "d" not in found.jwk


WEAK = {"kty": "RSA", "e": "AQAB", "n": "v" * 340}
BAD_FILES = {
    "a private JWK": json.dumps(EC.as_dict(private=True)),
    "a private PEM": EC.as_pem(private=True).decode(),
    "a shared secret": json.dumps({"kty": "oct", "k": "AAAA"}),
    "another curve": json.dumps(ECKey.generate_key("P-384").as_dict(private=False)),
    "RSA too short": json.dumps(WEAK),
    "RSA too short, with zeros before it": json.dumps({**WEAK, "n": "AAAA" + WEAK["n"]}),
    "a key for encryption": json.dumps({**EC.as_dict(private=False), "use": "enc"}),
    "a kid that is a number": json.dumps({**EC.as_dict(private=False), "kid": 7}),
    "no JSON": "{",
    "no key": "{}",
    "a number": "7",
    "a list of numbers": "[1]",
    "a broken PEM": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
    "not text": "\x00\x01",
    "endless": "[" * 70_000,
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_file_that_holds_no_good_public_key_is_refused(what: str) -> None:
    with pytest.raises(InputError):
        read_client_keys(BAD_FILES[what].encode())
