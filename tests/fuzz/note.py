"""Signed notes, their signature lines and verifier keys (C2SP signed-note), as anybody may send them."""

from contextlib import suppress

from tests.fuzz.checkpoint import NAMED, WITNESSES
from tests.fuzz.checkpoint import SEEDS as CHECKPOINTS
from vault.errors import InputError
from vault.tlog.note import parse_note, parse_signatures, parse_verifier_key
from vault.tlog.proof_file import parse_proof_file

SEEDS = (*CHECKPOINTS, str(NAMED).encode(), str(WITNESSES[0]).encode(), NAMED.name.encode())


def one(data: bytes) -> None:
    """A note is refused, or is written as it was read."""
    with suppress(InputError):
        assert parse_note(data).encode() == data
    text = data.decode(errors="replace")
    with suppress(InputError):
        assert "".join(signature.line for signature in parse_signatures(text)) == text
    with suppress(InputError):
        assert str(parse_verifier_key(text)) == text.strip()
    with suppress(InputError):
        parse_proof_file(data)
