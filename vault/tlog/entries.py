"""Entry bundles (C2SP tlog-tiles): the entries of one tile, each with its length in front."""

from collections.abc import Sequence

from vault.errors import InputError

_LENGTH_BYTES = 2
ENTRY_MAX_BYTES = 2**16 - 1


def bundle(entries: Sequence[bytes]) -> bytes:
    """The entries one after the other, each after its length in two bytes, big-endian.

    Raises:
        InputError: an entry is longer than `ENTRY_MAX_BYTES`.
    """
    if any(len(entry) > ENTRY_MAX_BYTES for entry in entries):
        raise InputError(f"A log entry has at most {ENTRY_MAX_BYTES} bytes.")
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def split_bundle(content: bytes, count: int) -> list[bytes]:
    """The `count` entries of a bundle.

    Raises:
        InputError: it holds more, fewer, or half of one.
    """
    entries, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at : at + _LENGTH_BYTES], "big")
        start = at + _LENGTH_BYTES
        at = start + length
        if start > len(content) or at > len(content):
            raise InputError("An entry bundle ends in the middle of an entry.")
        entries.append(content[start:at])
    if len(entries) != count:
        raise InputError(f"Expected a bundle of {count} entries, got {len(entries)}.")
    return entries
