"""The object store: cipher text under names, written once, locked, and read back.

Three buckets (`storage.log_store` has the fourth, which is public). `documents` is locked (S3 object lock,
COMPLIANCE): an object is created with `If-None-Match: *` and kept until its retention ends. `intake` takes
what approval systems upload before a deposit names it; nothing there is a record. `copies` keeps usage copies
as long as they are good for something: they are not locked, since they have to go. What the bytes mean, and
what opens them, is not known here (`storage.objects`, `storage.upload_keys`).
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import urllib3
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

from storage.s3 import StoreAddress, connection_options
from storage.s3 import client_of as _client
from storage.s3 import translated as _translated
from vault.errors import IntegrityError, Unavailable

# What they say of a bucket that was made without object lock.
NOT_LOCKED = "ObjectLockConfigurationNotFoundError"
# What they say where an object ends before the bytes that are asked for: it was cut.
BEHIND_ITS_END = "InvalidRange"
# Two path levels of two hex digits, as objects from before revision 0010 are named.
FAN_OUT_CHARS = 2
SHA256_HEX = 64
# Behind it stands where in the object a file lies; in no name of an object.
IN_PACK = "#"
CONTENT_TYPE = "application/octet-stream"
# Parts in which an object is read: a few segments of its cipher text.
READ_PART_BYTES = 256 * 1024
# One PUT for the largest object: a store that takes it in parts checks `If-None-Match` at none of them.
PUT_MAX_BYTES = 128 * 1024 * 1024


class _CreateOnly(urllib3.PoolManager):
    """Adds `If-None-Match: *` to every PUT: the store refuses (412) to write a key twice."""

    def urlopen(self, method: str, url: str, redirect: bool = True, **kw: Any) -> Any:  # type: ignore[override]  # noqa: FBT001, FBT002, ANN401 - urllib3's own signature
        if method == "PUT":
            kw["headers"] = {**(kw.get("headers") or {}), "If-None-Match": "*"}
        return super().urlopen(method, url, redirect=redirect, **kw)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object as a listing names it."""

    name: str
    size_bytes: int
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
        self, name: str, content: bytes, *, retain_until: datetime, origin: Mapping[str, str]
    ) -> None:
        """Writes `content` under `name`, locked until `retain_until`; a repeat is no error.

        `origin` goes into the object's metadata so that fsck can explain an object that no row names.
        An object already under this name is taken for ours here; reading it back proves it.

        Raises:
            Unavailable: the store does not answer or refuses.
        """
        with _translated():
            try:
                self._creating.put_object(
                    self._address.documents_bucket,
                    name,
                    io.BytesIO(content),
                    len(content),
                    content_type=CONTENT_TYPE,
                    metadata=dict(origin),
                    part_size=PUT_MAX_BYTES,
                    retention=Retention(COMPLIANCE, retain_until),
                )
            except S3Error as error:
                if error.code != "PreconditionFailed":
                    raise
                self._retain_longer(name, retain_until)

    def _retain_longer(self, key: str, until: datetime) -> None:
        """A case that is sent again is kept for as long as its newest try needs it."""
        bucket = self._address.documents_bucket
        kept = self._client.get_object_retention(bucket, key)
        if kept is None or kept.retain_until_date < until.replace(microsecond=0):
            self._client.set_object_retention(bucket, key, Retention(COMPLIANCE, until))

    def document_parts(self, name: str) -> Iterator[bytes]:
        """The bytes under `name` in parts, as the store sends them; of a pack's file only its own.

        Raises:
            NotFound: there is no such object.
            IntegrityError: the name of a pack's file says no place in it.
            Unavailable: the store does not answer.
        """
        return self._parts(self._address.documents_bucket, name)

    def document_size(self, name: str) -> int:
        """How many bytes the object has, without reading it; of a pack's file, the pack.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store does not answer.
        """
        with _translated():
            return self._client.stat_object(self._address.documents_bucket, pack_of(name)).size or 0

    def retained_until(self, name: str) -> datetime | None:
        """Until when the store refuses to delete the object.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store does not answer.
        """
        with _translated():
            kept = self._client.get_object_retention(self._address.documents_bucket, name)
        return None if kept is None else kept.retain_until_date

    def origin(self, name: str) -> Mapping[str, str]:
        """The metadata that `put_document` gave an object.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store does not answer.
        """
        return self._origin(self._address.documents_bucket, name)

    def documents(self) -> Iterator[StoredObject]:
        """Every object in the documents bucket, in key order, page by page."""
        return self._objects(self._address.documents_bucket)

    def put_copy(self, name: str, content: bytes, *, origin: Mapping[str, str]) -> None:
        """Writes a usage copy under `name`; `origin` tells fsck whose it is.

        Raises:
            Unavailable: the store does not answer or refuses.
        """
        self._put(self._address.copies_bucket, name, content, origin)

    def copy_parts(self, name: str) -> Iterator[bytes]:
        """The bytes of a usage copy in parts, as the store sends them.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store does not answer.
        """
        return self._parts(self._address.copies_bucket, name)

    def discard_copy(self, name: str) -> None:
        """Takes a usage copy away; one that is not there is no error.

        Raises:
            Unavailable: the store does not answer.
        """
        self._remove(self._address.copies_bucket, name)

    def copy_origin(self, name: str) -> Mapping[str, str]:
        """The metadata that `put_copy` gave an object.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store does not answer.
        """
        return self._origin(self._address.copies_bucket, name)

    def copies(self) -> Iterator[StoredObject]:
        """Every object in the copies bucket, in key order, page by page."""
        return self._objects(self._address.copies_bucket)

    def put_upload(self, name: str, content: bytes) -> None:
        """Keeps an uploaded file until a deposit names it.

        Raises:
            Unavailable: the store does not answer.
        """
        self._put(self._address.intake_bucket, name, content, {})

    def upload_parts(self, name: str) -> Iterator[bytes]:
        """An uploaded file's bytes in parts, as the store sends them.

        Raises:
            NotFound: there is no such object.
            Unavailable: the store does not answer.
        """
        return self._parts(self._address.intake_bucket, name)

    def uploads(self) -> Iterator[StoredObject]:
        """Every object in the intake bucket, in key order, page by page."""
        return self._objects(self._address.intake_bucket)

    def upload_kept_since(self, name: str) -> datetime:
        """When an upload was last written.

        Raises:
            NotFound: no such upload.
            Unavailable: the store does not answer.
        """
        with _translated():
            found = self._client.stat_object(self._address.intake_bucket, name)
        if found.last_modified is None:
            raise Unavailable("The object store does not say when an upload was written.")
        return found.last_modified

    def remove_upload(self, name: str) -> None:
        """Takes an upload away; one that is not there is no error.

        Raises:
            Unavailable: the store does not answer; the upload may be gone all the same.
        """
        self._remove(self._address.intake_bucket, name)

    def foreign_parts(self, bucket: str, name: str) -> Iterator[bytes]:
        """The bytes under `name` in a bucket that is none of the vault's, in parts.

        Raises:
            NotFound: there is no such object.
            Unavailable: it is a bucket of the vault's, or the store does not answer.
        """
        own = self._address
        if bucket in {own.documents_bucket, own.intake_bucket, own.copies_bucket, own.log_bucket}:
            raise Unavailable("The files of an import lie in a bucket of their own.")
        with _translated():
            response = self._client.get_object(bucket, name)
            try:
                yield from response.stream(READ_PART_BYTES)
            finally:
                response.close()
                response.release_conn()

    def _put(self, bucket: str, name: str, content: bytes, origin: Mapping[str, str]) -> None:
        with _translated():
            self._client.put_object(
                bucket,
                name,
                io.BytesIO(content),
                len(content),
                content_type=CONTENT_TYPE,
                metadata=dict(origin),
                part_size=PUT_MAX_BYTES,
            )

    def _remove(self, bucket: str, name: str) -> None:
        with _translated():
            self._client.remove_object(bucket, name)

    def _origin(self, bucket: str, name: str) -> Mapping[str, str]:
        with _translated():
            found = self._client.stat_object(bucket, name)
        prefix = "x-amz-meta-"
        pairs = (found.metadata or {}).items()
        return {key.lower()[len(prefix) :]: value for key, value in pairs if key.lower().startswith(prefix)}

    def _objects(self, bucket: str) -> Iterator[StoredObject]:
        with _translated():
            for item in self._client.list_objects(bucket, recursive=True):
                if item.object_name is None or item.last_modified is None:
                    continue
                yield StoredObject(item.object_name, item.size or 0, item.last_modified)

    def _parts(self, bucket: str, name: str) -> Iterator[bytes]:
        at, length = place_in_pack(name)
        with _translated():
            try:
                response = self._client.get_object(bucket, pack_of(name), offset=at, length=length)
            except S3Error as error:
                if error.code != BEHIND_ITS_END:
                    raise
                return
            try:
                yield from response.stream(READ_PART_BYTES)
            finally:
                response.close()
                response.release_conn()


def packed_name(pack: str, at: int, length: int) -> str:
    """The name of a file that lies in a pack: `length` bytes from `at` on."""
    return f"{pack}{IN_PACK}{at}+{length}"


def pack_of(name: str) -> str:
    """The object in which a file of this name lies: its own, or a pack."""
    return name.partition(IN_PACK)[0]


def place_in_pack(name: str) -> tuple[int, int]:
    """Offset and length of a file in its object, as a store's client takes them; a length of 0: all of it.

    Raises:
        IntegrityError: it names no place.
    """
    pack, behind, place = name.partition(IN_PACK)
    if not behind:
        return 0, 0
    at, _, length = place.partition("+")
    if not (at.isdecimal() and length.isdecimal() and int(length) > 0):
        raise IntegrityError(f"No file of the pack {pack} is named so: expected its offset and its length.")
    return int(at), int(length)


def plain_name(sha256: str) -> str:
    """Where an object from before revision 0010 lies: in clear, under its digest."""
    first, second = sha256[:FAN_OUT_CHARS], sha256[FAN_OUT_CHARS : 2 * FAN_OUT_CHARS]
    return f"{first}/{second}/{sha256[2 * FAN_OUT_CHARS :]}"


def plain_digest(name: str) -> str | None:
    """The digest in such a name; None where it is another name."""
    digest = name.replace("/", "")
    is_hex = len(digest) == SHA256_HEX and not digest.strip("0123456789abcdef")
    return digest if is_hex and plain_name(digest) == name else None
