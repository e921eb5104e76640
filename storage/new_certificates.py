"""Certificates as they are committed: records, holders with their wrapped keys, files and first status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from storage.certificates import MEDIA_TYPES, content_place, index_values
from storage.db import WriteConnection
from storage.envelope import DataKey, KeyRing, seal_json
from storage.holders import holder_json
from storage.record_keys import CERTIFICATES, KnownHolder, wrapped_for
from storage.round_trip import insert_rows
from storage.tables import certificate_holders, certificates, documents, status_events
from vault.model.certificate import Status, StoredDocument
from vault.model.holders import Holder, HolderCode
from vault.model.lifecycle import Action
from vault.model.origin import BORN_SEALED, Origin, origin_json


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A certificate about to be committed; `key` has sealed its files already."""

    certificate_id: UUID
    case_id: UUID
    position: int
    identifier: str
    version: int
    type_code: str
    type_version: int
    issuing_authority: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    number: str = field(repr=False)
    holders: tuple[Holder, ...] = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    verification_code: str = field(repr=False)
    token: str = field(repr=False)
    supersedes: UUID | None
    documents: tuple[StoredDocument, ...]
    key: DataKey = field(repr=False)
    object_names: tuple[str, ...]
    origin: Origin = BORN_SEALED


def insert_certificates(
    db: WriteConnection,
    keys: KeyRing,
    new: Sequence[NewCertificate],
    holders: Mapping[HolderCode, KnownHolder],
    *,
    actor: str,
    at: datetime,
) -> None:
    """Writes the records of one case with holders, documents and first status: four statements.

    They answer nothing: they can share a round trip.
    """
    if not new:
        return
    insert_rows(db, certificates, [_certificate_row(keys, item, at) for item in new])
    insert_rows(
        db,
        certificate_holders,
        [
            {
                "holder_id": holders[holder.code].holder_id,
                "certificate_id": item.certificate_id,
                "position": n,
                "data_key": wrapped_for(CERTIFICATES, item.certificate_id, holders[holder.code], item.key),
            }
            for item in new
            for n, holder in enumerate(item.holders)
        ],
    )
    insert_rows(
        db,
        documents,
        [
            _document_row(item.certificate_id, document, name)
            for item in new
            for document, name in zip(item.documents, item.object_names, strict=True)
        ],
    )
    insert_rows(
        db,
        status_events,
        [
            {
                "certificate_id": item.certificate_id,
                "action": Action.ISSUE,
                "status": Status.VALID,
                "actor": actor,
                "effective_on": item.issued_on,
                "at": at,
            }
            for item in new
        ],
    )


def _certificate_row(keys: KeyRing, item: NewCertificate, at: datetime) -> dict[str, object]:
    content = {
        "number": item.number,
        "holders": holder_json(item.holders),
        "fields": dict(item.fields),
        "code": item.verification_code,
        "token": item.token,
        # Only where it was not sealed when it was issued, as nothing was before there were imports.
        **({} if item.origin == BORN_SEALED else {"origin": origin_json(item.origin)}),
    }
    return {
        "id": item.certificate_id,
        "case_id": item.case_id,
        "position": item.position,
        "identifier": item.identifier,
        "version": item.version,
        "type_code": item.type_code,
        "type_version": item.type_version,
        "issuing_authority": item.issuing_authority,
        "issued_on": item.issued_on,
        "valid_from": item.valid_from,
        "valid_to": item.valid_to,
        "status": Status.VALID,
        "status_since": at,
        **index_values(keys, item.number, item.verification_code, item.token),
        "sealed": seal_json(item.key, content, content_place(item.certificate_id)),
        "supersedes": item.supersedes,
        "committed_at": at,
        "origin": None if item.origin == BORN_SEALED else item.origin.kind.value,
    }


def _document_row(certificate_id: UUID, document: StoredDocument, object_name: str) -> dict[str, object]:
    return {
        "certificate_id": certificate_id,
        "format": document.format,
        "sha256": bytes.fromhex(document.sha256),
        "sm3": bytes.fromhex(document.sm3),
        "size_bytes": document.size_bytes,
        "level": document.level,
        "seal_id": document.seal_id,
        "content_type": MEDIA_TYPES[document.format],
        "object_name": object_name,
    }
