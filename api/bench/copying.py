"""Rows of certificates straight into the tables by COPY, as a vault of years would have them.

They have envelopes that open and indexes that find them, but no objects: `fsck` would miss those, so they
belong into a vault that is thrown away. They rest: no seal is due to be raised, and their leaves have
places in no shard (below zero), so that the worker has nothing to do for them while others are measured.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg

from api.settings import Settings
from storage.certificates import content_place, index_values
from storage.envelope import KeyRing, seal_json
from storage.holders import content_place as holder_place
from storage.holders import holder_index
from storage.record_keys import CERTIFICATES, KnownHolder, holder_key_place, wrapped_for
from vault.model.catalogue import CertificateType
from vault.model.certificate import Status
from vault.model.holders import HolderCode
from vault.model.ids import uuid7
from vault.model.lifecycle import Action

Row = tuple[str, tuple[object, ...]]
"""A table's name and the values of its columns, in the order of `TABLES`."""

TABLES = {
    "holders": "id code_type code_index index_version data_key sealed",
    "cases": "id client_id number service_item completed_at request_digest attempt data_key sealed"
    " reserved_at committed_at",
    "reservations": "certificate_id case_id position identifier lineage version",
    "certificates": "id case_id position identifier version type_code type_version issuing_authority"
    " issued_on valid_from valid_to status status_since number_index code_index token_index index_version"
    " sealed supersedes superseded_by committed_at",
    "certificate_holders": "holder_id certificate_id position data_key",
    "documents": "certificate_id format sha256 sm3 size_bytes level seal_id content_type",
    "seal_terms": "certificate_id format level number state due_at lasts_until tries",
    "status_events": "certificate_id action status actor reason effective_on result at",
    "log_leaves": "certificate_id leaf leaf_hash promise log_index",
}
# Raised to the last level, and not to be renewed in the life of any bench.
_RESTS_UNTIL = datetime(2099, 12, 31, tzinfo=UTC)
_SIZE_BYTES = 42_000
_SERVICE_ITEM = "990100000999999"
# Gives a new document its first term; the made ones bring theirs.
_TERM_TRIGGER = "documents_seal_term"
_REFERENCES = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What every row needs: the vault's keys, the client that brought it, the seal on its file."""

    keys: KeyRing
    client_id: str
    seal_id: str


@dataclass(frozen=True, slots=True)
class Filed:
    """A certificate about to be copied. `leaf_place`: below zero and its own; `events`: after its issue."""

    certificate_id: UUID
    case_id: UUID
    position: int
    identifier: str
    lineage: str
    version: int
    kind: CertificateType
    issuer: str
    issued_on: date
    valid_to: date | None
    number: str = field(repr=False)
    code: str = field(repr=False)
    holders: Sequence[tuple[Mapping[str, str], KnownHolder]] = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    at: datetime
    leaf_place: int
    status: Status = Status.VALID
    supersedes: UUID | None = None
    superseded_by: UUID | None = None
    events: Sequence[tuple[Action, Status, str | None, date, str | None, datetime]] = ()


@contextmanager
def made_ready(db: psycopg.Connection) -> Iterator[None]:
    """For the block: no foreign keys on these tables, and no first terms; then both again.

    All references at once are checked far sooner than row by row. The made rows have no files: the worker
    would look for each of them in the store while others are measured.
    """
    found = db.execute(_REFERENCES, [list(TABLES)]).fetchall()
    for table, name, _ in found:
        db.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'.encode())
    db.execute(f"ALTER TABLE documents DISABLE TRIGGER {_TERM_TRIGGER}".encode())
    try:
        yield
    finally:
        db.execute(f"ALTER TABLE documents ENABLE TRIGGER {_TERM_TRIGGER}".encode())
        for table, name, definition in found:
            db.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}'.encode())


def some_seal(db: psycopg.Connection) -> str:
    """The seal that the made documents are said to bear."""
    found = db.execute("SELECT id FROM seals LIMIT 1").fetchone()
    return str(found[0]) if found else ""


def copy_rows(settings: Settings, rows: Iterator[Row]) -> None:
    """All these rows in one transaction, a binary COPY for each table."""
    by_table: dict[str, list[tuple[object, ...]]] = {table: [] for table in TABLES}
    for table, row in rows:
        by_table[table].append(row)
    with closing(psycopg.connect(settings.migrating_url)) as db, db.transaction():
        db.execute("SET LOCAL synchronous_commit = off")
        for table, columns in TABLES.items():
            _copy(db, table, ", ".join(columns.split()), by_table[table])


def _copy(db: psycopg.Connection, table: str, columns: str, rows: list[tuple[object, ...]]) -> None:
    """Binary COPY; `table` and `columns` are names from above."""
    with db.cursor() as cursor:
        described = cursor.execute(f"SELECT {columns} FROM {table} LIMIT 0".encode()).description or ()  # noqa: S608 - names from above
        types = [column.type_code for column in described]
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)".encode()) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


def holder_rows(plan: Plan, who: Mapping[str, str], at: datetime) -> tuple[KnownHolder, Row]:
    """A holder with a key of their own, and their row."""
    holder_id = uuid7(at)
    known = KnownHolder(holder_id, plan.keys.new_data_key(holder_key_place(holder_id)))
    index = holder_index(plan.keys, HolderCode(who["code_type"], who["code"]))
    sealed = seal_json(known.key, {"code": who["code"], "name": who["name"]}, holder_place(holder_id))
    row = (holder_id, who["code_type"], index, plan.keys.index_version, known.key.wrapped, sealed)
    return known, ("holders", row)


def case_row(plan: Plan, case_id: UUID, number: str, at: datetime) -> Row:
    """A committed case."""
    key = plan.keys.new_data_key(f"cases.data_key:{case_id}")
    sealed = seal_json(key, {"request": {}, "codes": []}, f"cases.sealed:{case_id}")
    digest = hashlib.sha256(case_id.bytes).digest()
    head = (case_id, plan.client_id, number, _SERVICE_ITEM, at, digest, 1)
    return "cases", (*head, key.wrapped, sealed, at, at)


def certificate_rows(plan: Plan, filed: Filed) -> Iterator[Row]:
    """The rows of a certificate but those of its case and its holders."""
    own, kind, token = filed.certificate_id, filed.kind, filed.certificate_id.hex
    content = {
        "number": filed.number,
        "holders": [dict(who) for who, _ in filed.holders],
        "fields": dict(filed.fields),
        "code": filed.code,
        "token": token,
    }
    key = plan.keys.new_record_key()
    yield (
        "reservations",
        (own, filed.case_id, filed.position, filed.identifier, filed.lineage, filed.version),
    )
    yield (
        "certificates",
        (
            *(own, filed.case_id, filed.position, filed.identifier, filed.version),
            *(kind.code, kind.version, filed.issuer, filed.issued_on, filed.issued_on, filed.valid_to),
            *(filed.status.value, filed.events[-1][-1] if filed.events else filed.at),
            *index_values(plan.keys, filed.number, filed.code, token).values(),
            *(seal_json(key, content, content_place(own)), filed.supersedes, filed.superseded_by, filed.at),
        ),
    )
    for position, (_, known) in enumerate(filed.holders):
        wrapped = wrapped_for(CERTIFICATES, own, known, key)
        yield "certificate_holders", (known.holder_id, own, position, wrapped)
    leaf = json.dumps({"identifier": filed.identifier, "row": own.hex}).encode()
    digest = hashlib.sha256(leaf).digest()
    file = (own, "pdf", digest, digest, _SIZE_BYTES, "B-LTA", plan.seal_id, "application/pdf")
    yield "documents", file
    yield "seal_terms", (own, "pdf", "B-LTA", 0, "resting", _RESTS_UNTIL, _RESTS_UNTIL, 0)
    issue = (
        own,
        Action.ISSUE.value,
        Status.VALID.value,
        plan.client_id,
        None,
        filed.issued_on,
        None,
        filed.at,
    )
    yield "status_events", issue
    for action, status, reason, on, result, at in filed.events:
        event = (own, action.value, status.value, plan.client_id, reason, on, result, at)
        yield "status_events", event
    yield "log_leaves", (own, leaf, digest, "{}", filed.leaf_place)
