"""O1 on names: each is one path inside the package, on every system, and no two are one."""

import re
import unicodedata
from collections.abc import Sequence

from signing.ofd_judge.directory import Entry
from vault.errors import DocumentRefused

NAME_MAX_BYTES = 512  # real ones stay under 60
PARTS_MAX = 32  # folders and the file itself; real ones have four or five: a location is tried in each
_UTF8_NAMES = 0x0800  # general purpose bit 11 (APPNOTE 6.3.10, appendix D)
_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROL_MAX = 0x1F
_DELETE = 0x7F


def folded(name: str) -> str:
    """What is one name to a system that knows no case, and to one that composes letters."""
    if name.isascii():
        return name.lower()
    composed = unicodedata.normalize("NFC", name).casefold()
    return unicodedata.normalize("NFC", composed)


def check_names(entries: Sequence[Entry]) -> None:
    """Refuse a name that leads out of the package, or that readers read differently.

    Raises:
        DocumentRefused: empty, too long, too deep, no UTF-8, or no ASCII without saying that it is UTF-8;
            with a backslash, a control character or NUL; absolute, with a drive, `.`, `..`, an empty part, or
            one that ends in a blank or a dot.
    """
    for entry in entries:
        why = _wrong(entry)
        if why is not None:
            raise DocumentRefused(f"O1: a name in the package {why}: {shown(entry.name)}.")


def check_unique(entries: Sequence[Entry]) -> None:
    """Refuse two entries of one name, after composing and case folding, and a file that is a folder, too.

    Raises:
        DocumentRefused: with the name.
    """
    seen: set[str] = set()
    folders: set[str] = set()
    for entry in entries:
        name = folded(entry.name.removesuffix("/"))
        if name in seen:
            raise DocumentRefused(f"O1: two entries of the package have one name: {shown(entry.name)}.")
        seen.add(name)
        parts = name.split("/")
        folders.update("/".join(parts[:count]) for count in range(1, len(parts)))
    both = folders & {folded(entry.name) for entry in entries if not entry.name.endswith("/")}
    if both:
        raise DocumentRefused(f"O1: an entry of the package is a file and a folder: {shown(min(both))}.")


def _wrong(entry: Entry) -> str | None:
    """What is wrong with a name, in words; None where nothing is."""
    raw = entry.raw_name
    if not 1 <= len(raw) <= NAME_MAX_BYTES:
        return f"has {len(raw)} bytes (1 to {NAME_MAX_BYTES} are taken)"
    if not raw.isascii() and not entry.flags & _UTF8_NAMES:
        return "is not ASCII and does not say that it is UTF-8"
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        return "is no UTF-8"
    parts = name.removesuffix("/").split("/")
    rules = (
        (any(ord(char) <= _CONTROL_MAX or ord(char) == _DELETE for char in name), "has a control character"),
        (len(parts) > PARTS_MAX, f"has {len(parts)} parts (1 to {PARTS_MAX} are taken)"),
        ("\\" in name, "has a backslash"),
        (name.startswith("/") or _DRIVE.match(name), "is absolute"),
        (
            any(part in {"", ".", ".."} or part[-1] in ". " for part in parts),
            "has an empty part, or one of dots, or one that ends in a dot or a blank",
        ),
    )
    return next((why for holds, why in rules if holds), None)


def shown(name: str) -> str:
    """As it may stand in a sentence: cut off, and nothing in it that draws."""
    kept = "".join(char if char.isprintable() else "�" for char in name)
    return kept if len(kept) <= 80 else kept[:80] + "…"  # noqa: PLR2004 - a line's length
