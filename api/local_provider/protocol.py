"""The protocol, by Authlib: code flow with PKCE, ID tokens. In memory, for one process."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Any

from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin
from authlib.oidc.core.grants import OpenIDCode
from joserfc.jwk import RSAKey

from api.local_provider.book import Account, Book

# What a provider must support and most sign with (OpenID Connect Core 15.1).
ALGORITHM = "RS256"
RSA_BITS = 2048
CODE_LIFETIME_S = 60
ACCESS_TOKEN_LIFETIME_S = 300
ID_TOKEN_LIFETIME_S = 300
METHOD = "S256"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, as Authlib gives it."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass(slots=True)
class Code(AuthorizationCodeMixin):  # type: ignore[misc]  # Authlib has no types
    """A code that was handed out."""

    code: str = field(repr=False)
    client_id: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    code_challenge_method: str
    login: str
    at: float

    def get_redirect_uri(self) -> str:
        """The address that was asked for."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """The scope that was asked for."""
        return self.scope

    def get_nonce(self) -> str | None:
        """The client's nonce."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When they signed in."""
        return int(self.at)


@dataclass(frozen=True, slots=True)
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """The one client: the vault."""

    book: Book

    @property
    def client_id(self) -> str:
        """Its id."""
        return self.book.client_id

    def get_client_id(self) -> str:
        """Its id."""
        return self.book.client_id

    def get_default_redirect_uri(self) -> None:
        """None: the vault says where."""

    def get_allowed_scope(self, scope: str | None) -> str:
        """Every scope that it asks for."""
        return scope or "openid"

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """The registered address, letter by letter."""
        return redirect_uri == self.book.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether it is the client's."""
        return compare_digest(client_secret.encode("utf-8", "replace"), self.book.client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib's signature
        """Basic only."""
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        """Codes only."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Codes only."""
        return grant_type == "authorization_code"


class Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A request as Authlib wants it."""

    def __init__(self, method: str, headers: Mapping[str, str], values: Mapping[str, str]) -> None:
        # Authlib wants https or this machine; where it listens has been decided by then.
        super().__init__(method, "http://localhost/", headers=headers)
        self.payload = BasicOAuth2Payload(dict(values))
        self._values = dict(values)

    @property
    def args(self) -> dict[str, str]:
        """The query."""
        return self._values

    @property
    def form(self) -> dict[str, str]:
        """The form."""
        return self._values


class Protocol(AuthorizationServer):  # type: ignore[misc]  # Authlib has no types
    """The provider's side of the flow. `read`: the book as it is now."""

    def __init__(self, read: Callable[[], Book]) -> None:
        super().__init__()
        self.read = read
        self.codes: dict[str, Code] = {}
        self.access_tokens: dict[str, tuple[str, float]] = {}
        self.key = RSAKey.generate_key(RSA_BITS, private=True)
        self.register_token_generator("default", self._bearer)
        self.register_grant(_CodeGrant, [_Pkce(required=True), _IdToken(self)])

    def query_client(self, client_id: str) -> Client | None:
        """The vault, by its id."""
        book = self.read()
        return Client(book) if client_id == book.client_id else None

    def save_token(self, token: Mapping[str, Any], request: Any) -> None:  # noqa: ANN401 - Authlib has no types
        """Remembers whose access token it is."""
        self.access_tokens[token["access_token"]] = (
            request.user.login,
            time.time() + ACCESS_TOKEN_LIFETIME_S,
        )

    def owner_of(self, access_token: str) -> Account | None:
        """Whose access token this is, while it lives."""
        login, expires_at = self.access_tokens.get(access_token, ("", 0.0))
        return self.read().find(login) if expires_at > time.time() else None

    def create_oauth2_request(self, request: Request) -> Request:
        """It is one already."""
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> Answer:  # noqa: ANN401 - Authlib has no types
        """The answer, for whoever speaks HTTP."""
        return Answer(status, body, dict(headers))

    def send_signal(self, name: str, *_: object, **__: object) -> None:
        """Nobody listens."""

    def _bearer(self, *, scope: str, **_: object) -> dict[str, Any]:
        return {
            "token_type": "Bearer",
            "access_token": token_urlsafe(32),
            "expires_in": ACCESS_TOKEN_LIFETIME_S,
            "scope": scope,
        }


class _CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]  # Authlib has no types
    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def save_authorization_code(self, code: str, request: Any) -> None:  # noqa: ANN401 - Authlib has no types
        data = request.payload.data
        self.server.codes[code] = Code(
            code,
            request.client.client_id,
            data["redirect_uri"],
            request.scope,
            data.get("nonce"),
            data["code_challenge"],
            data["code_challenge_method"],
            request.user.login,
            time.time(),
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found: Code | None = self.server.codes.get(code)
        if found is None or found.client_id != client.client_id or found.at + CODE_LIFETIME_S < time.time():
            return None
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        self.server.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Code) -> Account | None:
        found: Account | None = self.server.read().find(authorization_code.login)
        return found


class _Pkce(CodeChallenge):  # type: ignore[misc]  # Authlib has no types
    """S256, and never without: Authlib lets confidential clients go without."""

    DEFAULT_CODE_CHALLENGE_METHOD = METHOD
    SUPPORTED_CODE_CHALLENGE_METHOD = (METHOD,)

    def validate_code_challenge(self, grant: Any, redirect_uri: str) -> None:  # noqa: ANN401 - Authlib has no types
        super().validate_code_challenge(grant, redirect_uri)
        if grant.request.payload.data.get("code_challenge_method") != METHOD:
            raise InvalidRequestError(f"Expected a code_challenge with {METHOD}.")


class _IdToken(OpenIDCode):  # type: ignore[misc]  # Authlib has no types
    def __init__(self, protocol: Protocol) -> None:
        super().__init__(require_nonce=True)
        self._protocol = protocol

    def exists_nonce(self, nonce: str, request: Any) -> bool:  # noqa: ANN401, ARG002 - Authlib's signature
        return any(code.nonce == nonce for code in self._protocol.codes.values())

    def resolve_client_private_key(self, client: Client) -> RSAKey:  # noqa: ARG002 - Authlib's signature
        return self._protocol.key

    def get_client_algorithm(self, client: Client) -> str:  # noqa: ARG002 - Authlib's signature
        return ALGORITHM

    def get_encode_header(self, client: Client) -> dict[str, str]:  # noqa: ARG002 - Authlib's signature
        return {"alg": ALGORITHM, "kid": self._protocol.key.thumbprint()}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        now = int(time.time())
        return {
            "iss": client.book.issuer,
            "aud": client.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_LIFETIME_S,
        }

    def generate_user_info(self, user: Account, scope: str) -> dict[str, Any]:  # noqa: ARG002 - Authlib's signature
        return {"sub": user.login, **user.claims}
