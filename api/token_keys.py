"""The keys that sign access tokens: several files in the secrets folder, the same for every process.

`token.key.pem` is the first one; `token.20261122T223000Z.key.pem` signs from that time on. Which key signs
and which are published follows from the names and the clock alone, so that no process needs to be told: a key
is published as soon as its file is there, signs from the time in its name, and stays published until the last
token that it signed has ended.
"""

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Lock

from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from vault.errors import Conflict, InputError

ALGORITHM = "ES256"
CURVE = "P-256"
# What docs and the command promise: a running process works with a new file after this time at the latest.
RELOAD_AFTER = timedelta(seconds=10)
# A new key is published so long before it signs: longer than every process and every cache needs to see it.
LEAD = timedelta(minutes=10)
PRIVATE_FILE = 0o600

_NAME = re.compile(r"token(?:\.(\d{8}T\d{6}Z))?\.key\.pem")
_TIME = "%Y%m%dT%H%M%SZ"
_FIRST = datetime.min.replace(tzinfo=UTC)
_log = logging.getLogger("certvault.api")


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key and from when on it signs. `kid`: its thumbprint (RFC 7638)."""

    path: Path
    signs_from: datetime
    kid: str
    key: ECKey = field(repr=False)


@dataclass(slots=True)
class TokenKeys:
    """The keys of a folder, looked at again every `RELOAD_AFTER`. Thread-safe.

    `outlive`: how long after a key's last signature its tokens may still be shown.
    """

    folder: Path
    outlive: timedelta
    _keys: tuple[TokenKey, ...] = ()
    _read_at: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    def signing(self, at: datetime) -> TokenKey:
        """The key that signs now.

        Raises:
            InputError: the folder had no key from the start.
        """
        return next(key for key in reversed(self._current(at)) if key.signs_from <= at)

    def published(self, at: datetime) -> tuple[TokenKey, ...]:
        """The keys that check tokens now: those to come, the one that signs, those whose tokens still count.

        Raises:
            InputError: the folder had no key from the start.
        """
        keys = self._current(at)
        last = len(keys) - 1
        return tuple(
            key for n, key in enumerate(keys) if n == last or keys[n + 1].signs_from + self.outlive > at
        )

    def _current(self, at: datetime) -> tuple[TokenKey, ...]:
        with self._lock:
            if self._read_at is None or abs(at - self._read_at) >= RELOAD_AFTER:
                try:
                    self._keys = read_token_keys(self.folder)
                except InputError as error:
                    if not self._keys:
                        raise
                    # Tokens go on with what is known; a folder in the middle of a change mends itself.
                    _log.error("The token keys cannot be read again: %s", error.detail)
                self._read_at = at
            return self._keys


def read_token_keys(folder: Path) -> tuple[TokenKey, ...]:
    """Every key in this folder, the first to sign first.

    Raises:
        InputError: there is none that signs already, or one cannot be read.
    """
    found = []
    try:
        for path in folder.iterdir():
            match = _NAME.fullmatch(path.name)
            if match is None:
                continue
            since = _FIRST if match[1] is None else datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
            key = ECKey.import_key(path.read_text(encoding="ascii"))
            if key.curve_name != CURVE or not key.is_private:
                raise InputError(f"{path} is no private key on {CURVE}.")
            found.append(TokenKey(path, since, key.thumbprint(), key))
    except OSError as error:
        raise InputError(f"{error.filename} is not readable: {error.strerror}.") from error
    except (JoseError, ValueError, TypeError) as error:
        raise InputError(f"A token key in {folder} cannot be read: expected an EC key in PEM.") from error
    if not found:
        raise InputError(f"There is no token key in {folder}: expected token.key.pem.")
    return tuple(sorted(found, key=lambda key: key.signs_from))


@dataclass(frozen=True, slots=True)
class Rotated:
    """A new key and the files that are gone because their last token has ended."""

    kid: str
    signs_from: datetime
    removed: tuple[str, ...]


def rotate(folder: Path, *, outlive: timedelta, at_once: bool, at: datetime) -> Rotated:
    """Makes a new key beside the others, and removes those whose last token has ended.

    It signs after `LEAD`. `at_once`, for keys that others may have: it signs from now on, and every older
    file is removed, so that tokens which they signed are refused within `RELOAD_AFTER`.

    Raises:
        Conflict: a key that does not sign yet is there already.
        InputError: the folder cannot be read or written.
    """
    keys = read_token_keys(folder)
    waiting = [key for key in keys if key.signs_from > at]
    if waiting and not at_once:
        raise Conflict(f"A new key is published already and signs from {waiting[0].signs_from:{_TIME}} on.")
    signs_from = (at if at_once else at + LEAD).astimezone(UTC).replace(microsecond=0)
    key = ECKey.generate_key(CURVE)
    path = folder / f"token.{signs_from:{_TIME}}.key.pem"
    try:
        _write(path, key.as_pem(private=True))
        old = keys if at_once else _ended(keys, outlive, at)
        for each in old:
            if each.path != path:
                each.path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{error.filename} cannot be written: {error.strerror}.") from error
    return Rotated(key.thumbprint(), signs_from, tuple(each.path.name for each in old))


def _ended(keys: Sequence[TokenKey], outlive: timedelta, at: datetime) -> tuple[TokenKey, ...]:
    return tuple(key for key, after in pairwise(keys) if after.signs_from + outlive <= at)


def _write(path: Path, content: bytes) -> None:
    """Under another name first: a process that looks just now never reads half a key."""
    draft = path.with_suffix(".draft")
    draft.touch(mode=PRIVATE_FILE)
    draft.write_bytes(content)
    draft.rename(path)
