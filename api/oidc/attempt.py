"""One try to sign in, bound to one browser: everything secret in it follows from that browser's cookie.

`state`, `nonce` and the PKCE verifier are HMACs of the cookie's 256 random bits. So nobody else can know
them, the database need not keep them, and an answer that was meant for another browser fits nothing here.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field

from vault.errors import NotAuthenticated


@dataclass(frozen=True, slots=True)
class Attempt:
    """What follows from the secret that `vault.sessions.begin` handed out."""

    secret: str = field(repr=False)

    @property
    def state(self) -> str:
        """Comes back with the answer (RFC 6749, 10.12)."""
        return self._derived("state")

    @property
    def nonce(self) -> str:
        """Comes back in the ID token (OpenID Connect Core 15.5.2)."""
        return self._derived("nonce")

    @property
    def verifier(self) -> str:
        """Shown at the token endpoint only (RFC 7636, 4.1)."""
        return self._derived("verifier")

    @property
    def challenge(self) -> str:
        """What the provider hears of the verifier beforehand (RFC 7636, 4.2: S256)."""
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())

    def check_state(self, state: str | None) -> None:
        """Returns where this answer belongs to this browser.

        Raises:
            NotAuthenticated: it does not.
        """
        if state is None or not hmac.compare_digest(state.encode("utf-8", "replace"), self.state.encode()):
            raise NotAuthenticated("The answer belongs to another sign-in than this browser began (state).")

    def _derived(self, purpose: str) -> str:
        secret = self.secret.encode("utf-8", "replace")
        return _base64url(hmac.digest(secret, f"certvault sign-in {purpose}".encode(), hashlib.sha256))


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
