"""A provider that can be told to lie, one lie at a time, over real HTTP."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "vault", "s3 cret+/"
CODE = "the-code"
ACCESS_TOKEN = "access-token"  # noqa: S105 - invented
KEY = RSAKey.generate_key(2048, {"kid": "k1"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "k1"})
EC_KEY = ECKey.generate_key("P-256", {"kid": "ec1"})


def half_hash(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


@dataclass(slots=True)
class LyingProvider:
    """Honest until told otherwise. `asked`: what came to each endpoint."""

    issuer: str = ""
    nonce: str = ""
    challenge: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: RSAKey | ECKey | OctKey = field(default_factory=lambda: KEY)
    algorithm: str = "RS256"
    jwks: list[dict[str, Any]] = field(default_factory=lambda: [KEY.as_dict(private=False)])
    userinfo: dict[str, Any] = field(default_factory=lambda: {"sub": "u1", "name": "林样例"})
    id_token: str | None = None
    token_answer: Callable[[], tuple[int, Any]] | None = None
    raw: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    used: bool = False
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def send_away(self, address: str) -> dict[str, str]:
        """Takes in where the vault sends a browser; the parameters."""
        found = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.nonce, self.challenge = found["nonce"], found["code_challenge"]
        return found

    def answer(self, path: str, form: Mapping[str, str], authorization: str) -> tuple[int, Any]:
        """The JSON at an address."""
        self.asked.append((path, form))
        if path in self.raw:
            return self.raw[path]
        if path == "/.well-known/openid-configuration":
            return 200, self._metadata()
        if path == "/jwks":
            return 200, {"keys": self.jwks}
        if path == "/userinfo":
            assert authorization == f"Bearer {ACCESS_TOKEN}"
            return 200, self.userinfo
        assert path == "/token", path
        return self.token_answer() if self.token_answer is not None else self._redeem(form, authorization)

    def count(self, path: str) -> int:
        """How often an address was asked for."""
        return sum(1 for asked, _ in self.asked if asked == path)

    def _metadata(self) -> dict[str, Any]:
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return {name: value for name, value in found.items() if value is not ...}

    def _redeem(self, form: Mapping[str, str], authorization: str) -> tuple[int, Any]:
        """As RFC 6749 and RFC 7636 want it: client, code once, redirect address, verifier."""
        user = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        if user != "vault:s3+cret%2B%2F":
            return 401, {"error": "invalid_client"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
        good = form["code"] == CODE and challenge.rstrip(b"=").decode() == self.challenge
        if self.used or not good:
            return 400, {"error": "invalid_grant"}
        self.used = True
        return 200, {
            "access_token": ACCESS_TOKEN,
            "token_type": "Bearer",
            "id_token": self.id_token or self.token(),
        }

    def token(self) -> str:
        """The ID token, with whatever it lies about."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": "u1",
            "iat": now,
            "exp": now + 300,
            "nonce": self.nonce,
            "at_hash": half_hash(ACCESS_TOKEN),
            "name": "林样例",
            **self.claims,
        }
        header = {"alg": self.algorithm, "kid": "k1", **self.header}
        return jwt.encode(
            {name: value for name, value in header.items() if value is not ...},
            {name: value for name, value in claims.items() if value is not ...},
            self.key,
            [self.algorithm],
        )


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    """A provider on a port of its own while the block runs."""
    provider = LyingProvider()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            """Takes the request in and answers."""
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            path = urlsplit(self.path).path
            status, found = provider.answer(path, form, self.headers.get("Authorization", ""))
            content = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{provider.issuer}/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer  # noqa: N815 - http.server's names

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
