"""Judging an ID token (OpenID Connect Core 3.1.3.7). No I/O: text, keys and a time come in."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from api import jose
from api.oidc.provider import Provider
from vault.errors import NotAuthenticated

# Clocks of the provider and ours.
LEEWAY_S = 60
# A token for a sign-in that takes at most ten minutes was made a moment ago.
AGE_MAX_S = 600
# Core 2: sub has at most 255 ASCII characters.
SUBJECT_MAX_CHARS = 255


def judge(
    token: str,
    keys: Sequence[jose.PublicOrPrivateKey],
    provider: Provider,
    *,
    nonce: str,
    access_token: str | None,
    at: datetime,
) -> Mapping[str, Any]:
    """The claims of an ID token that was made by this provider, for us, for this sign-in, just now.

    1. a key of the provider has signed it, by an algorithm of the provider's list; 2. iss is the provider,
    exactly; 3. aud is our client id and nobody else, and azp, if said, too; 4. exp is ahead, iat lies just
    behind; 5. the nonce is that of this browser's attempt; 6. at_hash, if said, is that of the access token
    beside it; 7. sub is there.

    Raises:
        NotAuthenticated: it is not so; the sentence says what, without a word of the claims.
    """
    claims = jose.verify(token, keys, provider.algorithms)  # 1
    if claims.get("iss") != provider.issuer:  # 2
        raise NotAuthenticated("The ID token is of another issuer (iss).")
    if claims.get("aud") not in (provider.client_id, [provider.client_id]):  # 3
        raise NotAuthenticated("The ID token is for somebody else (aud).")
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise NotAuthenticated("The ID token was asked for by somebody else (azp).")
    now = at.timestamp()
    expires, issued = _seconds(claims, "exp"), _seconds(claims, "iat")  # 4
    if expires + LEEWAY_S <= now:
        raise NotAuthenticated("The ID token is too old (exp).")
    if not now - AGE_MAX_S <= issued <= now + LEEWAY_S:
        raise NotAuthenticated("The ID token was not made just now (iat).")
    if claims.get("nonce") != nonce:  # 5
        raise NotAuthenticated("The ID token is for another sign-in (nonce).")
    if "at_hash" in claims and claims["at_hash"] != half_hash(access_token or ""):  # 6
        raise NotAuthenticated("The ID token belongs to another access token (at_hash).")
    subject = claims.get("sub")  # 7
    if not isinstance(subject, str) or not subject.isascii() or not 1 <= len(subject) <= SUBJECT_MAX_CHARS:
        raise NotAuthenticated("The ID token says of nobody that it is them (sub).")
    return claims


def half_hash(text: str) -> str:
    """The left half of SHA-256 in base64url (Core 3.1.3.6); every algorithm of ours is one with SHA-256."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAuthenticated(f"The ID token has no {name}.")
    return float(value)
