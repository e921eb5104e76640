"""The object store: sealed bytes under their digest, written once, locked, and read back.

Three buckets (`storage.log_store` has the fourth). `documents` is locked (S3 object lock, COMPLIANCE): an
object's key is the SHA-256 of its bytes, it is created with `If-None-Match: *` and kept until its retention
ends. `intake` takes what approval systems upload before a deposit names it; nothing there is a record.
`copies` keeps usage copies as long as they are good for something: they are not locked, since they have to
go.
"""

import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import urllib3
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

from storage.s3 import ABSENT, StoreAddress, connection_options
from storage.s3 import client_of as _client
from storage.s3 import translated as _translated
from vault.errors import IntegrityError, NotFound, Unavailable

# What they say of a bucket that was made without object lock.
NOT_LOCKED = "ObjectLockConfigurationNotFoundError"
# Two path levels of two hex digits: a listing by prefix stays short at 10^9 objects.
FAN_OUT_CHARS = 2


class _CreateOnly(urllib3.PoolManager):
    """Adds `If-None-Match: *` to every PUT: the store refuses (412) to write a key twice."""

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override]  # noqa: FBT001, FBT002, ANN401 - urllib3's own signature
        if method == "PUT":
            kw["headers"] = {**(kw.get("headers") or {}), "If-None-Match": "*"}
        return super().urlopen(method, url, redirect=redirect, **kw)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as a listing names it."""

    sha256: str
    modified_at: datetime


class BlobStore:
    """Client of the three buckets. Thread-safe; connections are pooled."""

    def __init__(self, address: StoreAddress) -> None:
        options = connection_options()
        self._address = address
        self._creating = _client(address, _CreateOnly(**options))
        self._client = _client(address, urllib3.PoolManager(**options))

    def prepare(self) -> None:
        """Makes the buckets if they are missing, the log's too; `documents` with object lock."""
        with _translated():
            if not self._client.bucket_exists(self._address.documents_bucket):
                self._client.make_bucket(self._address.documents_bucket, object_lock=True)
            address = self._address
            for unlocked in (address.intake_bucket, address.copies_bucket, address.log_bucket):
                if not self._client.bucket_exists(unlocked):
                    self._client.make_bucket(unlocked)

    def ping(self) -> None:
        """Raises `Unavailable` unless the documents bucket is there."""
        with _translated():
            if not self._client.bucket_exists(self._address.documents_bucket):
                raise Unavailable("The object store has no documents bucket: run `certvault db upgrade`.")

    def locks(self) -> bool:
        """Whether the documents bucket has object lock: without it documents could be deleted.

        Raises:
            Unavailable: the store does not answer, or has no such bucket.
        """
        with _translated():
            try:
                self._client.get_object_lock_config(self._address.documents_bucket)
            except S3Error as error:
                if error.code == NOT_LOCKED:
                    return False
                raise
        return True

    def put_document(
        self,
        content: bytes,
        sha256: str,
        *,
        content_type: str,
        retain_until: datetime,
        origin: Mapping[str, str],
    ) -> None:
        """Writes `content` under its digest, locked until `retain_until`; a repeat is no error.

        `origin` goes into the object's metadata so that fsck can explain an object that no row names.
        An object already under this key is taken for ours here; `read_document` proves it.

        Raises:
            Unavailable: the store does not answer or refuses.
        """
        with _translated():
            try:
                self._creating.put_object(
                    self._address.documents_bucket,
                    _key(sha256),
                    io.BytesIO(content),
                    len(content),
                    content_type=content_type,
                    metadata=dict(origin),
                    retention=Retention(COMPLIANCE, retain_until),
                )
            except S3Error as error:
                if error.code != "PreconditionFailed":
                    raise
                self._retain_longer(sha256, retain_until)

    def _retain_longer(self, sha256: str, until: datetime) -> None:
        """A file that is handed in again years later is kept for as long as the newest case needs it."""
        bucket, key = self._address.documents_bucket, _key(sha256)
        kept = self._client.get_object_retention(bucket, key)
        if kept is None or kept.retain_until_date < until.replace(microsecond=0):
            self._client.set_object_retention(bucket, key, Retention(COMPLIANCE, until))

    def read_document(self, sha256: str) -> bytes:
        """The bytes under this digest, checked against it.

        Raises:
            IntegrityError: the object is missing or its bytes are not those of the digest.
            Unavailable: the store does not answer.
        """
        return self._read_kept(self._address.documents_bucket, sha256, "document")

    def origin(self, sha256: str) -> Mapping[str, str]:
        """The metadata that `put_document` gave an object.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store does not answer.
        """
        return self._origin(self._address.documents_bucket, sha256)

    def documents(self) -> Iterator[StoredObject]:
        """Every object in the documents bucket, in key order, page by page."""
        return self._objects(self._address.documents_bucket)

    def put_copy(self, content: bytes, sha256: str, *, origin: Mapping[str, str]) -> None:
        """Writes a usage copy, a PDF, under its digest; `origin` tells fsck whose it is.

        Raises:
            Unavailable: the store does not answer or refuses.
        """
        with _translated():
            self._client.put_object(
                self._address.copies_bucket,
                _key(sha256),
                io.BytesIO(content),
                len(content),
                content_type="application/pdf",
                metadata=dict(origin),
            )

    def read_copy(self, sha256: str) -> bytes:
        """A usage copy, checked against its digest.

        Raises:
            IntegrityError: the object is missing or its bytes are not those of the digest.
            Unavailable: the store does not answer.
        """
        return self._read_kept(self._address.copies_bucket, sha256, "usage copy")

    def discard_copy(self, sha256: str) -> None:
        """Takes a usage copy away; one that is not there is no error.

        Raises:
            Unavailable: the store does not answer.
        """
        with _translated():
            self._client.remove_object(self._address.copies_bucket, _key(sha256))

    def copy_origin(self, sha256: str) -> Mapping[str, str]:
        """The metadata that `put_copy` gave an object.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store does not answer.
        """
        return self._origin(self._address.copies_bucket, sha256)

    def copies(self) -> Iterator[StoredObject]:
        """Every object in the copies bucket, in key order, page by page."""
        return self._objects(self._address.copies_bucket)

    def put_upload(self, content: bytes, sha256: str, *, content_type: str) -> None:
        """Keeps an uploaded file until a deposit names it.

        Raises:
            Unavailable: the store does not answer.
        """
        with _translated():
            self._client.put_object(
                self._address.intake_bucket,
                _key(sha256),
                io.BytesIO(content),
                len(content),
                content_type=content_type,
            )

    def read_upload(self, sha256: str) -> bytes:
        """An uploaded file, checked against its digest.

        Raises:
            NotFound: no such upload.
            IntegrityError: the bytes are not those of the digest.
            Unavailable: the store does not answer.
        """
        content = self._read(self._address.intake_bucket, sha256)
        if content is None:
            raise NotFound(f"No upload {sha256}: send it first with PUT /v1/uploads/{{sha256}}.")
        if hashlib.sha256(content).hexdigest() != sha256:
            raise IntegrityError(f"The object store answers upload {sha256} with other bytes.")
        return content

    def uploads(self) -> Iterator[StoredObject]:
        """Every object in the intake bucket, in key order, page by page."""
        return self._objects(self._address.intake_bucket)

    def upload_kept_since(self, sha256: str) -> datetime:
        """When an upload was last written.

        Raises:
            NotFound: no such upload.
            Unavailable: the store does not answer.
        """
        with _translated():
            found = self._client.stat_object(self._address.intake_bucket, _key(sha256))
        if found.last_modified is None:
            raise Unavailable("The object store does not say when an upload was written.")
        return found.last_modified

    def remove_upload(self, sha256: str) -> None:
        """Takes an upload away; one that is not there is no error.

        Raises:
            Unavailable: the store does not answer; the upload may be gone all the same.
        """
        with _translated():
            self._client.remove_object(self._address.intake_bucket, _key(sha256))

    def _origin(self, bucket: str, sha256: str) -> Mapping[str, str]:
        with _translated():
            found = self._client.stat_object(bucket, _key(sha256))
        prefix = "x-amz-meta-"
        pairs = (found.metadata or {}).items()
        return {key.lower()[len(prefix) :]: value for key, value in pairs if key.lower().startswith(prefix)}

    def _objects(self, bucket: str) -> Iterator[StoredObject]:
        with _translated():
            for item in self._client.list_objects(bucket, recursive=True):
                if item.object_name is None or item.last_modified is None:
                    continue
                sha256 = item.object_name.replace("/", "")
                yield StoredObject(sha256, item.last_modified)

    def _read_kept(self, bucket: str, sha256: str, what: str) -> bytes:
        content = self._read(bucket, sha256)
        if content is None:
            raise IntegrityError(f"The object store has lost {what} {sha256}.")
        if hashlib.sha256(content).hexdigest() != sha256:
            raise IntegrityError(f"The object store answers {what} {sha256} with other bytes.")
        return content

    def _read(self, bucket: str, sha256: str) -> bytes | None:
        with _translated():
            try:
                response = self._client.get_object(bucket, _key(sha256))
            except S3Error as error:
                if error.code in ABSENT:
                    return None
                raise
            try:
                return bytes(response.read())
            finally:
                response.close()
                response.release_conn()


def _key(sha256: str) -> str:
    first, second = sha256[:FAN_OUT_CHARS], sha256[FAN_OUT_CHARS : 2 * FAN_OUT_CHARS]
    return f"{first}/{second}/{sha256[2 * FAN_OUT_CHARS :]}"
