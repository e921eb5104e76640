"""Files in the object store: cipher text under names that say nothing of what is in them.

A certificate's and a material's files, and a use's copy, are sealed under the record's own data key
(`storage.envelope.stream`), so that with the key every copy of them is gone, on whatever disk. An object's
name is the record's id and a tag that only the key's owner can derive from the plain bytes' digest: who has
the bucket alone cannot tell whether a file that he knows is in it. Digests in rows, receipts and log are
those of the plain bytes.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from storage.blobs import BlobStore, plain_name
from storage.envelope import DataKey, decrypted, encrypted, tag_under
from storage.tables import use_copies
from vault.errors import IntegrityError, NotFound
from vault.model.catalogue import DocumentFormat

TAG_HEX = 32  # 128 bits tell the tries of one record apart
NAME_PARTS = 3


@dataclass(frozen=True, slots=True)
class FiledObject:
    """One file of a record. `sha256`, `size_bytes`: of the plain bytes.

    `name` None: from before revision 0010, in clear under its digest. `key` None: every holder is erased.
    """

    place: str
    sha256: str
    size_bytes: int
    name: str | None
    key: DataKey | None = field(repr=False)

    @property
    def stored_name(self) -> str:
        """The object's name in the store."""
        return plain_name(self.sha256) if self.name is None else self.name

    @property
    def called(self) -> str:
        """What a sentence calls it."""
        kind = "usage copy" if self.place.startswith(use_copies.name) else "document"
        return f"{kind} {self.sha256}"


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file's plain bytes came to when they were read."""

    sha256: str
    sm3: str
    size_bytes: int


def document_place(certificate_id: UUID, document_format: DocumentFormat) -> str:
    """What a certificate's file is bound to."""
    return f"documents.object:{certificate_id}:{document_format.value}"


def material_place(material_id: UUID) -> str:
    """What a material's file is bound to."""
    return f"materials.object:{material_id}"


def copy_place(use_id: UUID) -> str:
    """What a usage copy is bound to."""
    return f"{use_copies.name}.object:{use_id}"


def new_object(record_id: UUID, place: str, key: DataKey, sha256: str, size_bytes: int) -> FiledObject:
    """A file about to be put; every try with the same key and the same bytes gives it the same name."""
    tag = tag_under(key, f"name/{place}/{sha256}").hex()[:TAG_HEX]
    # The id's last digits are random: a listing by prefix stays short, and names tell little of when.
    name = f"{record_id.hex[-2:]}/{record_id}/{tag}"
    return FiledObject(place, sha256, size_bytes, name, key)


def put_object(
    blobs: BlobStore,
    filed: FiledObject,
    content: bytes,
    *,
    retain_until: datetime,
    origin: Mapping[str, str],
) -> None:
    """Writes the cipher text of a certificate's or material's file, locked; a repeat is no error.

    `origin` goes into the object's metadata so that fsck can explain an object that no row names.

    Raises:
        Unavailable: the store does not answer or refuses.
    """
    sealed = b"".join(encrypted(_key(filed), content, filed.place))
    blobs.put_document(filed.stored_name, sealed, retain_until=retain_until, origin=origin)


def read_object(blobs: BlobStore, filed: FiledObject) -> bytes:
    """The plain bytes, checked against their digest.

    Raises:
        NotFound: every holder is erased: nothing opens the cipher text.
        IntegrityError: the object is missing, does not open, or its bytes are not those of the digest.
        Unavailable: the store does not answer.
    """
    return _whole(_plain(blobs.document_parts(filed.stored_name), filed), filed)


def put_copy(blobs: BlobStore, filed: FiledObject, content: bytes, *, origin: Mapping[str, str]) -> None:
    """Writes the cipher text of a usage copy; `origin` tells fsck whose it is.

    Raises:
        Unavailable: the store does not answer or refuses.
    """
    blobs.put_copy(filed.stored_name, b"".join(encrypted(_key(filed), content, filed.place)), origin=origin)


def read_copy(blobs: BlobStore, filed: FiledObject) -> bytes:
    """The plain bytes of a usage copy, checked against their digest.

    Raises:
        As `read_object`.
    """
    return _whole(_plain(blobs.copy_parts(filed.stored_name), filed), filed)


def examine_object(blobs: BlobStore, filed: FiledObject) -> Examined:
    """Reads the file through in bounded memory; it has the digest that its row names.

    Raises:
        NotFound: every holder is erased: nothing opens the cipher text.
        IntegrityError: the object is missing, does not open, or its bytes are not those of the digest.
        Unavailable: the store does not answer.
    """
    return examine_parts(blobs.document_parts(filed.stored_name), filed)


def examine_parts(parts: Iterator[bytes], filed: FiledObject) -> Examined:
    """As `examine_object`, of an object's bytes that are read elsewhere.

    Raises:
        As `examine_object`.
    """
    sha256, sm3, size = hashlib.sha256(), hashlib.new("sm3"), 0
    for part in _plain(parts, filed):
        sha256.update(part)
        sm3.update(part)
        size += len(part)
    if sha256.hexdigest() != filed.sha256:
        raise IntegrityError(f"The object store answers {filed.called} with other bytes.")
    return Examined(sha256.hexdigest(), sm3.hexdigest(), size)


def prove_object(blobs: BlobStore, filed: FiledObject) -> None:
    """Reads the file back in bounded memory and compares its digest.

    Raises:
        As `read_object`.
    """
    sha256 = hashlib.sha256()
    for part in _plain(blobs.document_parts(filed.stored_name), filed):
        sha256.update(part)
    if sha256.hexdigest() != filed.sha256:
        raise IntegrityError(f"The object store answers {filed.called} with other bytes.")


def _whole(plain: Iterator[bytes], filed: FiledObject) -> bytes:
    content = b"".join(plain)
    if hashlib.sha256(content).hexdigest() != filed.sha256:
        raise IntegrityError(f"The object store answers {filed.called} with other bytes.")
    return content


def _plain(parts: Iterator[bytes], filed: FiledObject) -> Iterator[bytes]:
    key = None if filed.name is None else _key(filed)
    try:
        yield from parts if key is None else decrypted(key, parts, filed.place)
    except NotFound as error:
        raise IntegrityError(f"The object store has lost {filed.called}.") from error


def _key(filed: FiledObject) -> DataKey:
    if filed.key is None:
        raise NotFound("The holders of this document were erased: nothing opens it any more.")
    return filed.key


def record_id_of(name: str) -> UUID | None:
    """The id of the record whose file `new_object` gave this name."""
    parts = name.split("/")
    try:
        return UUID(parts[1]) if len(parts) == NAME_PARTS else None
    except ValueError:
        return None
