"""The vault's own keys by version: what is active seals and indexes, all others still open and find.

Which version is active stands in the database (`storage.key_state`), so that all processes agree: a key
that is in the file and not active yet is only waiting. A process reads a changed file within a second.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from storage.envelope.sealing import DataKey, unwrapped, version_of, wrapped_by
from storage.envelope.suites import KEY_BYTES, Suite, mac
from vault.errors import InputError, IntegrityError, Unavailable

VERSION_MAX = 0xC1  # what stands behind it in a header is the format's own mark
# How old this process's knowledge of the key ring's file may get.
REREAD_AFTER_S = 1.0
# An operator has to do something before it helps to try again.
DISTRIBUTION_S = 60


@dataclass(frozen=True, slots=True)
class RingKey:
    """One of the vault's own keys: 32 bytes of key material, and the suite that it serves."""

    key: bytes = field(repr=False)
    suite: Suite = Suite.AES


@dataclass(frozen=True, slots=True)
class RingKeys:
    """What a key ring's file holds, by version.

    Raises:
        InputError: there is no key, a key is not of 32 bytes, or a version is out of range.
    """

    index: Mapping[int, RingKey] = field(repr=False)
    wrapping: Mapping[int, RingKey] = field(repr=False)

    def __post_init__(self) -> None:
        for keys in (self.index, self.wrapping):
            if not keys or any(len(key.key) != KEY_BYTES for key in keys.values()):
                raise InputError(f"A key ring needs keys of {KEY_BYTES} bytes for index and wrapping.")
            if not all(0 < version <= VERSION_MAX for version in keys):
                raise InputError(f"A key ring's versions are numbers from 1 to {VERSION_MAX}.")


@dataclass(frozen=True, slots=True)
class RingSource:
    """The file of a key ring and how to read it."""

    path: Path
    read: Callable[[Path], RingKeys]

    def stamp(self) -> tuple[int, int, int] | None:
        """What changes with the file; None while it is not there."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


class KeyRing:
    """The vault's own keys of this process. Thread-safe: each state is replaced as a whole."""

    def __init__(self, keys: RingKeys, source: RingSource | None = None) -> None:
        self._keys = keys
        self._source = source
        self._stamp = None if source is None else source.stamp()
        self._looked_at = monotonic()
        # Until the database says otherwise: the newest.
        self._active = (max(keys.index), max(keys.wrapping))

    @property
    def path(self) -> Path:
        """The key ring's file.

        Raises:
            InputError: this ring has none.
        """
        if self._source is None:
            raise InputError("This key ring was not read from a file.")
        return self._source.path

    @property
    def keys(self) -> RingKeys:
        """Every key, as the file has them now."""
        self._refresh()
        return self._keys

    @property
    def index_version(self) -> int:
        """The version that new indexes are of."""
        return self._active[0]

    @property
    def wrapping_version(self) -> int:
        """The version that new data keys are wrapped by."""
        return self._active[1]

    @property
    def suite(self) -> Suite:
        """What is sealed from now on is sealed in the suite of the active wrapping key."""
        return self._keys.wrapping[self._active[1]].suite

    @property
    def index_versions(self) -> list[int]:
        """Every index version that this process finds by."""
        return sorted(self.keys.index)

    def take_up(self, index_version: int, wrapping_version: int) -> None:
        """Makes these versions the active ones.

        Raises:
            Unavailable: one is not in the ring; an operator has to distribute its file.
        """
        if (index_version, wrapping_version) == self._active:
            return
        if not self._has(index_version, wrapping_version):
            self.reread()
        if not self._has(index_version, wrapping_version):
            raise Unavailable(
                f"The database uses index key {index_version} and wrapping key {wrapping_version}, and this "
                "process's key ring does not have both: distribute keys.json.",
                retry_after_s=DISTRIBUTION_S,
            )
        self._active = (index_version, wrapping_version)

    def index(self, purpose: str, text: str) -> bytes:
        """The 32-byte blind index of `text` to be written; `purpose` keeps equal texts of two columns apart.

        Its version is `index_version`. To find rows, use `indexes`.
        """
        return self.index_of(self._active[0], purpose, text)

    def indexes(self, purpose: str, text: str) -> tuple[bytes, ...]:
        """The blind indexes under which rows with `text` may stand, the active one first."""
        keys, active = self.keys.index, self._active[0]
        return tuple(
            self.index_of(version, purpose, text) for version in sorted(keys, key=lambda v: v != active)
        )

    def index_of(self, version: int, purpose: str, text: str) -> bytes:
        """The blind index under one version of the index key."""
        ring_key = self._keys.index[version]
        return mac(ring_key.suite, ring_key.key, purpose.encode() + b"\x00" + text.encode())

    def new_data_key(self, where: str) -> DataKey:
        """A fresh data key for the row named by `where`, wrapped by the vault's own key."""
        return self.rewrapped(self.new_record_key(), where)

    def new_record_key(self) -> DataKey:
        """A fresh data key that holders' keys will wrap."""
        return self.record_key(secrets.token_bytes(KEY_BYTES))

    def record_key(self, key: bytes) -> DataKey:
        """A data key from the bytes that some envelope kept."""
        return DataKey(key, suite=self.suite)

    def rewrapped(self, data_key: DataKey, where: str) -> DataKey:
        """The same data key wrapped by the active wrapping key."""
        version = self._active[1]
        ring_key = self._keys.wrapping[version]
        wrapped = wrapped_by(ring_key.suite, ring_key.key, version, data_key.key, where)
        return DataKey(data_key.key, wrapped, ring_key.suite)

    def data_key(self, wrapped: bytes, where: str) -> DataKey:
        """Unwraps a row's data key.

        Raises:
            IntegrityError: the wrapped key is not of this row or was altered, or its key is missing.
        """
        version = version_of(wrapped)
        if version not in self._keys.wrapping:
            self.reread()
        ring_key = self._keys.wrapping.get(version)
        if ring_key is None:
            raise IntegrityError(f"Wrapping key version {version} is not in the key ring.")
        return DataKey(unwrapped(ring_key.key, wrapped, where), wrapped, self.suite)

    def _has(self, index_version: int, wrapping_version: int) -> bool:
        return index_version in self._keys.index and wrapping_version in self._keys.wrapping

    def look_again(self) -> None:
        """Takes up a changed file at once; everything else looks for one once a second."""
        if self._source is not None and self._source.stamp() != self._stamp:
            self.reread()

    def _refresh(self) -> None:
        if self._source is not None and monotonic() - self._looked_at > REREAD_AFTER_S:
            self._looked_at = monotonic()
            if self._source.stamp() != self._stamp:
                self.reread()

    def reread(self) -> None:
        """Takes up a changed file. One that cannot be read, or gives a version another key, changes nothing.

        Where the active versions were retired meanwhile, the newest take their place; the database says
        which it is before anything is written.
        """
        if self._source is None:
            return
        stamp = self._source.stamp()
        try:
            keys = self._source.read(self._source.path)
        except (InputError, OSError):
            return
        if not (_agree(self._keys.index, keys.index) and _agree(self._keys.wrapping, keys.wrapping)):
            return
        index, wrapping = self._active
        self._active = (
            index if index in keys.index else max(keys.index),
            wrapping if wrapping in keys.wrapping else max(keys.wrapping),
        )
        self._keys, self._stamp = keys, stamp


def _agree(before: Mapping[int, RingKey], after: Mapping[int, RingKey]) -> bool:
    return all(after[version] == key for version, key in before.items() if version in after)
