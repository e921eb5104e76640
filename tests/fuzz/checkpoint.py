"""A log's checkpoint as a stranger serves it: opened with the log's key and a witness's."""

from contextlib import suppress

from signing.log_note import cosigned_message, open_checkpoint, sign_checkpoint, verifier_key
from tests.signing.statements import log_key
from vault.errors import InputError, SignatureError
from vault.tlog.checkpoint import Checkpoint, parse_checkpoint
from vault.tlog.note import COSIGNATURE_V1, Note, NoteSignature, VerifierKey

ORIGIN = "vault.example/v1/log/2026"
KEY, WITNESS = log_key(), log_key()
NAMED = verifier_key(KEY, ORIGIN)
WITNESSES = (VerifierKey("witness.example/w1", COSIGNATURE_V1, WITNESS.public),)


def _cosigned(note: Note, seconds: int) -> Note:
    named = WITNESSES[0]
    signature = WITNESS.sign_bytes(cosigned_message(note.text, seconds))
    line = NoteSignature(named.name, named.key_id, seconds.to_bytes(8, "big") + signature)
    return Note(note.text, (*note.signatures, line))


_SIZES = (0, 1, 2**63 - 1)
_SIGNED = tuple(sign_checkpoint(KEY, Checkpoint(ORIGIN, size, bytes(range(32)))) for size in _SIZES)
SEEDS = (
    *(note.encode() for note in _SIGNED),
    *(_cosigned(note, 1_790_000_000).encode() for note in _SIGNED),
    *(note.text.encode() for note in _SIGNED),
)


def one(data: bytes) -> None:
    """What the log's key has not signed is refused; what is read is written the same."""
    with suppress(InputError, UnicodeDecodeError):
        text = data.decode()
        assert parse_checkpoint(text).text == text
    try:
        opened = open_checkpoint(data, NAMED, witnesses=WITNESSES)
    except (InputError, SignatureError):
        return
    assert opened.note.text in {note.text for note in _SIGNED}
    assert all(each.witness == WITNESSES[0].name for each in opened.cosignatures)
