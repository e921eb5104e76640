"""The trust list: which keys sign a vault's statements, and when, as a note signed by the log's key.

    vault.example/v1/statement-keys
    {"keys":[…],"made_at":"2026-11-23T08:00:00Z","vault":"https://vault.example","version":1}

    — vault.example/v1/statement-keys …

Whoever follows the log has its key already; the name keeps the list and the log's checkpoints apart.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from signing.log_key import LogKey, check_log_signature
from signing.statement_key import COORDINATE_BYTES, StatementPublicKey
from vault.errors import InputError, SignatureError
from vault.model.canonical import JsonValue, canonical_json
from vault.tlog.note import ED25519, Note, NoteSignature, VerifierKey, parse_note

TRUST_LIST_PATH = "/v1/statement-keys"
VERSION = 1
# A vault that changes its key every month for a hundred years has fewer.
KEYS_MAX = 1200
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_MEMBERS = frozenset({"keys", "made_at", "vault", "version"})


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key and the time in which it signs; `signs_until` None: for now without end.

    `revoked_at`: from when on nothing is believed that it signed, however old it says it is.
    """

    public: StatementPublicKey
    signs_from: datetime
    signs_until: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrustList:
    """The keys of a vault, oldest first, as of `made_at`. `vault`: its address, where its QR codes lead."""

    vault: str
    made_at: datetime
    keys: tuple[ListedKey, ...]

    def key(self, kid: bytes) -> ListedKey | None:
        """The key of this name; None where the list has none."""
        return next((key for key in self.keys if key.public.kid == kid), None)


def write_trust_list(trust: TrustList, key: LogKey) -> bytes:
    """The list as a note that the log's key has signed."""
    named = _verifier_key(trust.vault, key.public)
    shown: dict[str, JsonValue] = {
        "version": VERSION,
        "vault": trust.vault,
        "made_at": trust.made_at.astimezone(UTC).strftime(_TIME),
        "keys": [_key_json(each) for each in trust.keys],
    }
    text = f"{named.name}\n{canonical_json(shown).decode()}\n"
    signature = NoteSignature(named.name, named.key_id, key.sign_bytes(text.encode()))
    return Note(text, (signature,)).encode()


def read_trust_list(content: bytes, *, log_key: bytes | None = None) -> TrustList:
    """The list in a note. `log_key`: the log's public key, 32 bytes, that must have signed it.

    Without one nothing is proved: the list is as good as the way on which it came.

    Raises:
        InputError: the content is no such list.
        SignatureError: the log's key has not signed it.
    """
    note = parse_note(content)
    name, _, body = note.text.partition("\n")
    trust = _trust_list(body)
    if name != _name(trust.vault):
        raise InputError("The trust list is of another vault than it says.")
    if log_key is not None:
        named = _verifier_key(trust.vault, log_key)
        own = [signature for signature in note.signatures if named.made(signature)]
        if not own:
            raise SignatureError("The trust list is not signed by this log's key.", reason="trust-list")
        for signature in own:
            check_log_signature(log_key, note.text.encode(), signature.signature)
    return trust


def _trust_list(body: str) -> TrustList:
    try:
        shown = json.loads(body)
    except (ValueError, RecursionError):
        raise InputError("Expected a trust list: a name, and one line of JSON.") from None
    if not isinstance(shown, dict) or shown.keys() != _MEMBERS or shown["version"] != VERSION:
        raise InputError(f"Expected a trust list of version {VERSION}.")
    keys, vault = shown["keys"], shown["vault"]
    if not isinstance(keys, list) or len(keys) > KEYS_MAX or not isinstance(vault, str):
        raise InputError(f"Expected a vault and at most {KEYS_MAX} keys in the trust list.")
    return TrustList(vault, _moment(shown["made_at"]), tuple(_key(each) for each in keys))


def _key_json(key: ListedKey) -> dict[str, str | None]:
    return {
        "kid": key.public.kid.hex(),
        "alg": "ES256",
        "x": base64.urlsafe_b64encode(key.public.x).rstrip(b"=").decode(),
        "y": base64.urlsafe_b64encode(key.public.y).rstrip(b"=").decode(),
        "signs_from": key.signs_from.astimezone(UTC).strftime(_TIME),
        "signs_until": None if key.signs_until is None else key.signs_until.astimezone(UTC).strftime(_TIME),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.astimezone(UTC).strftime(_TIME),
    }


def _key(shown: object) -> ListedKey:
    if not isinstance(shown, dict) or shown.get("alg") != "ES256":
        raise InputError("Expected ES256 keys in the trust list.")
    public = StatementPublicKey(_coordinate(shown, "x"), _coordinate(shown, "y"))
    if shown.get("kid") != public.kid.hex():
        raise InputError("A key of the trust list has another name than its own.")
    until, revoked = shown.get("signs_until"), shown.get("revoked_at")
    return ListedKey(
        public,
        _moment(shown.get("signs_from")),
        None if until is None else _moment(until),
        None if revoked is None else _moment(revoked),
    )


def _coordinate(shown: Mapping[str, Any], name: str) -> bytes:
    text = shown.get(name)
    try:
        content = base64.urlsafe_b64decode(text + "=") if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        content = b""
    if len(content) != COORDINATE_BYTES:
        raise InputError(f"Expected {COORDINATE_BYTES} bytes in base64url as a key's {name}.")
    return content


def _moment(text: object) -> datetime:
    try:
        return datetime.strptime(text if isinstance(text, str) else "", _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise InputError("Expected times like 2026-11-23T08:00:00Z in the trust list.") from None


def _name(vault: str) -> str:
    return vault.partition("://")[2] + TRUST_LIST_PATH


def _verifier_key(vault: str, public: bytes) -> VerifierKey:
    return VerifierKey(_name(vault), ED25519, public)
