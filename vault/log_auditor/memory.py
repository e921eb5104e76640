"""What an auditor keeps of a log between two looks: for each shard the tree as it was, and when that was."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vault.errors import InputError, SignatureError
from vault.log import moment
from vault.tlog.merkle import GrowingTree

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Seen:
    """A shard as it was at `at`. `peaks`: what the tree is continued from; `note`: the evidence.

    `newest_at`: the latest time that any of its leaves claims.
    """

    size: int
    root: bytes
    peaks: tuple[bytes, ...]
    note: str
    at: datetime
    newest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Memory:
    """Every shard that was seen and found well, by origin."""

    shards: Mapping[str, Seen] = field(default_factory=dict)

    def encode(self) -> str:
        """The memory as JSON text."""
        return json.dumps(
            {
                "format": FORMAT,
                "shards": {
                    origin: {
                        "size": seen.size,
                        "root": seen.root.hex(),
                        "peaks": [peak.hex() for peak in seen.peaks],
                        "note": seen.note,
                        "at": moment(seen.at),
                        "newest_at": None if seen.newest_at is None else moment(seen.newest_at),
                    }
                    for origin, seen in sorted(self.shards.items())
                },
            },
            ensure_ascii=False,
            indent=2,
        )


def parse_memory(text: str) -> Memory:
    """A memory that `encode` wrote.

    Raises:
        InputError: it is none, or its parts contradict each other.
    """
    try:
        document = json.loads(text)
        if document["format"] != FORMAT:
            raise InputError(f"Expected a memory of format {FORMAT}, got another.")
        return Memory({str(origin): _seen(each) for origin, each in document["shards"].items()})
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError("The file is not what `certvault log verify` keeps of a log.") from error


def _seen(kept: Mapping[str, Any]) -> Seen:
    peaks = tuple(bytes.fromhex(peak) for peak in kept["peaks"])
    seen = Seen(
        int(kept["size"]),
        bytes.fromhex(kept["root"]),
        peaks,
        str(kept["note"]),
        datetime.fromisoformat(kept["at"]),
        None if kept["newest_at"] is None else datetime.fromisoformat(kept["newest_at"]),
    )
    try:
        tree = GrowingTree(seen.size, peaks)
    except SignatureError as error:
        raise InputError(error.detail) from error
    if tree.root != seen.root:
        raise InputError("The file's tree does not have the root that it says.")
    return seen
