"""Makes a vault's rows and objects what the release before revision 0010 would have left."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, update

from storage.blobs import plain_name
from storage.db import WriteConnection
from storage.envelope import DataKey, Suite, open_json
from storage.envelope.suites import KEY_BYTES, encrypt
from storage.filed_objects import copy_page, document_objects, material_objects
from storage.history import look_keys, look_place
from storage.objects import FiledObject, read_copy, read_object
from storage.record_keys import CERTIFICATES, MATERIALS, USES, RecordKind, record_key, way_in, way_in_columns
from storage.tables import audit_events, cases, holders, material_events, people, webhook_secrets, webhooks
from vault.workshop import Workshop

NONCE_BYTES = 12


def as_before(workshop: Workshop) -> None:
    """Every row and object of this vault, which is the test's own and has its first keys."""
    _files_in_clear(workshop)
    with workshop.database.writing() as db:
        _histories(db, workshop)
        for kind in (CERTIFICATES, MATERIALS, USES):
            _records(db, workshop, kind)
        _cases(db, workshop)
        for table in (holders, people, webhooks, webhook_secrets):
            for row in db.execute(select(table)).all():
                key = workshop.keys.data_key(row.data_key, f"{table.name}.data_key:{row.id}").key
                content = open_json(DataKey(key), row.sealed, f"{table.name}.sealed:{row.id}")
                values = _sealed(workshop, table.name, row.id, key, content)
                db.execute(update(table).where(table.c.id == row.id).values(values))
        for statement in (
            "UPDATE certificate_holders SET data_key = NULL",
            "UPDATE material_holders SET data_key = NULL",
            "UPDATE use_holders SET data_key = NULL",
            "UPDATE certificates SET index_version = NULL",
            "UPDATE uses SET index_version = NULL",
            "UPDATE webhooks SET index_version = NULL",
            "UPDATE documents SET object_name = NULL",
            "UPDATE materials SET object_name = NULL",
            "UPDATE use_copies SET object_name = NULL",
            "DELETE FROM case_holders",
            "UPDATE key_state SET renewed_at = NULL",
        ):
            db.execute(text(statement))


def _files_in_clear(workshop: Workshop) -> None:
    with workshop.database.reading() as db:
        ids = [row.id for row in db.execute(text("SELECT id FROM certificates"))]
        of_certificates = document_objects(db, workshop.keys, ids).values()
        found = [filed for each in of_certificates for filed in each]
        ids = [row.id for row in db.execute(text("SELECT id FROM materials"))]
        of_materials = material_objects(db, workshop.keys, ids).values()
        found += [filed for filed in of_materials if not isinstance(filed, Exception)]
        copies = [
            copy for _, copy in copy_page(db, workshop.keys, None, 1000) if isinstance(copy, FiledObject)
        ]
    for copy in copies:
        workshop.blobs.put_copy(plain_name(copy.sha256), read_copy(workshop.blobs, copy), origin={"use": "x"})
        workshop.blobs.discard_copy(copy.stored_name)
    for filed in found:
        workshop.blobs.put_document(
            plain_name(filed.sha256),
            read_object(workshop.blobs, filed),
            retain_until=datetime.now(UTC) + timedelta(seconds=5),
            origin={},
        )


def _records(db: WriteConnection, workshop: Workshop, kind: RecordKind) -> None:
    opener = way_in(kind)
    query = select(kind.table, *way_in_columns(opener)).outerjoin(opener, text("true"))
    for row in db.execute(query).all():
        key = record_key(kind, workshop.keys, row)
        assert key is not None
        content = open_json(key, row.sealed, kind.content_place(row.id))
        values = _sealed(workshop, kind.table.name, row.id, key.key, content)
        db.execute(update(kind.table).where(kind.table.c.id == row.id).values(values))


def _cases(db: WriteConnection, workshop: Workshop) -> None:
    for row in db.execute(select(cases)).all():
        key = workshop.keys.data_key(row.data_key, f"cases.data_key:{row.id}")
        content = open_json(key, row.sealed, f"cases.sealed:{row.id}")
        if row.committed_at is not None:
            content = {**content, "codes": [{"code": "X", "token": "Y"}]}
        plain = json.dumps(content["request"], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        values = _sealed(workshop, "cases", row.id, key.key, content)
        values |= {"request_digest": hashlib.sha256(plain.encode()).digest(), "index_version": None}
        db.execute(update(cases).where(cases.c.id == row.id).values(values))


def _histories(db: WriteConnection, workshop: Workshop) -> None:
    for table in ("audit_events", "material_events"):
        db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    for row in db.execute(select(audit_events).where(audit_events.c.sealed.is_not(None))).all():
        key = look_keys(db, workshop.keys, [row])[row.id]
        assert key is not None
        place = look_place("sealed", row.actor, row.at)
        content = open_json(key, row.sealed, place)
        values = {
            "data_key": _wrapped(workshop, key.key, look_place("data_key", row.actor, row.at)),
            "sealed": _envelope(key.key, content, place),
            "index_version": None,
        }
        db.execute(update(audit_events).where(audit_events.c.id == row.id).values(values))
    for row in db.execute(select(material_events)).all():
        opener = way_in(MATERIALS)
        query = select(MATERIALS.table, *way_in_columns(opener)).outerjoin(opener, text("true"))
        material = db.execute(query.where(MATERIALS.table.c.id == row.material_id)).one()
        outer = record_key(MATERIALS, workshop.keys, material)
        assert outer is not None
        place = f"material_events.sealed:{row.material_id}"
        content, own = open_json(outer, row.sealed, place), secrets.token_bytes(KEY_BYTES)
        values = {
            "data_key": _wrapped(workshop, own, f"material_events.data_key:{row.material_id}"),
            "sealed": _envelope(own, content, place),
        }
        db.execute(update(material_events).where(material_events.c.id == row.id).values(values))
    for table in ("audit_events", "material_events"):
        db.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


def _sealed(
    workshop: Workshop, table: str, row_id: UUID, key: bytes, content: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "data_key": _wrapped(workshop, key, f"{table}.data_key:{row_id}"),
        "sealed": _envelope(key, content, f"{table}.sealed:{row_id}"),
    }


def _wrapped(workshop: Workshop, key: bytes, where: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    outer = workshop.keys.keys.wrapping[1].key
    return b"\x01" + nonce + encrypt(Suite.AES, outer, nonce, key, where.encode())


def _envelope(key: bytes, content: Mapping[str, Any], where: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    plain = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return nonce + encrypt(Suite.AES, key, nonce, plain, where.encode())
