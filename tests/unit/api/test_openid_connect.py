"""Sign-in at a provider that lies: every check of the flow has a lie that only it catches."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from api.oidc import Attempt, CancelledError, ClaimNames, Provider, RelyingParty, new_http
from api.oidc.directory import FAILURE_PAUSE, FRESH_FOR, REFRESH_PAUSE
from tests.lying_provider import (
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    CODE,
    EC_KEY,
    KEY,
    OTHER_KEY,
    LyingProvider,
    half_hash,
    lying_provider,
)
from tests.trials import now
from vault.errors import NotAuthenticated, Unavailable
from vault.model.actors import Assurance, Introduced, Role
from vault.model.holders import HolderCode

ORIGIN = "http://vault.example"
ATTEMPT = Attempt("a-browser-s-secret")
HTTP = new_http()  # reading the trusted roots takes a tenth of a second
CODE_111 = HolderCode.parse("111", "11010519491231002X")  # GB 11643's own example


@pytest.fixture
def provider() -> Iterator[LyingProvider]:
    """A provider that nobody has told to lie."""
    with lying_provider() as running:
        yield running


def configured(provider: LyingProvider, **changes: Any) -> Provider:  # noqa: ANN401 - a provider's fields
    known = Provider(
        key="lying",
        names={"zh": "样例", "en": "sample"},
        issuer=provider.issuer,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        scopes=("openid", "profile"),
        algorithms=("RS256", "ES256"),
        claims=ClaimNames("name", "id_number", "id_type", "org", "roles", "acr"),
        roles={"窗口": Role.CLERK, "群众": Role.HOLDER},
        default_roles=frozenset({Role.HOLDER}),
        assurances={"L3": Assurance.HIGH},
        may_assert_id_numbers=True,
        code_type="111",
        from_userinfo=False,
    )
    return replace(known, **changes)


def party(provider: LyingProvider, **changes: Any) -> RelyingParty:  # noqa: ANN401 - a provider's fields
    return RelyingParty(configured(provider, **changes), ORIGIN, HTTP)


def come_back(
    provider: LyingProvider, at: RelyingParty | None = None, attempt: Attempt = ATTEMPT, **changes: object
) -> Introduced:
    """Away and back: what the vault makes of the answer. `changes`: parameters of the redirect."""
    at = at or party(provider)
    provider.send_away(at.address(ATTEMPT, at=now()))
    answer = {"code": CODE, "iss": provider.issuer, **changes}
    return at.finish(attempt, {k: str(v) for k, v in answer.items() if v is not ...}, at=now())


def test_an_honest_provider_is_believed(provider: LyingProvider) -> None:
    at = party(provider)
    asked = provider.send_away(at.address(ATTEMPT, at=now()))
    assert asked.keys() == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce"),
        *("code_challenge", "code_challenge_method"),
    }
    assert (asked["code_challenge_method"], asked["response_type"]) == ("S256", "code")
    assert asked["redirect_uri"] == f"{ORIGIN}/signin/lying/callback"
    ATTEMPT.check_state(asked["state"])
    who = at.finish(ATTEMPT, {"code": CODE, "iss": provider.issuer}, at=now())
    assert (who.issuer, who.subject, who.name) == (provider.issuer, "u1", "林样例")
    assert "林样例" not in repr(who)


def test_all_that_is_secret_in_an_attempt_differs_and_is_its_own() -> None:
    mine, other = ATTEMPT, Attempt("another browser's secret")
    secrets = [
        mine.state,
        mine.nonce,
        mine.verifier,
        mine.challenge,
        other.state,
        other.nonce,
        other.verifier,
    ]
    assert len({*secrets, mine.secret}) == 8
    assert mine.secret not in repr(mine)
    for state in (None, "", other.state, mine.nonce, mine.state[:-1], mine.state + "=", "\ud800"):
        with pytest.raises(NotAuthenticated, match="state"):
            mine.check_state(state)


NOW = int(time.time())  # as the suite began: minutes or an hour may lie between this and a test
LIES: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://evil.example"}, "iss"),
    "the issuer with a slash": ({"iss": ...}, "iss"),
    "for another client": ({"aud": "another"}, "aud"),
    "for us and another": ({"aud": [CLIENT_ID, "another"]}, "aud"),
    "for nobody": ({"aud": ...}, "aud"),
    "asked for by another": ({"azp": "another"}, "azp"),
    "too old": ({"exp": NOW - 3600}, "exp"),
    "no end": ({"exp": ...}, "exp"),
    "an end in words": ({"exp": "never"}, "exp"),
    "made long ago": ({"iat": NOW - 3600}, "iat"),
    "made in the future": ({"iat": NOW + 86400}, "iat"),
    "made never": ({"iat": ...}, "iat"),
    "another sign-in": ({"nonce": Attempt("x").nonce}, "nonce"),
    "no nonce": ({"nonce": ...}, "nonce"),
    "another access token": ({"at_hash": half_hash("another")}, "at_hash"),
    "nobody": ({"sub": ...}, "sub"),
    "an empty subject": ({"sub": ""}, "sub"),
    "an endless subject": ({"sub": "x" * 256}, "sub"),
    "a subject that is a number": ({"sub": 1}, "sub"),
}


@pytest.mark.parametrize("lie", LIES)
def test_each_lie_of_the_id_token_is_caught_by_its_own_check(provider: LyingProvider, lie: str) -> None:
    claims, caught_by = LIES[lie]
    provider.claims = claims
    with pytest.raises(NotAuthenticated, match=rf"\({caught_by}\)|no {caught_by}"):
        come_back(provider)


def test_what_a_provider_may_say_or_leave_out(provider: LyingProvider) -> None:
    soon = int(time.time()) + 30
    for claims in ({"aud": [CLIENT_ID]}, {"azp": CLIENT_ID}, {"at_hash": ...}, {"iat": soon}):
        provider.claims, provider.used = claims, False
        assert come_back(provider).subject == "u1"


def signed_with(
    provider: LyingProvider, key: RSAKey | ECKey | OctKey, algorithm: str, **header: object
) -> None:
    provider.key, provider.algorithm, provider.header = key, algorithm, header


SIGNATURES: dict[str, Callable[[LyingProvider], None]] = {
    "another key under its id": lambda p: signed_with(p, OTHER_KEY, "RS256"),
    "a key that it brings": lambda p: signed_with(
        p, OTHER_KEY, "RS256", jwk=OTHER_KEY.as_dict(private=False)
    ),
    "an id that is not published": lambda p: signed_with(p, KEY, "RS256", kid="k2"),
    "an algorithm that is not agreed": lambda p: signed_with(p, KEY, "PS256"),
    "the client secret": lambda p: signed_with(p, OctKey.import_key(CLIENT_SECRET + "x" * 32), "HS256"),
    "the public key as a secret": lambda p: signed_with(
        p, OctKey.import_key(KEY.as_pem(private=False).hex()), "HS256"
    ),
    "no signature": lambda p: setattr(p, "id_token", "eyJhbGciOiJub25lIn0.e30."),
    "no token": lambda p: setattr(p, "id_token", "x"),
}


@pytest.mark.parametrize("lie", SIGNATURES)
def test_a_signature_that_is_not_the_providers_is_refused(provider: LyingProvider, lie: str) -> None:
    SIGNATURES[lie](provider)
    with pytest.raises(NotAuthenticated):
        come_back(provider)


def test_mix_up_is_noticed_by_the_issuer_in_the_answer(provider: LyingProvider) -> None:
    """RFC 9207: the answer of an honest provider, brought to the address of a dishonest one."""
    for iss in ("https://evil.example", f"{provider.issuer}/", ..., ""):
        with pytest.raises(NotAuthenticated, match="another provider"):
            come_back(provider, iss=iss)
    assert provider.count("/token") == 0, "the code was shown to nobody"
    provider.metadata = {"authorization_response_iss_parameter_supported": ...}
    assert come_back(provider, iss=...).subject == "u1"  # it does not say so: nothing to compare
    with pytest.raises(NotAuthenticated, match="another provider"):
        come_back(provider, iss="https://evil.example")


def test_a_code_is_taken_once_and_only_with_the_verifier_of_its_attempt(provider: LyingProvider) -> None:
    with pytest.raises(NotAuthenticated, match="refused the code"):
        come_back(provider, attempt=Attempt("another browser's secret"))
    assert come_back(provider).subject == "u1"
    with pytest.raises(NotAuthenticated, match="refused the code"):
        come_back(provider)
    with pytest.raises(NotAuthenticated, match="no code"):
        come_back(provider, code=...)


def test_no_is_no(provider: LyingProvider) -> None:
    with pytest.raises(CancelledError):
        come_back(provider, code=..., error="access_denied")
    with pytest.raises(CancelledError):
        come_back(provider, error="server_error")
    assert provider.count("/token") == 0


AWAY: dict[str, Callable[[LyingProvider], None]] = {
    "500": lambda p: p.raw.update({"/token": (500, b"{}")}),
    "another place": lambda p: p.raw.update({"/token": (302, b"")}),
    "no JSON": lambda p: p.raw.update({"/token": (200, b"<html>")}),
    "a list": lambda p: p.raw.update({"/token": (200, b"[]")}),
    "too much": lambda p: p.raw.update({"/token": (200, b" " * 300_000 + b"{}")}),
    "too deep": lambda p: p.raw.update({"/token": (200, b"[" * 100_000)}),
    "our secret is wrong": lambda p: p.raw.update({"/token": (401, b'{"error": "invalid_client"}')}),
    "no keys": lambda p: setattr(p, "jwks", []),
    "keys of no use": lambda p: setattr(p, "jwks", [{"kty": "oct", "k": "AAAA"}, {"kty": "EC"}, {}]),
    "keys that are no list": lambda p: p.raw.update({"/jwks": (200, b'{"keys": {}}')}),
    "metadata of another": lambda p: p.metadata.update({"issuer": "https://evil.example"}),
    "no endpoint": lambda p: p.metadata.update({"token_endpoint": ...}),
    "an endpoint that is none": lambda p: p.metadata.update(
        {"authorization_endpoint": "javascript:alert(1)"}
    ),
    "no PKCE": lambda p: p.metadata.update({"code_challenge_methods_supported": ["plain"]}),
}


@pytest.mark.parametrize("what", AWAY)
def test_a_provider_that_does_not_work_is_away(provider: LyingProvider, what: str) -> None:
    AWAY[what](provider)
    with pytest.raises(Unavailable) as away:
        come_back(provider)
    assert away.value.retry_after_s > 0


def test_production_follows_no_plain_address(provider: LyingProvider) -> None:
    at = RelyingParty(configured(provider), "https://vault.example", HTTP)
    with pytest.raises(Unavailable):
        at.address(ATTEMPT, at=now())


@pytest.mark.parametrize("answer", [{}, {"id_token": "x"}, {"access_token": 1, "id_token": 1}])
def test_a_token_answer_without_tokens_lets_nobody_in(
    provider: LyingProvider, answer: dict[str, Any]
) -> None:
    provider.token_answer = lambda: (200, answer)
    with pytest.raises(NotAuthenticated):
        come_back(provider)


def test_keys_are_kept_and_fetched_again_for_a_new_one_but_not_for_every_stranger(
    provider: LyingProvider,
) -> None:
    at, start = party(provider), now()
    directory = at.directory
    assert [key.kid for key in directory.keys("k1", start)] == ["k1"]
    for seconds in (0, 1, REFRESH_PAUSE.total_seconds() - 1):
        directory.keys("unknown", start + timedelta(seconds=seconds))
    assert provider.count("/jwks") == 1
    provider.jwks.append(EC_KEY.as_dict(private=False))
    assert len(directory.keys("ec1", start + REFRESH_PAUSE)) == 2
    directory.keys("unknown", start + REFRESH_PAUSE)
    directory.keys("k1", start + FRESH_FOR)
    assert (provider.count("/jwks"), provider.count("/.well-known/openid-configuration")) == (2, 2)
    provider.jwks.pop()
    assert len(directory.keys("k1", start + REFRESH_PAUSE + FRESH_FOR)) == 1, "a key taken back is forgotten"


def test_a_new_key_signs_at_once(provider: LyingProvider) -> None:
    at, start = party(provider), now() - REFRESH_PAUSE
    at.directory.keys("k1", start)
    provider.jwks = [EC_KEY.as_dict(private=False)]
    signed_with(provider, EC_KEY, "ES256", kid="ec1")
    assert come_back(provider, at).subject == "u1"


def test_while_it_is_away_what_is_known_is_used_and_nobody_waits(provider: LyingProvider) -> None:
    at, start = party(provider), now()
    at.directory.keys("k1", start)
    provider.raw = {"/jwks": (500, b""), "/.well-known/openid-configuration": (500, b"")}
    later = start + FRESH_FOR
    assert [key.kid for key in at.directory.keys("k1", later)] == ["k1"]
    fresh = party(provider)
    for seconds in (0, 1, FAILURE_PAUSE.total_seconds() - 1):
        with pytest.raises(Unavailable):
            fresh.address(ATTEMPT, at=start + timedelta(seconds=seconds))
    asked = provider.count("/.well-known/openid-configuration")
    with pytest.raises(Unavailable):
        fresh.address(ATTEMPT, at=start + FAILURE_PAUSE)
    assert provider.count("/.well-known/openid-configuration") == asked + 1


def test_nobody_listening_is_away(provider: LyingProvider) -> None:
    at = party(provider, issuer="http://127.0.0.1:9")
    with pytest.raises(Unavailable):
        at.address(ATTEMPT, at=now())


CLAIMS: dict[str, tuple[dict[str, Any], object]] = {
    "a clerk": ({"roles": ["窗口"], "org": "91350100M000100Y43"}, frozenset({Role.CLERK})),
    "roles that nobody translated": ({"roles": ["admin", "operator", 7]}, frozenset()),
    "one role as a text": ({"roles": "窗口"}, frozenset({Role.CLERK})),
    "a holder with an ID number": (
        {"roles": ["群众"], "id_number": CODE_111.value, "id_type": "111"},
        frozenset({Role.HOLDER}),
    ),
    "a holder without one": ({"roles": ["群众"]}, frozenset()),
    "nothing said": ({"id_number": CODE_111.value, "id_type": "111"}, frozenset({Role.HOLDER})),
}


@pytest.mark.parametrize("who", CLAIMS)
def test_roles_are_what_the_configuration_says_and_no_more(provider: LyingProvider, who: str) -> None:
    provider.claims, roles = CLAIMS[who]
    found = come_back(provider)
    assert found.roles == roles
    assert found.assurance is Assurance.LOW
    assert found.organisation == provider.claims.get("org")


def test_only_a_provider_that_may_say_so_is_believed_about_an_id_number(provider: LyingProvider) -> None:
    provider.claims = {"id_number": CODE_111.value, "id_type": "111", "acr": "L3"}
    found = come_back(provider)
    assert (found.code, found.assurance) == (CODE_111, Assurance.HIGH)
    assert CODE_111.value not in repr(found)
    provider.used = False
    other = come_back(provider, party(provider, may_assert_id_numbers=False))
    assert (other.code, other.roles) == (None, frozenset())


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "no ID number": {"id_number": "11010519491231002", "id_type": "111"},
    "a wrong check character": {"id_number": "110105194912310021", "id_type": "111"},
    "a type that nobody knows": {"id_number": CODE_111.value, "id_type": "998"},
    "no type": {"id_number": CODE_111.value},
    "no organisation": {"org": "91350100M000100Y44"},
    "no name": {"name": " "},
    "a name that is a number": {"name": 7},
    "a name turned round": {"name": "a\u202eb"},
}


@pytest.mark.parametrize("what", BAD_CLAIMS)
def test_a_claim_that_cannot_be_is_refused_without_repeating_it(provider: LyingProvider, what: str) -> None:
    provider.claims = BAD_CLAIMS[what]
    with pytest.raises(NotAuthenticated, match="claim") as refused:
        come_back(provider)
    for value in provider.claims.values():
        assert str(value).strip() == "" or str(value) not in refused.value.detail


def test_claims_may_come_from_userinfo_of_the_same_subject(provider: LyingProvider) -> None:
    at = party(provider, from_userinfo=True)
    provider.userinfo = {"sub": "u1", "name": "关样例", "roles": ["窗口"]}
    provider.claims = {"roles": ["群众"]}
    found = come_back(provider, at)
    assert (found.name, found.roles, found.subject) == ("关样例", frozenset({Role.CLERK}), "u1")
    provider.used, provider.userinfo = False, {"sub": "u2", "name": "另一人"}
    with pytest.raises(NotAuthenticated, match="somebody else"):
        come_back(provider, at)
    provider.used, provider.metadata = False, {"userinfo_endpoint": ...}
    with pytest.raises(Unavailable):
        come_back(provider, party(provider, from_userinfo=True))


def test_a_provider_without_basic_gets_the_secret_in_the_form(provider: LyingProvider) -> None:
    provider.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    provider.token_answer = lambda: (200, {"access_token": ACCESS_TOKEN, "id_token": provider.token()})
    assert come_back(provider).subject == "u1"
    form = next(form for path, form in provider.asked if path == "/token")
    assert (form["client_id"], form["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)


def test_signing_out_goes_on_without_a_word_about_who_it_was(provider: LyingProvider) -> None:
    assert party(provider).farewell(at=now()) is None
    provider.metadata = {"end_session_endpoint": f"{provider.issuer}/bye?x=1"}
    address = party(provider).farewell(at=now())
    assert address is not None
    assert address.startswith(f"{provider.issuer}/bye?x=1&client_id=vault&post_logout_redirect_uri=")
    assert "id_token_hint" not in address
