"""Files in the object store: cipher text under names that say nothing of what is in them.

A certificate's and a material's files are sealed under the record's own data key (`storage.envelope.stream`),
so that with the key every copy of them is gone, on whatever disk. An object's name is the record's id and a
tag that only the key's owner can derive from the plain bytes' digest: who has the bucket alone cannot tell
whether a file that he knows is in it. Digests in rows, receipts and log are those of the plain bytes.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select, true, update

from storage.blobs import BlobStore, plain_name
from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey, KeyRing, decrypted, encrypted, tag_under
from storage.record_keys import CERTIFICATES, MATERIALS, RecordKind, record_key, way_in, way_in_columns
from storage.tables import certificates, documents, materials
from vault.errors import IntegrityError, NotFound
from vault.model.catalogue import DocumentFormat

TAG_HEX = 32  # 128 bits tell the tries of one record apart


@dataclass(frozen=True, slots=True)
class FiledObject:
    """One file of a record. `sha256`, `size_bytes`: of the plain bytes.

    `name` None: from before revision 0008, in clear under its digest. `key` None: every holder is erased.
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
    """Writes the file's cipher text, locked until `retain_until`; a repeat is no error.

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
    content = b"".join(_plain(blobs, filed))
    if hashlib.sha256(content).hexdigest() != filed.sha256:
        raise IntegrityError(f"The object store answers document {filed.sha256} with other bytes.")
    return content


def examine_object(blobs: BlobStore, filed: FiledObject) -> Examined:
    """Reads the file through in bounded memory; it has the digest that its row names.

    Raises:
        NotFound: every holder is erased: nothing opens the cipher text.
        IntegrityError: the object is missing, does not open, or its bytes are not those of the digest.
        Unavailable: the store does not answer.
    """
    sha256, sm3, size = hashlib.sha256(), hashlib.new("sm3"), 0
    for part in _plain(blobs, filed):
        sha256.update(part)
        sm3.update(part)
        size += len(part)
    if sha256.hexdigest() != filed.sha256:
        raise IntegrityError(f"The object store answers document {filed.sha256} with other bytes.")
    return Examined(sha256.hexdigest(), sm3.hexdigest(), size)


def prove_object(blobs: BlobStore, filed: FiledObject) -> None:
    """Reads the file back in bounded memory and compares its digest.

    Raises:
        As `read_object`.
    """
    sha256 = hashlib.sha256()
    for part in _plain(blobs, filed):
        sha256.update(part)
    if sha256.hexdigest() != filed.sha256:
        raise IntegrityError(f"The object store answers document {filed.sha256} with other bytes.")


def _plain(blobs: BlobStore, filed: FiledObject) -> Iterator[bytes]:
    key = None if filed.name is None else _key(filed)
    parts = blobs.document_parts(filed.stored_name)
    try:
        yield from parts if key is None else decrypted(key, parts, filed.place)
    except NotFound as error:
        raise IntegrityError(f"The object store has lost document {filed.sha256}.") from error


def _key(filed: FiledObject) -> DataKey:
    if filed.key is None:
        raise NotFound("The holders of this document were erased: nothing opens it any more.")
    return filed.key


def document_object(
    db: ReadConnection, keys: KeyRing, certificate_id: UUID, document_format: DocumentFormat
) -> FiledObject | None:
    """A certificate's file in this format, if it was made."""
    query = _documents().where(documents.c.certificate_id == certificate_id)
    row = db.execute(query.where(documents.c.format == document_format)).one_or_none()
    return None if row is None else _document(keys, row)


def document_objects(
    db: ReadConnection, keys: KeyRing, certificate_ids: Sequence[UUID]
) -> dict[UUID, list[FiledObject]]:
    """The files of each of these certificates, in one statement."""
    query = _documents().where(documents.c.certificate_id.in_(certificate_ids))
    found: dict[UUID, list[FiledObject]] = {}
    for row in db.execute(query.order_by(documents.c.format.desc())):
        found.setdefault(row.id, []).append(_document(keys, row))
    return found


def material_object(db: ReadConnection, keys: KeyRing, material_id: UUID) -> FiledObject | None:
    """A material's file."""
    row = db.execute(_materials().where(materials.c.id == material_id)).one_or_none()
    return None if row is None else _material(keys, row)


def material_page(
    db: ReadConnection, keys: KeyRing, after: UUID | None, rows: int
) -> tuple[tuple[UUID, FiledObject | IntegrityError], ...]:
    """The files of the next materials after this id, or why their key does not open."""
    query = _materials().order_by(materials.c.id).limit(rows)
    if after is not None:
        query = query.where(materials.c.id > after)
    return tuple((row.id, _or_why(keys, row)) for row in db.execute(query))


def objects_of_case(db: ReadConnection, keys: KeyRing, case_id: UUID) -> tuple[FiledObject, ...]:
    """Every file that a case brought and that can still be opened: two statements."""
    of_certificates = db.execute(_documents().where(certificates.c.case_id == case_id)).all()
    of_materials = db.execute(_materials().where(materials.c.case_id == case_id)).all()
    found = [_document(keys, row) for row in of_certificates] + [_material(keys, row) for row in of_materials]
    return tuple(filed for filed in found if filed.key is not None)


def _documents() -> Select[Any]:
    opener = way_in(CERTIFICATES)
    return (
        select(
            certificates.c.id,
            certificates.c.data_key,
            *way_in_columns(opener),
            documents.c.format,
            documents.c.sha256,
            documents.c.size_bytes,
            documents.c.object_name,
        )
        .join(documents, documents.c.certificate_id == certificates.c.id)
        .outerjoin(opener, true())
    )


def _materials() -> Select[Any]:
    opener = way_in(MATERIALS)
    return select(
        materials.c.id,
        materials.c.data_key,
        *way_in_columns(opener),
        materials.c.sha256,
        materials.c.size_bytes,
        materials.c.object_name,
    ).outerjoin(opener, true())


def _document(keys: KeyRing, row: Row[Any]) -> FiledObject:
    place = document_place(row.id, DocumentFormat(row.format))
    key = record_key(CERTIFICATES, keys, row)
    return FiledObject(place, row.sha256.hex(), row.size_bytes, row.object_name, key)


def _material(keys: KeyRing, row: Row[Any]) -> FiledObject:
    key = record_key(MATERIALS, keys, row)
    return FiledObject(material_place(row.id), row.sha256.hex(), row.size_bytes, row.object_name, key)


def _or_why(keys: KeyRing, row: Row[Any]) -> FiledObject | IntegrityError:
    try:
        return _material(keys, row)
    except IntegrityError as error:
        return error


def in_clear_page(
    db: ReadConnection, keys: KeyRing, kind: RecordKind, after: UUID | None, rows: int
) -> tuple[UUID | None, tuple[tuple[UUID, FiledObject], ...]]:
    """The next page's last id (None at the end), and those of its files that lie in clear."""
    ids_query = select(kind.table.c.id).order_by(kind.table.c.id).limit(rows)
    ids = db.execute(ids_query if after is None else ids_query.where(kind.table.c.id > after)).scalars().all()
    if not ids:
        return None, ()
    if kind is CERTIFICATES:
        query = _documents().where(certificates.c.id.in_(ids), documents.c.object_name.is_(None))
        found = [(row.id, _document(keys, row)) for row in db.execute(query)]
    else:
        query = _materials().where(materials.c.id.in_(ids), materials.c.object_name.is_(None))
        found = [(row.id, _material(keys, row)) for row in db.execute(query)]
    return ids[-1], tuple(found)


def move_object(db: WriteConnection, kind: RecordKind, record_id: UUID, filed: FiledObject) -> None:
    """From now on the row names the file's cipher text; a row that names one already keeps it."""
    table = documents if kind is CERTIFICATES else materials
    of_record = documents.c.certificate_id if kind is CERTIFICATES else materials.c.id
    statement = update(table).where(of_record == record_id, table.c.object_name.is_(None))
    # A certificate has one file of each digest.
    db.execute(statement.where(table.c.sha256 == bytes.fromhex(filed.sha256)).values(object_name=filed.name))
