"""Checkpoints (C2SP tlog-checkpoint): origin, size and root, as the text of a note."""

import base64
import re
from dataclasses import dataclass

from vault.errors import InputError
from vault.tlog.merkle import HASH_BYTES, SIZE_MAX
from vault.tlog.note import strict_base64

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES_MIN = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head. `extensions`: further lines, which this vault's own checkpoints never have."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """A checkpoint from a note's text.

    Raises:
        InputError: it is none.
    """
    lines = text.split("\n")
    if lines.pop() or len(lines) < _LINES_MIN or not all(lines):
        raise InputError("Expected a checkpoint: origin, size and root, a line each.")
    origin, size, root, *extensions = lines
    digest = strict_base64(root)
    if len(digest) != HASH_BYTES:
        raise InputError(f"Expected a root of {HASH_BYTES} bytes, got {len(digest)}.")
    return Checkpoint(origin, parse_decimal(size), digest, tuple(extensions))


def parse_decimal(text: str) -> int:
    """A number without leading zeros, below 2^63.

    Raises:
        InputError: it is none.
    """
    if _DECIMAL.fullmatch(text) is None or int(text) > SIZE_MAX:
        raise InputError("Expected a decimal number without leading zeros.")
    return int(text)
