"""Which files records have, as their rows name them, with the keys that open them."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select, true, update

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing
from storage.objects import FiledObject, copy_place, document_place, material_place
from storage.record_keys import (
    CERTIFICATES,
    MATERIALS,
    USES,
    HolderKeys,
    RecordKind,
    record_key,
    way_in,
    way_in_columns,
)
from storage.sealed_files import sealed_files
from storage.tables import certificates, documents, materials, use_copies, uses
from vault.errors import IntegrityError
from vault.model.catalogue import DocumentFormat


def document_object(
    db: ReadConnection,
    keys: KeyRing,
    certificate_id: UUID,
    document_format: DocumentFormat,
    sha256: str | None = None,
) -> FiledObject | None:
    """A certificate's newest file in this format, if it was made; or the one with this digest, hex."""
    files = sealed_files()
    query = _documents().where(files.c.certificate_id == certificate_id, files.c.format == document_format)
    if sha256 is not None:
        query = query.where(files.c.sha256 == bytes.fromhex(sha256))
    row = db.execute(query.order_by(files.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else _document(keys, row)


def document_objects(
    db: ReadConnection, keys: KeyRing, certificate_ids: Sequence[UUID], opened: HolderKeys | None = None
) -> dict[UUID, list[FiledObject]]:
    """The files of each of these certificates, in one statement: by format, each as deposited first."""
    files = sealed_files()
    query = _documents().where(files.c.certificate_id.in_(certificate_ids))
    found: dict[UUID, list[FiledObject]] = {}
    for row in db.execute(query.order_by(files.c.format.desc(), files.c.number)):
        found.setdefault(row.id, []).append(_document(keys, row, opened))
    return found


def material_object(db: ReadConnection, keys: KeyRing, material_id: UUID) -> FiledObject | None:
    """A material's file."""
    row = db.execute(_materials().where(materials.c.id == material_id)).one_or_none()
    return None if row is None else _material(keys, row)


def material_objects(
    db: ReadConnection, keys: KeyRing, material_ids: Sequence[UUID]
) -> dict[UUID, FiledObject | IntegrityError]:
    """The files of these materials, or why their key does not open, in one statement."""
    query = _materials().where(materials.c.id.in_(material_ids))
    return {row.id: _or_why(_material, keys, row) for row in db.execute(query)}


def objects_of_case(db: ReadConnection, keys: KeyRing, case_id: UUID) -> tuple[FiledObject, ...]:
    """Every file that a case brought and that can still be opened: two statements."""
    of_certificates = db.execute(_documents().where(certificates.c.case_id == case_id)).all()
    of_materials = db.execute(_materials().where(materials.c.case_id == case_id)).all()
    found = [_document(keys, row) for row in of_certificates] + [_material(keys, row) for row in of_materials]
    return tuple(filed for filed in found if filed.key is not None)


def copy_object(db: ReadConnection, keys: KeyRing, use_id: UUID) -> FiledObject | None:
    """The copy of a use, if one was made."""
    row = db.execute(_copies().where(uses.c.id == use_id)).one_or_none()
    return None if row is None else _copy(keys, row)


def copy_page(
    db: ReadConnection, keys: KeyRing, after: UUID | None, rows: int
) -> tuple[tuple[UUID, FiledObject | IntegrityError], ...]:
    """The copies of the next uses after this id that still stand, or why their key does not open."""
    query = _copies().where(*still_standing()).order_by(uses.c.id).limit(rows)
    if after is not None:
        query = query.where(uses.c.id > after)
    return tuple((row.id, _or_why(_copy, keys, row)) for row in db.execute(query))


def still_standing() -> tuple[ColumnElement[bool], ...]:
    """Uses that are neither revoked nor run out, and not erased."""
    return uses.c.revoked_at.is_(None), uses.c.expires_at > func.now(), uses.c.sealed.is_not(None)


def _documents() -> Select[Any]:
    opener, files = way_in(CERTIFICATES), sealed_files()
    return (
        select(
            certificates.c.id,
            certificates.c.data_key,
            *way_in_columns(opener),
            files.c.format,
            files.c.sha256,
            files.c.size_bytes,
            files.c.object_name,
        )
        .join(files, files.c.certificate_id == certificates.c.id)
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


def _copies() -> Select[Any]:
    opener = way_in(USES)
    return (
        select(
            uses.c.id,
            uses.c.data_key,
            *way_in_columns(opener),
            use_copies.c.sha256,
            use_copies.c.size_bytes,
            use_copies.c.object_name,
        )
        .join(use_copies, use_copies.c.use_id == uses.c.id)
        .outerjoin(opener, true())
    )


def _document(keys: KeyRing, row: Row[Any], opened: HolderKeys | None = None) -> FiledObject:
    place = document_place(row.id, DocumentFormat(row.format))
    key = record_key(CERTIFICATES, keys, row, opened)
    return FiledObject(place, row.sha256.hex(), row.size_bytes, row.object_name, key)


def _material(keys: KeyRing, row: Row[Any]) -> FiledObject:
    key = record_key(MATERIALS, keys, row)
    return FiledObject(material_place(row.id), row.sha256.hex(), row.size_bytes, row.object_name, key)


def _copy(keys: KeyRing, row: Row[Any]) -> FiledObject:
    key = record_key(USES, keys, row)
    return FiledObject(copy_place(row.id), row.sha256.hex(), row.size_bytes, row.object_name, key)


def _or_why(
    read: Callable[[KeyRing, Row[Any]], FiledObject], keys: KeyRing, row: Row[Any]
) -> FiledObject | IntegrityError:
    try:
        return read(keys, row)
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
    read: Callable[[KeyRing, Row[Any]], FiledObject]
    if kind is CERTIFICATES:
        query, read = _documents().where(sealed_files().c.object_name.is_(None)), _document
    elif kind is MATERIALS:
        query, read = _materials().where(materials.c.object_name.is_(None)), _material
    else:
        query, read = _copies().where(use_copies.c.object_name.is_(None), *still_standing()), _copy
    found = db.execute(query.where(kind.table.c.id.in_(ids)))
    return ids[-1], tuple((row.id, read(keys, row)) for row in found)


def move_object(db: WriteConnection, kind: RecordKind, record_id: UUID, filed: FiledObject) -> None:
    """From now on the row names the file's cipher text; a row that names one already keeps it."""
    table, of_record = {
        CERTIFICATES: (documents, documents.c.certificate_id),
        MATERIALS: (materials, materials.c.id),
        USES: (use_copies, use_copies.c.use_id),
    }[kind]
    statement = update(table).where(of_record == record_id, table.c.object_name.is_(None))
    # A certificate has one file of each digest.
    db.execute(statement.where(table.c.sha256 == bytes.fromhex(filed.sha256)).values(object_name=filed.name))
