"""Signing and checking the log's notes: checkpoints by the log's key, cosignatures by its witnesses' keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signing.log_key import LogKey, check_log_signature
from vault.errors import SignatureError
from vault.tlog.checkpoint import Checkpoint, parse_checkpoint
from vault.tlog.note import (
    COSIGNATURE_V1,
    ED25519,
    Note,
    NoteSignature,
    VerifierKey,
    key_named,
    parse_note,
)

_TIMESTAMP_BYTES = 8
_SIGNATURE_BYTES = 64
# datetime ends with the year 9999; C2SP tlog-cosignature allows 2^63 - 1.
_TIMESTAMP_MAX = 253402300799


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A witness's statement that it saw this checkpoint at this time, as the newest of its log."""

    witness: str
    at: datetime
    signature: NoteSignature


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint whose log's signature holds, the note that it came in, and the cosignatures that hold."""

    checkpoint: Checkpoint
    note: Note
    cosignatures: tuple[Cosignature, ...] = ()


def verifier_key(key: LogKey, name: str) -> VerifierKey:
    """The key that checks what `key` signs under this name."""
    return VerifierKey(name, ED25519, key.public)


def sign_checkpoint(key: LogKey, checkpoint: Checkpoint) -> Note:
    """The checkpoint as a note, signed by the log under its origin's name. The same input, the same bytes."""
    named = verifier_key(key, checkpoint.origin)
    return Note(
        checkpoint.text,
        (NoteSignature(named.name, named.key_id, key.sign_bytes(checkpoint.text.encode())),),
    )


def open_checkpoint(
    content: bytes, key: VerifierKey, *, witnesses: Sequence[VerifierKey] = ()
) -> SignedCheckpoint:
    """A checkpoint from a note that this log key must have signed.

    Of other signatures only those of `witnesses` are looked at, and they must hold.

    Raises:
        InputError: the content is no note with a checkpoint in it.
        SignatureError: the log's signature is missing or does not hold, or a witness's does not hold.
    """
    note = parse_note(content)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != key.name:
        raise SignatureError("The checkpoint is of another log.", reason="log-origin")
    own = [signature for signature in note.signatures if key.made(signature)]
    if not own:
        raise SignatureError("The checkpoint is not signed by the log's key.", reason="log-signature")
    for signature in own:
        check_log_signature(key.public, note.text.encode(), signature.signature)
    cosigned = [
        read_cosignature(note.text, signature, witnesses)
        for signature in note.signatures
        if key_named(witnesses, signature) is not None
    ]
    return SignedCheckpoint(checkpoint, note, tuple(cosigned))


def read_cosignature(text: str, signature: NoteSignature, witnesses: Sequence[VerifierKey]) -> Cosignature:
    """A cosignature/v1 (C2SP tlog-cosignature) on a checkpoint's text, by one of these witnesses.

    Raises:
        SignatureError: it is of none of them, malformed, or does not hold.
    """
    witness = key_named(witnesses, signature)
    if witness is None or witness.kind != COSIGNATURE_V1:
        raise SignatureError("The cosignature is of no witness that is known.", reason="log-witness")
    if len(signature.signature) != _TIMESTAMP_BYTES + _SIGNATURE_BYTES:
        raise SignatureError("A cosignature has 72 bytes.", reason="log-witness")
    seconds = int.from_bytes(signature.signature[:_TIMESTAMP_BYTES], "big")
    if seconds > _TIMESTAMP_MAX:
        raise SignatureError("The cosignature's time lies beyond all years.", reason="log-witness")
    message = cosigned_message(text, seconds)
    check_log_signature(witness.public, message, signature.signature[_TIMESTAMP_BYTES:])
    return Cosignature(witness.name, datetime.fromtimestamp(seconds, UTC), signature)


def cosigned_message(text: str, seconds: int) -> bytes:
    """What a witness signs: a header line, its time in POSIX seconds, and the checkpoint's text."""
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()
