"""The key ring's file: JSON, a key in base64 for each version, replaced as a whole.

    {"index_keys": {"1": "base64", "2": {"suite": "sm4-gcm", "key": "base64"}}, "wrapping_keys": {…}}

A key without a suite is of the first one.
"""

import base64
import json
import os
import secrets
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from storage.envelope.ring import KeyRing, RingKey, RingKeys, RingSource
from storage.envelope.suites import KEY_BYTES, Suite
from vault.errors import InputError

PRIVATE_FILE = 0o600


def file_key_ring(path: Path) -> KeyRing:
    """The key ring in this file, which the process reads again when it changes.

    Raises:
        InputError: the file holds no key ring.
        OSError: it is not readable.
    """
    return KeyRing(_read(path), RingSource(path, _read))


def read_key_ring(document: str) -> KeyRing:
    """A key ring from its JSON text.

    Raises:
        InputError: the text is no key ring.
    """
    return KeyRing(_parse(document))


def new_key_ring_document(suite: Suite = Suite.AES) -> str:
    """A fresh key ring as the JSON text that `read_key_ring` reads: version 1 of both keys."""
    return _written(RingKeys({1: _fresh(suite)}, {1: _fresh(suite)}))


def add_versions(path: Path, suite: Suite) -> tuple[int, int]:
    """Adds a new index key and a new wrapping key to the file; their versions.

    Raises:
        InputError: the file holds no key ring, or there are too many versions.
        OSError: it cannot be read or written.
    """
    keys = _read(path)
    index, wrapping = max(keys.index) + 1, max(keys.wrapping) + 1
    _replace(
        path,
        RingKeys({**keys.index, index: _fresh(suite)}, {**keys.wrapping, wrapping: _fresh(suite)}),
    )
    return index, wrapping


def drop_versions(path: Path, *, index: Collection[int], wrapping: Collection[int]) -> None:
    """Takes versions out of the file for good.

    Raises:
        InputError: the file holds no key ring, or nothing would be left of it.
        OSError: it cannot be read or written.
    """
    keys = _read(path)
    left = RingKeys(
        {version: key for version, key in keys.index.items() if version not in index},
        {version: key for version, key in keys.wrapping.items() if version not in wrapping},
    )
    _replace(path, left)


def _read(path: Path) -> RingKeys:
    return _parse(path.read_text(encoding="utf-8"))


def _parse(document: str) -> RingKeys:
    try:
        parsed = json.loads(document)
        return RingKeys(_keys(parsed["index_keys"]), _keys(parsed["wrapping_keys"]))
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise InputError(
            "The key ring is not readable: expected index_keys and wrapping_keys by version."
        ) from error


def _keys(entries: Mapping[str, Any]) -> dict[int, RingKey]:
    found = {}
    for version, entry in entries.items():
        text, suite = (entry, Suite.AES) if isinstance(entry, str) else (entry["key"], entry["suite"])
        key = base64.b64decode(text, validate=True)
        found[int(version)] = RingKey(key, suite if isinstance(suite, Suite) else Suite.named(suite))
    return found


def _written(keys: RingKeys) -> str:
    def entry(key: RingKey) -> Any:  # noqa: ANN401 - JSON is what it is
        text = base64.b64encode(key.key).decode()
        return text if key.suite is Suite.AES else {"suite": key.suite.label, "key": text}

    def entries(of: Mapping[int, RingKey]) -> dict[str, Any]:
        return {str(version): entry(key) for version, key in sorted(of.items())}

    return json.dumps({"index_keys": entries(keys.index), "wrapping_keys": entries(keys.wrapping)}, indent=2)


def _replace(path: Path, keys: RingKeys) -> None:
    """Whoever reads sees the old file or the new one; after a crash the disk has one of them whole."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    before = path.stat()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if (before.st_uid, before.st_gid) != (os.getuid(), os.getgid()):
            # An operator's root must not lock the service's own user out.
            os.fchown(descriptor, before.st_uid, before.st_gid)
        file.write(_written(keys))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _fresh(suite: Suite) -> RingKey:
    return RingKey(secrets.token_bytes(KEY_BYTES), suite)
