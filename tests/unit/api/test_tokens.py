"""Access tokens: what is ours is taken, everything else refused. Credentials, and the same-origin rule."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey
from starlette.datastructures import Headers

from api.auth import (
    LEEWAY_S,
    TOKEN_MAX_CHARS,
    TokenDesk,
    basic_credentials,
    refuse_cross_origin,
    session_cookie_name,
)
from api.token_keys import TokenKeys
from tests.unit.api.calling import key_folder, new_key_pem
from vault.errors import NotAuthenticated, NotPermitted

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ISSUER = "https://vault.example"
LIFETIME = timedelta(minutes=10)
PEM = new_key_pem()
FOLDER = key_folder(PEM)
CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "aud": f"{ISSUER}/v1",
    "sub": "water",
    "iat": int(AT.timestamp()),
    "exp": int((AT + LIFETIME).timestamp()),
}
KID = ECKey.import_key(PEM).thumbprint()
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": KID}


def desk() -> TokenDesk:
    return TokenDesk(TokenKeys(FOLDER, LIFETIME), ISSUER, LIFETIME)


def signed(claims: dict[str, Any], header: dict[str, str] | None = None, pem: str = PEM) -> str:
    key = ECKey.import_key(pem)
    return jwt.encode({**HEADER, **(header or {})}, claims, key, ["ES256"])


def test_a_token_names_its_client_until_it_is_too_old() -> None:
    token = desk().issue("water", AT)
    assert token.expires_in_s == 600
    assert desk().client_of(token.value, AT) == "water"
    assert desk().client_of(token.value, AT + LIFETIME) == "water"
    with pytest.raises(NotAuthenticated):
        desk().client_of(token.value, AT + LIFETIME + timedelta(seconds=LEEWAY_S + 1))


def test_a_remembered_token_ends_as_any_other() -> None:
    one = desk()
    token = one.issue("water", AT).value
    for at in (AT, AT + LIFETIME, AT + LIFETIME + timedelta(seconds=LEEWAY_S)):
        assert one.client_of(token, at) == "water"
    for changed in (token[:-1], token + "A", token[:-4] + "AAAA"):
        with pytest.raises(NotAuthenticated):
            one.client_of(changed, AT)
    with pytest.raises(NotAuthenticated):
        one.client_of(token, AT + LIFETIME + timedelta(seconds=LEEWAY_S + 1))


def test_tokens_are_remembered_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auth.REMEMBERED_MAX", 3)
    one = desk()
    tokens = [one.issue(f"water-{n}", AT).value for n in range(8)]
    for _ in range(2):
        assert [one.client_of(token, AT) for token in tokens] == [f"water-{n}" for n in range(8)]
    assert len(one._good) == 3  # noqa: SLF001 - what is remembered is seen nowhere else


def test_two_tokens_differ() -> None:
    assert desk().issue("water", AT).value != desk().issue("water", AT).value


def test_a_token_made_by_hand_with_all_that_it_needs_is_taken() -> None:
    assert desk().client_of(signed(CLAIMS), AT) == "water"


@pytest.mark.parametrize("missing", sorted(CLAIMS))
def test_a_token_without_one_of_its_claims_is_refused(missing: str) -> None:
    with pytest.raises(NotAuthenticated):
        desk().client_of(signed({k: v for k, v in CLAIMS.items() if k != missing}), AT)


def none_token() -> str:
    parts = [b'{"alg":"none","typ":"at+jwt"}', b'{"sub":"water"}']
    return ".".join(base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts) + "."


def unsigned(header: str) -> str:
    """A token with this text as its header; who reads the header before the signature reads a stranger's."""
    parts = [header.encode(), b'{"sub":"water"}', b"x" * 64]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def signed_with_the_public_key() -> str:
    """The public key taken for a shared secret (CVE-2015-9235)."""
    public = ECKey.import_key(PEM).as_pem(private=False)
    return jwt.encode({"alg": "HS256", "typ": "at+jwt"}, CLAIMS, OctKey.import_key(public.hex()), ["HS256"])


def signed_with_its_own_key() -> str:
    """A key that the token brings along (`jwk`), under our key's id."""
    own = ECKey.import_key(new_key_pem())
    header = {**HEADER, "jwk": own.as_dict(private=False)}
    return jwt.encode(header, CLAIMS, own, ["ES256"])


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "x" * 10_000,
        "\ud800.b.c",
        none_token(),
        signed_with_the_public_key(),
        signed(CLAIMS, pem=new_key_pem()),
        signed(CLAIMS, {"typ": "JWT"}),
        signed(CLAIMS, {"kid": "another"}),
        signed_with_its_own_key(),
        signed({**CLAIMS, "iss": "https://other.example"}),
        signed({**CLAIMS, "aud": ISSUER}),
        signed({**CLAIMS, "sub": 7}),
        signed({**CLAIMS, "exp": "never"}),
        signed({**CLAIMS, "iat": int(AT.timestamp()) + 3600}),
        signed(CLAIMS)[:-4] + "AAAA",
    ],
    ids=range(17),
)
def test_what_is_not_ours_is_refused(token: str) -> None:
    with pytest.raises(NotAuthenticated):
        desk().client_of(token, AT)


def test_the_published_keys_check_the_tokens_and_hold_no_private_part() -> None:
    [key] = desk().public_keys(AT)["keys"]
    assert "d" not in key
    assert (key["kid"], key["alg"], key["use"]) == (KID, "ES256", "sig")
    assert (
        jwt.decode(desk().issue("water", AT).value, ECKey.import_key(key), ["ES256"]).claims["sub"] == "water"
    )


@pytest.mark.parametrize(
    "header",
    [
        '{"alg":"ES256","crit":1}',
        '{"alg":"ES256","crit":[1]}',
        '{"alg":"ES256","crit":["b64"],"b64":1}',
        '{"alg":"ES256","kid":[]}',
        '{"alg":"ES256","jwk":1}',
        '{"alg":["ES256"]}',
        '{"alg":{}}',
        '{"alg":null}',
        "{}",
        "[]",
        "1",
        "null",
        "[" * 2500,
        '{"a":' * 480 + "1" + "}" * 480,
    ],
    ids=range(14),
)
def test_a_header_that_no_honest_program_writes_is_refused(header: str) -> None:
    token = unsigned(header)
    assert len(token) <= TOKEN_MAX_CHARS
    with pytest.raises(NotAuthenticated):
        desk().client_of(token, AT)


@pytest.mark.parametrize("payload", [b"[]", b"1", b"null", b"x", b"\xff", b"[" * 2500], ids=range(6))
def test_signed_contents_that_are_no_claims_are_refused(payload: bytes) -> None:
    token = jws.serialize_compact(HEADER, payload, ECKey.import_key(PEM), ["ES256"])
    with pytest.raises(NotAuthenticated):
        desk().client_of(token, AT)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (basic("water:secret"), ("water", "secret")),
        (basic("water:a:b"), ("water", "a:b")),
        (basic("a%3Ab:se%2Bcret+x"), ("a:b", "se+cret x")),  # RFC 6749, 2.3.1
        ("basic " + base64.b64encode(b"water:").decode(), ("water", "")),
    ],
)
def test_basic_credentials_are_form_decoded(header: str, found: tuple[str, str]) -> None:
    assert basic_credentials(header) == found


@pytest.mark.parametrize(
    "header", [None, "", "Basic", "Bearer abc", "Basic ???", basic("nocolon"), "Basic /w=="]
)
def test_unreadable_credentials_are_refused(header: str | None) -> None:
    with pytest.raises(NotAuthenticated):
        basic_credentials(header)


@pytest.mark.parametrize(
    "headers",
    [
        {},  # no browser
        {"sec-fetch-site": "same-origin", "origin": "null"},
        {"sec-fetch-site": "none"},
        {"origin": "http://vault.example:8000", "host": "vault.example:8000"},
    ],
)
def test_our_own_forms_are_let_in(headers: dict[str, str]) -> None:
    refuse_cross_origin(Headers(headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://vault.example", "host": "vault.example"},
        {"origin": "http://evil.example", "host": "vault.example"},
        {"origin": "http://vault.example:81", "host": "vault.example"},
        {"origin": "null", "host": "vault.example"},
    ],
)
def test_other_sites_forms_are_not(headers: dict[str, str]) -> None:
    with pytest.raises(NotPermitted):
        refuse_cross_origin(Headers(headers))


def test_only_https_can_have_the_host_prefix() -> None:
    assert session_cookie_name("https://vault.example").startswith("__Host-")
    assert not session_cookie_name("http://127.0.0.1:1").startswith("__")
