"""The transparency log's bucket: tiles and entries that are written once, and one checkpoint a shard.

It holds the whole published log under the addresses of C2SP tlog-tiles, so that any web server in front of
the bucket could serve it. Nothing here is secret, and nothing is under object lock: who tampers with it is
found by everybody who has ever seen a checkpoint.
"""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import urllib3
from minio.error import S3Error

from storage.s3 import StoreAddress, client_of, connection_options, translated
from vault.errors import IntegrityError, NotFound, Unavailable

TILE_TYPE = "application/octet-stream"
CHECKPOINT_TYPE = "text/plain; charset=utf-8"
_NEW = {"If-None-Match": "*"}
_NO_CONDITION: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """What the bucket has at an address; `version` names it when it is to be replaced."""

    content: bytes = field(repr=False)
    version: str


class _OnCondition(urllib3.PoolManager):
    """Adds a condition to every PUT, which the client library has no argument for."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - urllib3's own options
        super().__init__(**options)
        self._condition: ContextVar[Mapping[str, str]] = ContextVar("condition", default=_NO_CONDITION)

    @contextmanager
    def only_if(self, condition: Mapping[str, str]) -> Iterator[None]:
        """PUTs of this thread carry these headers while the block runs."""
        token = self._condition.set(condition)
        try:
            yield
        finally:
            self._condition.reset(token)

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override]  # noqa: FBT001, FBT002, ANN401 - urllib3's own signature
        if method == "PUT":
            kw["headers"] = {**(kw.get("headers") or {}), **self._condition.get()}
        return super().urlopen(method, url, redirect=redirect, **kw)


class LogStore:
    """Client of the log's bucket. Thread-safe; connections are pooled."""

    def __init__(self, address: StoreAddress) -> None:
        self._bucket = address.log_bucket
        self._http = _OnCondition(**connection_options())
        self._client = client_of(address, self._http)

    def put_once(self, path: str, content: bytes) -> None:
        """Writes what never changes, and reads it back: a 200 from a store is not durability.

        Raises:
            IntegrityError: other bytes are there.
            Unavailable: the store does not answer, or did not keep what it acknowledged.
        """
        self._put(path, content, TILE_TYPE, _NEW)
        kept = self.read(path)
        if kept is None:
            raise Unavailable(f"The object store did not keep {path} of the log; try again shortly.")
        if kept != content:
            raise IntegrityError(f"The log's bucket holds other bytes at {path}.")

    def read(self, path: str) -> bytes | None:
        """The bytes at an address; None where nothing is.

        Raises:
            Unavailable: the store does not answer.
        """
        found = self._get(path)
        return None if found is None else found.content

    def checkpoint(self, path: str) -> StoredFile | None:
        """A shard's checkpoint; None where there is none yet.

        Raises:
            Unavailable: the store does not answer.
        """
        return self._get(path)

    def replace_checkpoint(self, path: str, content: bytes, before: StoredFile | None) -> bool:
        """Writes a checkpoint in the place of the one that was read before; False where another came first.

        Raises:
            Unavailable: the store does not answer, or did not keep what it acknowledged.
        """
        condition = _NEW if before is None else {"If-Match": before.version}
        if not self._put(path, content, CHECKPOINT_TYPE, condition):
            return False
        kept = self._get(path)
        if kept is None or (before is not None and kept.content == before.content != content):
            raise Unavailable("The object store did not keep the log's checkpoint; try again shortly.")
        return True

    def below(self, prefix: str) -> list[str]:
        """Every address that begins with this.

        Raises:
            Unavailable: the store does not answer.
        """
        with translated():
            found = self._client.list_objects(self._bucket, prefix=prefix, recursive=True)
            return [item.object_name for item in found if item.object_name is not None]

    def remove(self, path: str) -> None:
        """Takes a partial tile away whose full tile is there; one that is gone is no error.

        Raises:
            Unavailable: the store does not answer.
        """
        with translated():
            self._client.remove_object(self._bucket, path)

    def _put(self, path: str, content: bytes, media_type: str, condition: Mapping[str, str]) -> bool:
        """False where the condition did not hold."""
        with translated(), self._http.only_if(condition):
            try:
                self._client.put_object(
                    self._bucket, path, io.BytesIO(content), len(content), content_type=media_type
                )
            except S3Error as error:
                if error.code != "PreconditionFailed":
                    raise
                return False
        return True

    def _get(self, path: str) -> StoredFile | None:
        try:
            with translated():
                response = self._client.get_object(self._bucket, path)
                try:
                    return StoredFile(bytes(response.read()), response.headers.get("ETag", ""))
                finally:
                    response.close()
                    response.release_conn()
        except NotFound:
            return None
