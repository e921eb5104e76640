"""Many files in one object: what an import puts in one request, and reads back in one.

Each file is cipher text under its own record's key, one behind the other; its row's object name says where it
lies. A store's work for an object is dear, whatever its size (`docs/performance.md`): one by one the files of
an import would cost more in the store than in everything else.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from uuid import UUID

from storage.blobs import BlobStore, pack_of, packed_name, place_in_pack
from storage.envelope import decrypted, encrypted
from storage.objects import TAG_HEX, Examined, FiledObject, examine_parts, prove_object
from vault.errors import IntegrityError, NotFound


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A file before it is put into a pack; its `filed.name` says nothing yet."""

    filed: FiledObject
    content: bytes = field(repr=False)


def put_pack(
    blobs: BlobStore,
    pack_id: UUID,
    files: Sequence[Unpacked],
    *,
    retain_until: datetime,
    origin: Mapping[str, str],
) -> tuple[FiledObject, ...]:
    """Writes the files as one object, locked; each with the name under which it is read alone.

    `origin` goes into the object's metadata so that fsck can explain an object that no row names.

    Raises:
        NotFound: a file has no key.
        Unavailable: the store does not answer or refuses.
    """
    sealed = []
    for file in files:
        if file.filed.key is None:
            raise NotFound("A file without a key cannot be packed.")
        sealed.append(b"".join(encrypted(file.filed.key, file.content, file.filed.place)))
    content = b"".join(sealed)
    name = f"{pack_id.hex[-2:]}/{pack_id}/{secrets.token_hex(TAG_HEX // 2)}"
    blobs.put_document(name, content, retain_until=retain_until, origin=origin)
    placed, at = [], 0
    for file, cipher in zip(files, sealed, strict=True):
        placed.append(replace(file.filed, name=packed_name(name, at, len(cipher))))
        at += len(cipher)
    return tuple(placed)


def prove_objects(blobs: BlobStore, objects: Iterable[FiledObject]) -> tuple[FiledObject, ...]:
    """Reads files back, a pack in one request; those that are lost or changed.

    Raises:
        Unavailable: the store does not answer.
    """
    lost: list[FiledObject] = []
    in_packs = sorted(objects, key=lambda filed: filed.stored_name)
    for pack, group in groupby(in_packs, key=lambda filed: pack_of(filed.stored_name)):
        files = list(group)
        lost += _lost_in(blobs, pack, files) if len(files) > 1 else _lost_alone(blobs, files[0])
    return tuple(lost)


def examine_objects(
    blobs: BlobStore, objects: Iterable[FiledObject]
) -> dict[FiledObject, Examined | IntegrityError]:
    """Reads files through, a pack in one request and one after the other; what each came to, or its damage.

    Memory: one pack, which the import keeps to some 24 MiB; an object of its own is read in parts.

    Raises:
        NotFound: every holder of one is erased: nothing opens the cipher text.
        Unavailable: the store does not answer.
    """
    found: dict[FiledObject, Examined | IntegrityError] = {}
    in_packs = sorted(objects, key=lambda filed: filed.stored_name)
    for pack, group in groupby(in_packs, key=lambda filed: pack_of(filed.stored_name)):
        files = list(group)
        if len(files) > 1:
            found |= _examined_in(blobs, pack, files)
        else:
            found[files[0]] = _examined(blobs.document_parts(files[0].stored_name), files[0])
    return found


def _examined_in(
    blobs: BlobStore, pack: str, files: Sequence[FiledObject]
) -> dict[FiledObject, Examined | IntegrityError]:
    try:
        content = memoryview(b"".join(blobs.document_parts(pack)))
    except NotFound:
        return {filed: IntegrityError(f"The object store has lost {filed.called}.") for filed in files}
    return {filed: _examined(_own(content, filed), filed) for filed in files}


def _examined(parts: Iterator[bytes], filed: FiledObject) -> Examined | IntegrityError:
    try:
        return examine_parts(parts, filed)
    except IntegrityError as error:
        return error


def _own(content: memoryview, filed: FiledObject) -> Iterator[bytes]:
    """The file's own bytes of its pack; fewer where the pack was cut."""
    at, length = place_in_pack(filed.stored_name)
    yield bytes(content[at : at + length] if length else content)


def _lost_alone(blobs: BlobStore, filed: FiledObject) -> list[FiledObject]:
    try:
        prove_object(blobs, filed)
    except IntegrityError:
        return [filed]
    return []


def _lost_in(blobs: BlobStore, pack: str, files: Sequence[FiledObject]) -> list[FiledObject]:
    try:
        content = memoryview(b"".join(blobs.document_parts(pack)))
    except NotFound:
        return list(files)
    return [filed for filed in files if not _stands_in(content, filed)]


def _stands_in(content: memoryview, filed: FiledObject) -> bool:
    if filed.key is None:
        return False
    sha256 = hashlib.sha256()
    try:
        for part in decrypted(filed.key, _own(content, filed), filed.place):
            sha256.update(part)
    except IntegrityError:
        return False
    return sha256.hexdigest() == filed.sha256
