"""The flow at one provider, in order: away with a browser, back with a code, and on to who it is."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx

from api import jose
from api.oidc import claims as claims_of
from api.oidc import id_token
from api.oidc.attempt import Attempt
from api.oidc.directory import Directory, Metadata, Refusal, ask_json, away
from api.oidc.provider import Provider
from vault.errors import NotAuthenticated, Unavailable
from vault.model.actors import Introduced

_log = logging.getLogger("certvault.api")


class CancelledError(NotAuthenticated):
    """Whoever was at the provider did not want to go on, or may not."""


@dataclass(slots=True)
class RelyingParty:
    """The vault at one provider. `origin`: the vault's public URL, without a trailing slash."""

    provider: Provider
    origin: str
    http: httpx.Client
    directory: Directory = field(init=False)

    def __post_init__(self) -> None:
        self.directory = Directory(self.provider, self.http, https_only=self.origin.startswith("https:"))

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser back to: one address a provider, against mix-up."""
        return f"{self.origin}/signin/{self.provider.key}/callback"

    def address(self, attempt: Attempt, *, at: datetime) -> str:
        """Where a browser goes to sign in (OpenID Connect Core 3.1.2.1).

        Raises:
            Unavailable: the provider cannot be asked where that is.
        """
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.provider.scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return _with(self.directory.metadata(at).authorization_endpoint, asked)

    def finish(self, attempt: Attempt, answer: Mapping[str, str], *, at: datetime) -> Introduced:
        """Who came back. `answer`: the parameters of the redirect; its state has been checked.

        1. `iss` is this provider, and is there if the provider says that it always is (RFC 9207); 2. it is no
        refusal; 3. the code is redeemed, with the verifier that only this browser's attempt has; 4. the ID
        token is judged; 5. where configured, UserInfo of the same subject; 6. the claims are read.

        Raises:
            CancelledError: whoever was there did not go on.
            NotAuthenticated: something does not hold; the sentence says what, for the log.
            Unavailable: the provider does not answer.
        """
        metadata = self.directory.metadata(at)
        missing = None if metadata.says_iss else self.provider.issuer  # 1
        if answer.get("iss", missing) != self.provider.issuer:
            raise NotAuthenticated("The answer comes from another provider than was asked (iss).")
        if "error" in answer:  # 2
            raise CancelledError("The provider did not let them in.")
        if not answer.get("code"):
            raise NotAuthenticated("The answer has no code.")
        tokens = self._redeem(metadata, answer["code"], attempt)  # 3
        given, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(given, str) or not isinstance(access_token, str):
            raise NotAuthenticated("The provider's token answer has no ID token.")
        keys = self.directory.keys(jose.read_header(given).get("kid"), at)
        found = id_token.judge(  # 4
            given, keys, self.provider, nonce=attempt.nonce, access_token=access_token, at=at
        )
        if self.provider.from_userinfo:  # 5
            found = {**self._userinfo(metadata, access_token, found["sub"]), "sub": found["sub"]}
        return claims_of.introduced(self.provider, found, today=at.date())  # 6

    def farewell(self, *, at: datetime) -> str | None:
        """Where a browser goes to sign out at the provider, too; None where there is no such place.

        Without `id_token_hint` (RP-Initiated Logout 1.0, 2): it would carry an ID number in an address.
        """
        try:
            endpoint = self.directory.metadata(at).end_session_endpoint
        except Unavailable:
            return None
        if endpoint is None:
            return None
        return _with(
            endpoint, {"client_id": self.provider.client_id, "post_logout_redirect_uri": f"{self.origin}/"}
        )

    def _redeem(self, metadata: Metadata, code: str, attempt: Attempt) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        auth = None
        if metadata.takes_basic:  # RFC 6749, 2.3.1: both are form-encoded first
            auth = httpx.BasicAuth(
                quote_plus(self.provider.client_id), quote_plus(self.provider.client_secret)
            )
        else:
            form |= {"client_id": self.provider.client_id, "client_secret": self.provider.client_secret}
        found = self._ask("POST", metadata.token_endpoint, data=form, auth=auth)
        if not isinstance(found, Refusal):
            return found
        if found.error == "invalid_grant":
            raise NotAuthenticated("The provider refused the code: used already, too old, or not for us.")
        # Ours to mend (a wrong client secret, say), and not by whoever wants to sign in.
        _log.error(
            "provider",
            extra={"provider": self.provider.key, "why": f"its token endpoint said {found.status}"},
        )
        raise away()

    def _userinfo(self, metadata: Metadata, access_token: str, subject: str) -> Mapping[str, Any]:
        if metadata.userinfo_endpoint is None:
            _log.error(
                "provider", extra={"provider": self.provider.key, "why": "it has no UserInfo endpoint"}
            )
            raise away()
        auth = _Bearer(access_token)
        found = self._ask("GET", metadata.userinfo_endpoint, auth=auth)
        if isinstance(found, Refusal) or found.get("sub") != subject:  # Core 5.3.4
            raise NotAuthenticated("The provider's UserInfo is about somebody else (sub).")
        return found

    def _ask(self, method: str, address: str, **request: Any) -> Mapping[str, Any] | Refusal:  # noqa: ANN401 - what httpx takes
        try:
            return ask_json(self.http, method, address, **request)
        except Unavailable as error:
            _log.warning("provider", extra={"provider": self.provider.key, "why": error.detail})
            raise away() from error


class _Bearer(httpx.Auth):
    """RFC 6750, 2.1."""

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Any:  # noqa: ANN401 - a generator of httpx's own
        """The request with the token."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


def _with(address: str, parameters: Mapping[str, str]) -> str:
    separator = "&" if urlsplit(address).query else "?"
    return f"{address}{separator}{urlencode(parameters)}"
