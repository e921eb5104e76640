"""The keys that sign offline statements: files in a folder, the same for every process.

`20261123T082300Z.key.pem` signs from that time on, encrypted as seals' keys are. A key that has done its work
leaves `….pub.pem` behind, one that others may have `….revoked-20270101T000000Z.pub.pem`: paper that it signed
is shown for decades. Which key signs and until when follows from the names and the clock alone, so that no
process needs to be told.
"""

import logging
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Lock

from signing.statement_key import (
    StatementKey,
    StatementPublicKey,
    new_statement_key,
    read_statement_key,
    read_statement_public_key,
)
from signing.trust_list import ListedKey
from vault.errors import Conflict, InputError, Unavailable

# A running process works with a new file after this time at the latest.
RELOAD_AFTER = timedelta(seconds=10)
# A new key stands in the trust list so long before it signs: as long as a list may be old (signing.offline).
LEAD = timedelta(days=30)
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700

_NAME = re.compile(
    r"(?P<from>\d{8}T\d{6}Z)(?:\.(?P<key>key)|(?:\.revoked-(?P<revoked>\d{8}T\d{6}Z))?\.pub)\.pem"
)
_TIME = "%Y%m%dT%H%M%SZ"
_log = logging.getLogger("certvault.statements")


@dataclass(frozen=True, slots=True)
class _File:
    """One key: when it signs, and its private half where it has one still."""

    path: Path
    signs_from: datetime
    revoked_at: datetime | None
    public: StatementPublicKey
    key: StatementKey | None = field(repr=False)


class StatementRing:
    """The keys of a folder, looked at again every `RELOAD_AFTER`. Thread-safe."""

    def __init__(self, folder: Path, passphrase: bytes) -> None:
        self._folder = folder
        self._passphrase = passphrase
        self._files: tuple[_File, ...] = ()
        self._read_at: datetime | None = None
        self._lock = Lock()

    def signing(self, at: datetime) -> StatementKey | None:
        """The key that signs now; None where the vault has none: its QR codes hold an address only then.

        Raises:
            Unavailable: the folder could not be read from the start; the log says which file.
        """
        begun = [f.key for f in self._current(at) if f.signs_from <= at and f.revoked_at is None]
        return begun[-1] if begun else None

    def listed(self, at: datetime) -> tuple[ListedKey, ...]:
        """Every key that ever signed or is to, oldest first.

        Raises:
            Unavailable: as `signing`.
        """
        files = self._current(at)
        begins = [file.signs_from for file in files if file.revoked_at is None]
        return tuple(
            ListedKey(
                file.public,
                # One that was revoked while it waited never signed.
                file.signs_from if file.revoked_at is None else min(file.signs_from, file.revoked_at),
                file.revoked_at or next((begin for begin in begins if begin > file.signs_from), None),
                file.revoked_at,
            )
            for file in files
        )

    def _current(self, at: datetime) -> tuple[_File, ...]:
        with self._lock:
            if self._read_at is None or abs(at - self._read_at) >= RELOAD_AFTER:
                try:
                    self._files = _read(self._folder, self._passphrase, self._files)
                except InputError as error:
                    _log.error("The statement keys cannot be read: %s", error.detail)
                    if not self._files:
                        # Whoever asks has done nothing wrong, and need not know where our files are.
                        raise Unavailable("The keys of offline statements cannot be read now.") from error
                    # Goes on with what is known; a folder in the middle of a change mends itself.
                self._read_at = at
            return self._files


@dataclass(frozen=True, slots=True)
class NewStatementKey:
    """A key that was made, and the files of those that have ended."""

    kid: str
    signs_from: datetime
    ended: tuple[str, ...]


def found_statement_key(folder: Path, passphrase: bytes, *, at: datetime) -> bool:
    """Makes the first key of a vault; False where it has one.

    Raises:
        InputError: the folder cannot be read or written.
    """
    if folder.is_dir() and _read(folder, passphrase, ()):
        return False
    try:
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(error) from error
    _make(folder, passphrase, _seconds(at))
    return True


def rotate_statement_key(folder: Path, passphrase: bytes, *, at_once: bool, at: datetime) -> NewStatementKey:
    """Makes a new key beside the others; of those that sign no more only the public half is kept.

    It signs after `LEAD`. `at_once`, for keys that others may have: it signs from now on, and nothing is
    believed any more that the older ones signed.

    Raises:
        Conflict: a key that does not sign yet is there already.
        InputError: the folder cannot be read or written.
    """
    files = _read(folder, passphrase, ())
    waiting = [file for file in files if file.signs_from > at]
    if waiting and not at_once:
        raise Conflict(f"A new key is listed already and signs from {waiting[0].signs_from:{_TIME}} on.")
    signs_from = _seconds(at if at_once or not files else at + LEAD)
    if any(file.signs_from == signs_from for file in files):
        raise Conflict("A key that signs from this second on is there: try again.")
    made = _make(folder, passphrase, signs_from)
    if at_once:
        ended = [replace(file, revoked_at=signs_from) for file in files if file.revoked_at is None]
    else:
        ended = [file for file, after in pairwise(files) if after.signs_from <= at and file.key is not None]
    for file in ended:
        _end(file)
    _sweep(folder, files)
    return NewStatementKey(made.public.kid.hex(), signs_from, tuple(file.path.name for file in ended))


def statement_key_files(folder: Path) -> tuple[Path, ...]:
    """The files that hold a private key."""
    return tuple(sorted(folder.glob("*.key.pem"))) if folder.is_dir() else ()


def _read(folder: Path, passphrase: bytes, known: Sequence[_File]) -> tuple[_File, ...]:
    """Every key in the folder, the oldest first. What was opened before is not decrypted again.

    A key that is there twice was being ended: its public half counts. Keys never all go: a folder without any
    where some are known is not the vault's (a mount that is away), and no list without them may be signed.

    Raises:
        InputError: the folder or a file in it cannot be read, or holds no key while some are known.
    """
    opened = {file.path: file for file in known}
    found: dict[datetime, _File] = {}
    try:
        names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        for name in names:  # `.key` comes before `.pub` and `.revoked`
            match = _NAME.fullmatch(name)
            if match is not None:
                path = folder / name
                file = opened.get(path) or _open(path, match, passphrase)
                found[file.signs_from] = file
    except OSError as error:
        raise InputError(f"{error.filename} is not readable: {error.strerror}.") from error
    if known and not found:
        raise InputError(f"{folder} holds no statement key any more.")
    return tuple(found[since] for since in sorted(found))


def _open(path: Path, match: re.Match[str], passphrase: bytes) -> _File:
    since = _named_time(path, match["from"])
    revoked_at = None if match["revoked"] is None else _named_time(path, match["revoked"])
    key = read_statement_key(path.read_bytes(), passphrase) if match["key"] else None
    public = read_statement_public_key(path.read_bytes()) if key is None else key.public
    return _File(path, since, revoked_at, public, key)


def _named_time(path: Path, text: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError as error:
        raise InputError(f"{path} names no time: expected one such as 20261123T082300Z.") from error


def _make(folder: Path, passphrase: bytes, signs_from: datetime) -> StatementKey:
    pem = new_statement_key(passphrase)
    _write(folder / f"{signs_from:{_TIME}}.key.pem", pem)
    return read_statement_key(pem, passphrase)


def _end(file: _File) -> None:
    """Leaves the public half only, under the name that says what became of the key."""
    revoked = "" if file.revoked_at is None else f".revoked-{file.revoked_at:{_TIME}}"
    kept = file.path.with_name(f"{file.signs_from:{_TIME}}{revoked}.pub.pem")
    _write(kept, file.public.pem())
    if kept != file.path:
        _remove(file.path)


def _sweep(folder: Path, files: Sequence[_File]) -> None:
    """Takes away private halves that a crash left beside their public ones."""
    for file in files:
        if file.key is None:
            _remove(folder / f"{file.signs_from:{_TIME}}.key.pem")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(error) from error


def _write(path: Path, content: bytes) -> None:
    """Under another name first: a process that looks just now never reads half a key.

    When it returns the disk has it: what it replaces may be removed.
    """
    draft = path.with_suffix(".draft")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise _unwritable(error) from error


def _seconds(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)


def _unwritable(error: OSError) -> InputError:
    return InputError(f"{error.filename} cannot be written: {error.strerror}.")
