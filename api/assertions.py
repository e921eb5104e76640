"""Client assertions (`private_key_jwt`: RFC 7523): judged here, used up in the vault."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from api import jose
from api.auth import LEEWAY_S
from vault.errors import InputError, NotAuthenticated
from vault.model.actors import PublicKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# FAPI 2.0 Security Profile, 5.4.1, without EdDSA, which no client asked for. Never `none`, never a shared
# secret.
ALGORITHMS = ("ES256", "PS256")
# An assertion is made for the one request that carries it: more would only keep the memory of `jti` longer.
LIFETIME_MAX = timedelta(minutes=5)
# A UUID has 36 characters, 256 bits in hex 64.
JTI_MAX_CHARS = 128
# A set of eight RSA keys with their certificates.
KEYS_FILE_MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Assertion:
    """A good assertion. `expires_at`: from then on it would be refused for its age, leeway included."""

    client_id: str
    jti: str
    expires_at: datetime


def client_named(assertion: str) -> str:
    """Whose keys to judge an assertion by: the `sub` that it claims.

    Raises:
        NotAuthenticated: it cannot be read.
    """
    subject = jose.read_unverified_claims(assertion).get("sub")
    if not isinstance(subject, str):
        raise NotAuthenticated("The assertion names no client: expected its id as iss and sub.")
    return subject


def judge(
    assertion: str, client_id: str, keys: Sequence[PublicKey], audiences: frozenset[str], *, at: datetime
) -> Assertion:
    """The assertion, where it is this client's, for us, and fresh (RFC 7523, clause 3).

    1. one of the client's own keys has signed it; 2. iss and sub are the client; 3. aud is exactly one of
    `audiences`, alone; 4. exp is ahead, by no more than `LIFETIME_MAX`, and what it says of iat and nbf lies
    behind; 5. jti is there. Whether the jti was shown before is for whoever can remember.

    Raises:
        NotAuthenticated: it is not so; the sentence says what.
    """
    claims = jose.verify(assertion, [jose.import_public_key(key.jwk) for key in keys], ALGORITHMS)  # 1
    if (claims.get("iss"), claims.get("sub")) != (client_id, client_id):  # 2
        raise NotAuthenticated("The assertion's iss and sub are not both the client id.")
    audience = claims.get("aud")
    if isinstance(audience, list) and len(audience) == 1:
        [audience] = audience
    if not isinstance(audience, str) or audience not in audiences:  # 3
        raise NotAuthenticated(
            f"The assertion is for somebody else: expected aud {' or '.join(sorted(audiences))} alone."
        )
    now = at.timestamp()
    expires = _seconds(claims, "exp")  # 4
    if expires is None or expires + LEEWAY_S <= now:
        raise NotAuthenticated("The assertion is too old, or says no exp.")
    if expires - now > LIFETIME_MAX.total_seconds() + LEEWAY_S:
        seconds = int(LIFETIME_MAX.total_seconds())
        raise NotAuthenticated(f"The assertion lives too long: expected exp within {seconds} seconds.")
    for name in ("iat", "nbf"):
        seconds_since = _seconds(claims, name)
        if name in claims and (seconds_since is None or seconds_since > now + LEEWAY_S):
            raise NotAuthenticated(f"The assertion's {name} lies ahead: set your clock.")
    jti = claims.get("jti")  # 5
    if not isinstance(jti, str) or not 1 <= len(jti) <= JTI_MAX_CHARS:
        raise NotAuthenticated(f"The assertion has no jti of 1 to {JTI_MAX_CHARS} characters.")
    return Assertion(client_id, jti, datetime.fromtimestamp(expires + LEEWAY_S, UTC))


def read_client_keys(content: bytes) -> tuple[PublicKey, ...]:
    """The public keys of a file: a JWK Set, one JSON Web Key, or a public key in PEM.

    A key without `kid` gets its thumbprint (RFC 7638) for one.

    Raises:
        InputError: it is none of these, or holds a private key or one of a kind that is not taken.
    """
    if len(content) > KEYS_FILE_MAX_BYTES:
        raise InputError(f"The key file is too large: expected at most {KEYS_FILE_MAX_BYTES} bytes.")
    try:
        if b"PRIVATE KEY" in content:
            raise InputError(
                "This is a private key: nobody but its owner may have it. Send the public part only."
            )
        if content.lstrip().startswith(b"-----BEGIN"):
            found: Any = jose.public_jwk(content)
        else:
            found = json.loads(content)
    except (ValueError, TypeError, RecursionError) as error:
        raise InputError("The key file cannot be read: expected a JWK Set, a JSON Web Key or PEM.") from error
    members = found.get("keys", [found]) if isinstance(found, dict) else found
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise InputError("The key file cannot be read: expected a JWK Set, a JSON Web Key or PEM.")
    return tuple(_public_key(member) for member in members)


def _public_key(member: Mapping[str, Any]) -> PublicKey:
    key = jose.import_public_key(member)
    kid = member.get("kid")
    if kid is None:
        kid = key.thumbprint()
    if not isinstance(kid, str) or not 1 <= len(kid) <= JTI_MAX_CHARS or "\0" in kid:
        raise InputError(f"Expected a key id (kid) of 1 to {JTI_MAX_CHARS} characters.")
    return PublicKey(kid, {**key.as_dict(private=False), "kid": kid})


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519, clause 2); None where it is none."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 2**40 else None
