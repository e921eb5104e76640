"""What a provider publishes: its metadata (OpenID Connect Discovery 1.0) and its keys, fetched and kept.

Everything has a limit: time, size, how often. What is known is used while a provider is away; whoever asks
while it does not answer hears so at once, and does not wait in line for the next time-out.
"""

import json
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx

from api import jose
from api.oidc.provider import Provider
from vault.errors import InputError, Unavailable

# A provider in the same province answers in a few milliseconds; a browser waits for us meanwhile.
TIMEOUT = httpx.Timeout(5.0, connect=3.0)
# Metadata and key sets take 2 to 10 kB.
ANSWER_MAX_BYTES = 256 * 1024
# A retired endpoint or key is forgotten after this time.
FRESH_FOR = timedelta(hours=1)
# Tokens with made-up key ids must not make us ask the provider again and again.
REFRESH_PAUSE = timedelta(seconds=30)
# A provider that does not answer is left alone for this long.
FAILURE_PAUSE = timedelta(seconds=5)
RETRY_AFTER_S = 30
# Each read has its time-out; an answer that drips in has this one.
ANSWER_TIMEOUT_S = 10.0

_WELL_KNOWN = "/.well-known/openid-configuration"
_log = logging.getLogger("certvault.api")


def new_http() -> httpx.Client:
    """A client for talking to providers: the system's trusted roots, no redirects, no proxy."""
    return httpx.Client(
        timeout=TIMEOUT, follow_redirects=False, trust_env=False, verify=ssl.create_default_context()
    )


@dataclass(frozen=True, slots=True)
class Metadata:
    """The part of a provider's metadata that the flow uses; addresses checked."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    says_iss: bool
    takes_basic: bool


@dataclass(slots=True)
class Directory:
    """One provider's metadata and keys. Thread-safe. `https_only`: plain http is for development."""

    provider: Provider
    http: httpx.Client
    https_only: bool
    _metadata: Metadata | None = None
    _metadata_at: datetime | None = None
    _keys: tuple[jose.PublicOrPrivateKey, ...] = ()
    _keys_at: datetime | None = None
    _failed_at: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    def metadata(self, at: datetime) -> Metadata:
        """The provider's metadata, no older than `FRESH_FOR` while the provider answers.

        Raises:
            Unavailable: it does not answer, or publishes what cannot be used.
        """
        with self._lock:
            if self._metadata is None or self._metadata_at is None or at - self._metadata_at >= FRESH_FOR:
                try:
                    self._metadata = self._fetch_metadata(at)
                    self._metadata_at = at
                except Unavailable:
                    if self._metadata is None:
                        raise
            return self._metadata

    def keys(self, kid: object, at: datetime) -> tuple[jose.PublicOrPrivateKey, ...]:
        """The provider's keys; fetched again where none is called `kid`, at most every `REFRESH_PAUSE`.

        Raises:
            Unavailable: it does not answer, and no key is known.
        """
        metadata = self.metadata(at)
        with self._lock:
            age = None if self._keys_at is None else at - self._keys_at
            unknown = kid is not None and all(key.kid != kid for key in self._keys)
            if age is None or age >= FRESH_FOR or (unknown and age >= REFRESH_PAUSE):
                try:
                    self._keys = self._fetch_keys(metadata.jwks_uri, at)
                    self._keys_at = at
                except Unavailable:
                    if not self._keys:
                        raise
            return self._keys

    def _fetch_metadata(self, at: datetime) -> Metadata:
        found = self._get(self.provider.issuer.rstrip("/") + _WELL_KNOWN, at)
        if found.get("issuer") != self.provider.issuer:  # Discovery, 4.3
            raise self._unusable("its metadata names another issuer")
        methods = found.get("code_challenge_methods_supported")
        if isinstance(methods, list) and "S256" not in methods:
            raise self._unusable("it does not support PKCE with S256")
        ways = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Metadata(
            authorization_endpoint=self._address(found, "authorization_endpoint"),
            token_endpoint=self._address(found, "token_endpoint"),
            jwks_uri=self._address(found, "jwks_uri"),
            userinfo_endpoint=self._optional(found, "userinfo_endpoint"),
            end_session_endpoint=self._optional(found, "end_session_endpoint"),
            says_iss=found.get("authorization_response_iss_parameter_supported") is True,
            takes_basic=isinstance(ways, list) and "client_secret_basic" in ways,
        )

    def _fetch_keys(self, address: str, at: datetime) -> tuple[jose.PublicOrPrivateKey, ...]:
        members = self._get(address, at).get("keys")
        keys = []
        for member in members if isinstance(members, list) else []:
            try:
                keys.append(jose.import_public_key(member if isinstance(member, dict) else {}))
            except InputError:
                continue  # of a kind that nobody signs ID tokens with here
        if not keys:
            raise self._unusable("its key set has no key that can be used")
        return tuple(keys)

    def _get(self, address: str, at: datetime) -> Mapping[str, Any]:
        if self._failed_at is not None and at - self._failed_at < FAILURE_PAUSE:
            raise away()
        try:
            return fetch_json(self.http, "GET", address)
        except Unavailable as error:
            self._failed_at = at
            _log.warning("provider", extra={"provider": self.provider.key, "why": error.detail})
            raise away() from error

    def _address(self, found: Mapping[str, Any], name: str) -> str:
        address = found.get(name)
        scheme = urlsplit(address).scheme if isinstance(address, str) else ""
        if not isinstance(address, str) or scheme not in (
            {"https"} if self.https_only else {"https", "http"}
        ):
            raise self._unusable(f"its metadata has no usable {name}")
        return address

    def _optional(self, found: Mapping[str, Any], name: str) -> str | None:
        return None if found.get(name) is None else self._address(found, name)

    def _unusable(self, why: str) -> Unavailable:
        _log.error("provider", extra={"provider": self.provider.key, "why": why})
        return away()


def away() -> Unavailable:
    """What whoever signs in hears of a provider that cannot be asked."""
    return Unavailable(
        "The identity provider does not answer; try again shortly.", retry_after_s=RETRY_AFTER_S
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer 4xx: the provider answered, and said no."""

    status: int
    error: str


def fetch_json(client: httpx.Client, method: str, address: str, **request: Any) -> Mapping[str, Any]:  # noqa: ANN401 - what httpx takes
    """The JSON object at an address.

    Raises:
        Unavailable: no answer, no success, too much, or no JSON object; the sentence says which, for the log.
    """
    found = ask_json(client, method, address, **request)
    if isinstance(found, Refusal):
        raise Unavailable(f"The identity provider answered {found.status}.")
    return found


def ask_json(
    client: httpx.Client,
    method: str,
    address: str,
    **request: Any,  # noqa: ANN401 - what httpx takes
) -> Mapping[str, Any] | Refusal:
    """The JSON object at an address, or the refusal in its place (RFC 6749, 5.2).

    Raises:
        Unavailable: no answer, 5xx, a redirect, too much, or no JSON object.
    """
    try:
        with client.stream(method, address, headers={"Accept": "application/json"}, **request) as answer:
            content, deadline = b"", time.monotonic() + ANSWER_TIMEOUT_S
            for piece in answer.iter_bytes():
                content += piece
                if len(content) > ANSWER_MAX_BYTES or time.monotonic() > deadline:
                    raise Unavailable("The identity provider's answer is too large, or too slow.")
            status = answer.status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unavailable(f"The identity provider does not answer: {type(error).__name__}.") from error
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if httpx.codes.is_client_error(status):
        error_code = found.get("error") if isinstance(found, dict) else None
        return Refusal(status, error_code if isinstance(error_code, str) else "")
    if not httpx.codes.is_success(status) or not isinstance(found, dict):
        raise Unavailable(f"The identity provider answered {status} without a JSON object.")
    return found
