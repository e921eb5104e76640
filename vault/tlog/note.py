"""Signed notes (C2SP signed-note): text, and signatures by named keys; nothing is verified here."""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from vault.errors import InputError

# Sixteen signatures must be taken, and post-quantum ones have up to 5 kB.
NOTE_MAX_BYTES = 128 * 1024
SIGNATURES_MAX = 32
KEY_ID_BYTES = 4
ED25519 = 0x01
"""Signature type: Ed25519 over the note's text."""
COSIGNATURE_V1 = 0x04
"""Signature type: a witness's timestamped Ed25519 cosignature (C2SP tlog-cosignature)."""
PUBLIC_KEY_BYTES = 32
_DASH = "\N{EM DASH} "
_VERIFIER_KEY = re.compile(r"(?P<name>[^+\s]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)")


@dataclass(frozen=True, slots=True)
class NoteSignature:
    """One signature line: whose key (name and id), and the bytes that the key's algorithm made."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line in a note, with its end."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, with the newline that ends it, and the signatures below it, none of them verified."""

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """The note as it is served."""
        return (self.text + "\n" + "".join(signature.line for signature in self.signatures)).encode()


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A key that signatures are checked with. `kind`: the signature type, such as `ED25519`."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first bytes of SHA-256 over name, newline, type and key."""
        material = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(material).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        """The `vkey` form: `name+id+base64(type, key)`."""
        encoded = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.key_id.hex()}+{encoded}"

    def made(self, signature: NoteSignature) -> bool:
        """Whether a signature claims to be this key's: name and id both; that proves nothing yet."""
        return (signature.name, signature.key_id) == (self.name, self.key_id)


def check_key_name(name: str) -> str:
    """The name itself, where it may name a key.

    Raises:
        InputError: it is empty, or holds a space, a plus or a control character.
    """
    if not name or "+" in name or any(c.isspace() or not c.isprintable() for c in name):
        raise InputError("A key's name holds no spaces, no plus and no control characters.")
    return name


def parse_verifier_key(text: str) -> VerifierKey:
    """A key from its `vkey` form.

    Raises:
        InputError: the text is none, the id is not that of name and key, or the type is not known here.
    """
    found = _VERIFIER_KEY.fullmatch(text.strip())
    if found is None:
        raise InputError("Expected a verifier key: name+id+base64.")
    material = strict_base64(found["key"])
    if len(material) != 1 + PUBLIC_KEY_BYTES or material[0] not in {ED25519, COSIGNATURE_V1}:
        raise InputError("Expected a verifier key of type Ed25519 or cosignature/v1.")
    key = VerifierKey(check_key_name(found["name"]), material[0], material[1:])
    if key.key_id.hex() != found["id"]:
        raise InputError("The verifier key's id is not that of its name and key.")
    return key


def parse_note(content: bytes) -> Note:
    """A note from its bytes, read strictly.

    Raises:
        InputError: it is none.
    """
    if len(content) > NOTE_MAX_BYTES:
        raise InputError(f"Expected a note of at most {NOTE_MAX_BYTES} bytes, got {len(content)}.")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise InputError("A note is in UTF-8.") from None
    if any(c < " " and c != "\n" for c in text):
        raise InputError("A note holds no control characters.")
    body, separator, tail = text.rpartition("\n\n")
    if not separator or not tail.endswith("\n"):
        raise InputError("Expected a text, an empty line, and signature lines.")
    return Note(body + "\n", parse_signatures(tail))


def parse_signatures(text: str) -> tuple[NoteSignature, ...]:
    """Signature lines, at least one.

    Raises:
        InputError: a line is none, or there are none or too many.
    """
    lines = text.split("\n")
    if lines.pop() or not 1 <= len(lines) <= SIGNATURES_MAX:
        raise InputError(f"Expected 1 to {SIGNATURES_MAX} signature lines.")
    return tuple(_signature(line) for line in lines)


def strict_base64(text: str) -> bytes:
    """Standard base64 (RFC 4648, 4) in its one canonical form.

    Raises:
        InputError: it is not.
    """
    try:
        decoded = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError("Expected standard base64.") from None
    if base64.b64encode(decoded).decode() != text:
        raise InputError("Expected base64 without stray bits.")
    return decoded


def key_named(keys: Sequence[VerifierKey], signature: NoteSignature) -> VerifierKey | None:
    """The key that a signature claims to be of."""
    return next((key for key in keys if key.made(signature)), None)


def _signature(line: str) -> NoteSignature:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if dash + " " != _DASH:
        raise InputError("A signature line begins with an em dash and a space.")
    material = strict_base64(encoded)
    if len(material) <= KEY_ID_BYTES:
        raise InputError("A signature line holds a key id and a signature.")
    return NoteSignature(check_key_name(name), material[:KEY_ID_BYTES], material[KEY_ID_BYTES:])
