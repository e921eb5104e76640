"""Access tokens (RFC 6749, RFC 9068), their keys (RFC 7517), cookies' names, and the same-origin rule."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from joserfc import jwt
from starlette.datastructures import Headers

from api import jose
from api.token_keys import ALGORITHM, TokenKeys
from vault.errors import InputError, NotAuthenticated, NotPermitted
from vault.model.actors import Clerk

TOKEN_TYPE = "at+jwt"  # noqa: S105 - the header's `typ` (RFC 9068, 2.1), not a token
JTI_BYTES = 16
# Clocks of the processes that share a key may differ by this much.
LEEWAY_S = 5
# A token of ours has about 500 characters.
TOKEN_MAX_CHARS = 4096
# Good tokens remembered, some 200 bytes each: a province's systems have a few each at a time.
REMEMBERED_MAX = 4096

# The library reads a stranger's header before it knows the signature, and trips over odd values in it: a
# number where a list should be, JSON nested a thousand deep.
# A name and a staff number, as long as a window's sign has them.
CLERK_MAX_CHARS = 64
ACTING_FOR_MAX_CHARS = 2048

_REFUSED = "The access token is not valid or too old: get a new one at /oauth/token."


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token as `/oauth/token` hands it out."""

    value: str = field(repr=False)
    expires_in_s: int


class TokenDesk:
    """Gives out access tokens for approval systems and checks them. `issuer` is the vault's public URL."""

    def __init__(self, keys: TokenKeys, issuer: str, lifetime: timedelta) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = f"{issuer}/v1"
        self._lifetime_s = int(lifetime.total_seconds())
        self._good: dict[bytes, tuple[str, int, str]] = {}
        self._lock = Lock()

    def issue(self, client_id: str, at: datetime) -> AccessToken:
        """A token for a client that has shown its secret."""
        now = int(at.timestamp())
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": client_id,
            "client_id": client_id,
            "iat": now,
            "exp": now + self._lifetime_s,
            "jti": secrets.token_urlsafe(JTI_BYTES),
        }
        signing = self._keys.signing(at)
        header = {"alg": ALGORITHM, "kid": signing.kid, "typ": TOKEN_TYPE}
        return AccessToken(jwt.encode(header, claims, signing.key, [ALGORITHM]), self._lifetime_s)

    def client_of(self, token: str, at: datetime) -> str:
        """The client id that a token names.

        A signature that was good stays good: it is remembered, by the token's SHA-256, until the token is
        too old or its key is withdrawn. What may end sooner is the client, which callers look up at every
        request.

        Raises:
            NotAuthenticated: not a token of ours, altered, or too old.
        """
        if len(token) > TOKEN_MAX_CHARS:
            raise NotAuthenticated(_REFUSED)
        now = int(at.timestamp())
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._good.get(digest)
        if known is None:
            known = self._checked(token, at)
            with self._lock:
                if len(self._good) >= REMEMBERED_MAX:
                    del self._good[next(iter(self._good))]  # the first to come is the first to expire
                self._good[digest] = known
        client_id, expires_at, kid = known
        if expires_at < now - LEEWAY_S or all(each.kid != kid for each in self._keys.published(at)):
            raise NotAuthenticated(_REFUSED)
        return client_id

    def _checked(self, token: str, at: datetime) -> tuple[str, int, str]:
        """Client id, `exp` and key id of a token whose signature and claims are right."""
        rules = jwt.JWTClaimsRegistry(
            now=int(at.timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            kid = jose.read_header(token).get("kid")
            signers = [each.key for each in self._keys.published(at) if each.kid == kid]
            decoded = jwt.decode(token, signers[0], [ALGORITHM])
            rules.validate(decoded.claims)
        except (NotAuthenticated, *jose.UNREADABLE) as error:
            raise NotAuthenticated(_REFUSED) from error
        if decoded.header.get("typ") != TOKEN_TYPE:
            raise NotAuthenticated(_REFUSED)
        return str(decoded.claims["sub"]), int(decoded.claims["exp"]), str(kid)

    def public_keys(self, at: datetime) -> dict[str, Any]:
        """The key set that checks the tokens (RFC 7517, clause 5), and the key to come."""
        return {
            "keys": [
                {**each.key.as_dict(private=False), "kid": each.kid, "alg": ALGORITHM, "use": "sig"}
                for each in self._keys.published(at)
            ]
        }


def basic_credentials(header: str | None) -> tuple[str, str]:
    """Client id and secret from `Authorization: Basic` (RFC 6749, 2.3.1: both are form-encoded first).

    Raises:
        NotAuthenticated: there is no such header, or it cannot be read.
    """
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        raise NotAuthenticated("Send the client id and secret as HTTP Basic credentials.")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NotAuthenticated("The Basic credentials cannot be read.") from error
    client_id, separator, secret = text.partition(":")
    if not separator:
        raise NotAuthenticated("The Basic credentials cannot be read.")
    return unquote_plus(client_id), unquote_plus(secret)


def acting_for(header: str | None) -> Clerk | None:
    """The clerk of `Acting-For: staff_number=…&name=…`, form-encoded in UTF-8; None without the header.

    Raises:
        InputError: it does not say both, once each, in printable characters.
    """
    if header is None:
        return None
    refused = InputError(
        "The header Acting-For is not valid: expected staff_number=…&name=…, form-encoded in UTF-8, "
        f"each with 1 to {CLERK_MAX_CHARS} printable characters."
    )
    try:
        pairs = parse_qsl(header[:ACTING_FOR_MAX_CHARS], strict_parsing=True, errors="strict")
    except ValueError:
        raise refused from None
    found = {name: value.strip() for name, value in pairs}
    if len(pairs) != 2 or found.keys() != {"staff_number", "name"}:  # noqa: PLR2004 - these two
        raise refused
    if not all(value.isprintable() and 1 <= len(value) <= CLERK_MAX_CHARS for value in found.values()):
        raise refused
    return Clerk(name=found["name"], staff_number=found["staff_number"])


FROM_ANOTHER_SITE = "This form was sent from another site."


def refuse_cross_origin(headers: Headers) -> None:
    """Lets a form in only from our own pages; callers that are no browsers send neither header.

    A browser says by `Sec-Fetch-Site` (Fetch Metadata) where a request was made, or, over plain HTTP from
    another machine, by `Origin` at least.

    Raises:
        NotPermitted: another site made the browser send this.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            raise NotPermitted(FROM_ANOTHER_SITE)
        return
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != headers.get("host"):
        raise NotPermitted(FROM_ANOTHER_SITE)


def session_cookie_name(public_url: str) -> str:
    """The session's cookie. `__Host-` binds it to this host and to https, so plain http has to do without."""
    return "__Host-certvault" if public_url.startswith("https:") else "certvault"


def attempt_cookie_name(public_url: str) -> str:
    """The cookie of a browser that is away at a provider."""
    return f"{session_cookie_name(public_url)}-attempt"
