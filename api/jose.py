"""Signed tokens of strangers (RFC 7515, 7519), read with care: RFC 8725 is what can go wrong.

The algorithm is one of the caller's list and fits the key's type; the key is one that the caller holds, never
one that the token brings or points to; nothing critical is ignored.
"""

import base64
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from vault.errors import InputError, NotAuthenticated

PublicOrPrivateKey = ECKey | RSAKey

# Claims about a person with a name in three scripts take 2 kB; a certificate chain in the header some more.
TOKEN_MAX_CHARS = 16 * 1024
# NIST SP 800-57: less is broken within a certificate's life.
RSA_BITS_MIN = 2048
CURVE = "P-256"

# The library reads a stranger's header before it knows the signature, and trips over odd values in it: a
# number where a list should be, JSON nested a thousand deep.
UNREADABLE = (JoseError, ValueError, TypeError, AttributeError, LookupError, RecursionError)
# Extensions that change what is signed or what must be understood (RFC 7515, 4.1.11; RFC 7797): none is.
_EXTENSIONS = frozenset({"crit", "b64"})
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KEY_CLASSES: Mapping[str, type[ECKey] | type[RSAKey]] = {"EC": ECKey, "RSA": RSAKey}
_ALGORITHM_KEYS = {"ES256": "EC", "RS256": "RSA", "PS256": "RSA"}


def read_header(token: str) -> dict[str, Any]:
    """The header of a token, of which nothing is believed yet.

    Raises:
        NotAuthenticated: it is no token in compact form, or says something that is not understood here.
    """
    return _json_part(token, 0)


def read_unverified_claims(token: str) -> dict[str, Any]:
    """The claims of a token, of which nothing is believed yet: for finding whose keys to try.

    Raises:
        NotAuthenticated: it is no token in compact form.
    """
    return _json_part(token, 1)


def verify(token: str, keys: Iterable[PublicOrPrivateKey], algorithms: Collection[str]) -> dict[str, Any]:
    """The token's claims, where one of these keys has signed it by one of these algorithms.

    What they say is for the caller to judge.

    Where the header names a key by `kid`, it is that one or none; without `kid` there must be only one that
    fits.

    Raises:
        NotAuthenticated: it is not so.
    """
    header = read_header(token)
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise NotAuthenticated(f"The token's algorithm is none of {', '.join(sorted(algorithms))}.")
    if header.keys() & _EXTENSIONS:
        raise NotAuthenticated(
            "The token's header has extensions (crit, b64), which are not understood here."
        )
    fitting = [key for key in keys if key.key_type == _ALGORITHM_KEYS[algorithm]]
    named = [key for key in fitting if kid is None or key.kid == kid]
    if len(named) != 1:
        raise NotAuthenticated("The token is signed with a key that is not known here.")
    # Whatever else a header says is no concern of ours: providers put their own things there.
    registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    try:
        decoded = jwt.decode(token, named[0], [algorithm], registry)
    except UNREADABLE as error:
        raise NotAuthenticated("The token's signature does not hold.") from error
    return decoded.claims


def import_public_key(jwk: Mapping[str, Any]) -> PublicOrPrivateKey:
    """A public key for signatures (RFC 7517): EC P-256, or RSA of 2048 bits or more.

    Raises:
        InputError: it is none, or it is a private key.
    """
    if jwk.keys() & _PRIVATE_MEMBERS:
        raise InputError(
            "This is a private key: nobody but its owner may have it. Send the public part only."
        )
    key_class = _KEY_CLASSES.get(str(jwk.get("kty")))
    if key_class is None or jwk.get("use", "sig") != "sig":
        raise InputError("Expected a key for signatures of type EC or RSA.")
    try:
        if key_class is RSAKey and _modulus_bits(jwk) < RSA_BITS_MIN:
            raise InputError(f"The RSA key is too short: expected {RSA_BITS_MIN} bits or more.")
        key = key_class.import_key({str(name): value for name, value in jwk.items()})
    except UNREADABLE as error:
        raise InputError("The key cannot be read: expected a JSON Web Key (RFC 7517).") from error
    if isinstance(key, ECKey) and key.curve_name != CURVE:
        raise InputError(f"Expected an EC key on {CURVE}, got another curve.")
    return key


def public_jwk(pem: bytes) -> dict[str, Any]:
    """A public key in PEM as a JSON Web Key.

    Raises:
        InputError: it is none of a kind that is taken.
    """
    for key_class in _KEY_CLASSES.values():
        try:
            return dict(key_class.import_key(pem).as_dict(private=False))
        except UNREADABLE:
            continue
    raise InputError("The key cannot be read: expected a public key of type EC or RSA in PEM.")


def _modulus_bits(jwk: Mapping[str, Any]) -> int:
    """Before the key is imported: the library takes a short one and warns."""
    return int.from_bytes(_base64url(str(jwk.get("n")))).bit_length()


def _base64url(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _json_part(token: str, n: int) -> dict[str, Any]:
    parts = token.split(".") if len(token) <= TOKEN_MAX_CHARS else []
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        raise NotAuthenticated("This is no signed token in compact form.")
    try:
        found = json.loads(_base64url(parts[n]))
    except UNREADABLE as error:
        raise NotAuthenticated("The token cannot be read.") from error
    if not isinstance(found, dict):
        raise NotAuthenticated("The token cannot be read.")
    return found
