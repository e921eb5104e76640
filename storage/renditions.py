"""Sealed files on their way to another level: what is needed to raise them, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select, true
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey, KeyRing
from storage.objects import FiledObject, document_place
from storage.record_keys import CERTIFICATES, record_key, way_in, way_in_columns
from storage.sealed_files import DEPOSITED, sealed_files, stored_document
from storage.tables import certificates, renditions
from vault.errors import IntegrityError
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import Rendition, StoredDocument


@dataclass(frozen=True, slots=True)
class RaisableFile:
    """A certificate's newest file in a format. `deposited`: the one that the leaf of its issue names.

    `filed.key` None: all its holders are erased.
    """

    certificate_id: UUID
    identifier: str
    type_code: str
    committed_at: datetime
    number: int
    document: StoredDocument
    deposited: StoredDocument
    filed: FiledObject = field(repr=False)


def raisable_files(
    db: ReadConnection, keys: KeyRing, certificate_ids: Sequence[UUID]
) -> dict[tuple[UUID, DocumentFormat], RaisableFile | IntegrityError]:
    """The newest file of each format of these certificates, or that its key does not open: one statement."""
    opener, files = way_in(CERTIFICATES), sealed_files()
    query: Select[Any] = (
        select(
            certificates.c.id,
            certificates.c.identifier,
            certificates.c.type_code,
            certificates.c.committed_at,
            certificates.c.data_key,
            *way_in_columns(opener),
            files,
        )
        .join(files, files.c.certificate_id == certificates.c.id)
        .outerjoin(opener, true())
        .where(certificates.c.id.in_(certificate_ids))
        .order_by(files.c.number)
    )
    deposited: dict[tuple[UUID, DocumentFormat], StoredDocument] = {}
    found: dict[tuple[UUID, DocumentFormat], RaisableFile | IntegrityError] = {}
    for row in db.execute(query):
        document = stored_document(
            row.format, row.sha256.hex(), row.sm3.hex(), row.size_bytes, row.level, row.seal_id
        )
        which = (row.id, document.format)
        if row.number == DEPOSITED:
            deposited[which] = document
        try:
            key = record_key(CERTIFICATES, keys, row)
        except (IntegrityError, ValueError, LookupError) as error:
            unreadable = IntegrityError(f"Its key cannot be read: {type(error).__name__}.")
            found[which] = error if isinstance(error, IntegrityError) else unreadable
            continue
        found[which] = RaisableFile(
            row.id,
            row.identifier,
            row.type_code,
            row.committed_at,
            row.number,
            document,
            deposited[which],
            _filed(row, document, key),
        )
    return found


def insert_rendition(
    db: WriteConnection, certificate_id: UUID, rendition: Rendition, object_name: str
) -> bool:
    """Writes a raised file's row; False where there is one of this number already."""
    document = rendition.document
    statement = insert(renditions).values(
        certificate_id=certificate_id,
        format=document.format.value,
        number=rendition.number,
        sha256=bytes.fromhex(document.sha256),
        sm3=bytes.fromhex(document.sm3),
        size_bytes=document.size_bytes,
        level=document.level.value,
        seal_id=document.seal_id,
        object_name=object_name,
        made_at=rendition.made_at,
    )
    written = statement.on_conflict_do_nothing().returning(renditions.c.number)
    return db.execute(written).scalar_one_or_none() is not None


def _filed(row: Row[Any], document: StoredDocument, key: DataKey | None) -> FiledObject:
    place = document_place(row.id, document.format)
    return FiledObject(place, document.sha256, document.size_bytes, row.object_name, key)
