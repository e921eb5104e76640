"""Proof files (C2SP tlog-proof): that an entry is in the log, checkable without asking anybody."""

import base64
from dataclasses import dataclass

from vault.errors import InputError
from vault.tlog.checkpoint import parse_decimal
from vault.tlog.merkle import HASH_BYTES, PROOF_MAX
from vault.tlog.note import NOTE_MAX_BYTES, strict_base64

HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA, _INDEX = "extra ", "index "
# An entry of the longest kind in base64, 63 hashes and a note.
PROOF_FILE_MAX_BYTES = NOTE_MAX_BYTES + 128 * 1024


@dataclass(frozen=True, slots=True)
class ProofFile:
    """`extra`: the log entry's own bytes, worth nothing before the proof has been checked."""

    extra: bytes
    index: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """The file."""
        lines = [HEADER]
        if self.extra:
            lines.append(_EXTRA + base64.b64encode(self.extra).decode())
        lines.append(f"{_INDEX}{self.index}")
        lines += [base64.b64encode(each).decode() for each in self.proof]
        return ("\n".join(lines) + "\n\n").encode() + self.checkpoint


def parse_proof_file(content: bytes) -> ProofFile:
    """A proof from its file, read strictly; the checkpoint is left as it is.

    Raises:
        InputError: it is none.
    """
    if len(content) > PROOF_FILE_MAX_BYTES:
        raise InputError(f"Expected a proof of at most {PROOF_FILE_MAX_BYTES} bytes, got {len(content)}.")
    head, separator, checkpoint = content.partition(b"\n\n")
    if not separator:
        raise InputError("Expected a proof, an empty line, and a checkpoint.")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise InputError("A proof's first lines are in ASCII.") from None
    if lines.pop(0) != HEADER:
        raise InputError(f"Expected {HEADER} in the first line.")
    extra = b""
    if lines and lines[0].startswith(_EXTRA):
        extra = strict_base64(lines.pop(0).removeprefix(_EXTRA))
    if not lines or not lines[0].startswith(_INDEX):
        raise InputError("Expected the entry's index.")
    index = parse_decimal(lines.pop(0).removeprefix(_INDEX))
    proof = tuple(strict_base64(line) for line in lines)
    if len(proof) > PROOF_MAX or any(len(each) != HASH_BYTES for each in proof):
        raise InputError(f"Expected at most {PROOF_MAX} hashes of {HASH_BYTES} bytes.")
    return ProofFile(extra, index, proof, checkpoint)
