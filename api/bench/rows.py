"""Many certificates' rows, quickly: with envelopes that open and indexes that find them, but no objects.

They go straight into the tables by COPY, as a vault of years would have them; `fsck` would miss their
objects, so they belong into a vault that is thrown away. Sealing envelopes costs most of the time, so every
core makes and copies rows of its own.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import psycopg

from api.bench.requests import holder
from api.settings import Settings
from storage.certificates import content_place, index_values
from storage.envelope import KeyRing, file_key_ring, seal_json
from storage.holders import holder_index
from storage.record_keys import CERTIFICATES, KnownHolder, wrapped_for
from vault.founding import SecretsFolder
from vault.model.catalogue import CertificateType
from vault.model.certificate import Status
from vault.model.holders import HolderCode
from vault.model.identifier import CertificateIdentifier
from vault.model.ids import uuid7

ROWS_GROUP = "R"
"""Organisations of this group hold the made rows, each one certificate of every kind."""
CASE_PREFIX = "ROW-"
# A COPY of so many holders keeps a few megabytes in memory; more makes it no faster.
BATCH_HOLDERS = 2_000
TELL_EVERY_HOLDERS = 20_000
# Rows as if from the past years, one a second: ids sort by time, as real ones do.
_FIRST_AT = datetime(2020, 1, 1, tzinfo=UTC)
_ISSUED_ON, _VALID_TO = date(2020, 1, 1), date(2099, 12, 31)
# Raised to the last level, and not to be renewed in the life of any bench.
_RESTS_UNTIL = datetime(2099, 12, 31, tzinfo=UTC)

_TABLES = {
    "holders": "id code_type code_index index_version data_key sealed",
    "cases": "id client_id number service_item completed_at request_digest attempt applicant_index data_key"
    " sealed reserved_at committed_at",
    "reservations": "certificate_id case_id position identifier lineage version",
    "certificates": "id case_id position identifier version type_code type_version issuing_authority"
    " issued_on valid_from valid_to status status_since number_index code_index token_index index_version"
    " sealed committed_at",
    "certificate_holders": "holder_id certificate_id position data_key",
    "documents": "certificate_id format sha256 sm3 size_bytes level seal_id content_type",
    "seal_terms": "certificate_id format level number state due_at lasts_until tries",
    "status_events": "certificate_id action status actor at",
    "log_leaves": "certificate_id leaf leaf_hash promise",
}
# Gives a new document its first term; the made ones bring theirs.
_TERM_TRIGGER = "documents_seal_term"
_REFERENCES = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])
"""
_Rows = dict[str, list[tuple[object, ...]]]


@dataclass(frozen=True, slots=True)
class _Plan:
    keys: KeyRing
    kinds: tuple[CertificateType, ...]
    client_id: str
    seal_id: str


def fill(
    settings: Settings,
    kinds: tuple[CertificateType, ...],
    certificates: int,
    *,
    client_id: str,
    cores: Sequence[ProcessPoolExecutor],
    tell: Callable[[str], None],
) -> int:
    """Adds organisations of `ROWS_GROUP` until they have so many certificates; the number of organisations.

    Each has one certificate of every kind given, with the fields of the kind's example. What an interrupted
    run left out is made up for.
    """
    wanted = -(-certificates // len(kinds))
    with closing(psycopg.connect(settings.migrating_url, autocommit=True)) as db:
        found = db.execute("SELECT number FROM cases WHERE number LIKE %s", [f"{CASE_PREFIX}%"])
        there = {int(number.removeprefix(CASE_PREFIX)) for (number,) in found}
        seal = db.execute("SELECT id FROM seals LIMIT 1").fetchone()
        missing = [n for n in range(wanted) if n not in there]
        made = wanted - len(missing)
        if missing:
            with _unchecked_references(db), _no_first_terms(db):
                running = [
                    cores[place % len(cores)].submit(
                        _make,
                        settings,
                        kinds,
                        client_id,
                        str(seal[0]) if seal else "",
                        missing[first : first + BATCH_HOLDERS],
                    )
                    for place, first in enumerate(range(0, len(missing), BATCH_HOLDERS))
                ]
                told = made
                for each in as_completed(running):
                    made += each.result()
                    if made - told >= TELL_EVERY_HOLDERS or made == wanted:
                        tell(f"{made * len(kinds):,} of {certificates:,} certificates made.")
                        told = made
            # Planner and visibility map as they are in a vault that has stood for a while.
            db.execute("VACUUM (ANALYZE)")
    return max(len(there), wanted)


@contextmanager
def _unchecked_references(db: psycopg.Connection) -> Iterator[None]:
    """Drops the tables' foreign keys for the block: all at once is checked far sooner than row by row."""
    found = db.execute(_REFERENCES, [list(_TABLES)]).fetchall()
    for table, name, _ in found:
        db.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'.encode())
    try:
        yield
    finally:
        for table, name, definition in found:
            db.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}'.encode())


@contextmanager
def _no_first_terms(db: psycopg.Connection) -> Iterator[None]:
    """Keeps the calendar of seals from giving the made rows terms that are due at once.

    They have no files: the worker would look for each of them in the store while others are measured.
    """
    db.execute(f"ALTER TABLE documents DISABLE TRIGGER {_TERM_TRIGGER}".encode())
    try:
        yield
    finally:
        db.execute(f"ALTER TABLE documents ENABLE TRIGGER {_TERM_TRIGGER}".encode())


def _make(
    settings: Settings, kinds: tuple[CertificateType, ...], client_id: str, seal_id: str, batch: list[int]
) -> int:
    """The rows of these organisations, made and copied by the process that this runs in."""
    keys = file_key_ring(SecretsFolder(settings.secrets).key_ring)
    plan = _Plan(keys, kinds, client_id, seal_id)
    rows: _Rows = {table: [] for table in _TABLES}
    for n in batch:
        for table, row in _organisation(plan, n):
            rows[table].append(row)
    with closing(psycopg.connect(settings.migrating_url)) as db, db.transaction():
        db.execute("SET LOCAL synchronous_commit = off")
        for table, columns in _TABLES.items():
            _copy(db, table, ", ".join(columns.split()), rows[table])
    return len(batch)


def _copy(db: psycopg.Connection, table: str, columns: str, rows: list[tuple[object, ...]]) -> None:
    """Binary COPY; `table` and `columns` are names from above."""
    with db.cursor() as cursor:
        described = cursor.execute(f"SELECT {columns} FROM {table} LIMIT 0".encode()).description or ()  # noqa: S608 - names from above
        types = [column.type_code for column in described]
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)".encode()) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


def _organisation(plan: _Plan, n: int) -> Iterator[tuple[str, tuple[object, ...]]]:
    """The rows of one organisation: one case that brought one certificate of every kind."""
    at = _FIRST_AT + timedelta(seconds=n)
    who = holder(ROWS_GROUP, n)
    index = holder_index(plan.keys, HolderCode(who["code_type"], who["code"]))
    holder_id, case_id = uuid7(at), uuid7(at)
    known = KnownHolder(holder_id, plan.keys.new_data_key(f"holders.data_key:{holder_id}"))
    key = known.key
    sealed = seal_json(key, {"code": who["code"], "name": who["name"]}, f"holders.sealed:{holder_id}")
    yield (
        "holders",
        (holder_id, who["code_type"], index, plan.keys.index_version, key.wrapped, sealed),
    )
    key = plan.keys.new_data_key(f"cases.data_key:{case_id}")
    sealed = seal_json(key, {"request": {}, "codes": []}, f"cases.sealed:{case_id}")
    digest = hashlib.sha256(case_id.bytes).digest()
    number = f"{CASE_PREFIX}{n:08d}"
    yield (
        "cases",
        (
            case_id,
            plan.client_id,
            number,
            "990100000999999",
            at,
            digest,
            1,
            index,
            key.wrapped,
            sealed,
            at,
            at,
        ),
    )
    for position, kind in enumerate(plan.kinds):
        certificate_id = uuid7(at)
        yield from _certificate(plan, kind, n, position, who, known, certificate_id, case_id, at)


def _certificate(
    plan: _Plan,
    kind: CertificateType,
    n: int,
    position: int,
    who: dict[str, str],
    known: KnownHolder,
    certificate_id: UUID,
    case_id: UUID,
    at: datetime,
) -> Iterator[tuple[str, tuple[object, ...]]]:
    issuer = kind.authorities[0].code
    identifier = CertificateIdentifier(kind.code, issuer, f"ROW{n:014d}{position:03d}", 1)
    number, code, token = f"ROW{n:08d}{position}", f"{n:010d}", certificate_id.hex
    content = {
        "number": number,
        "holders": [who],
        "fields": dict(kind.example["fields"]),
        "code": code,
        "token": token,
    }
    key = plan.keys.new_record_key()
    sealed = seal_json(key, content, content_place(certificate_id))
    text = str(identifier)
    yield "reservations", (certificate_id, case_id, position, text, f"row-{n}-{position}", 1)
    yield (
        "certificates",
        (
            *(certificate_id, case_id, position, text, 1, kind.code, kind.version, issuer),
            *(_ISSUED_ON, _ISSUED_ON, _VALID_TO, Status.VALID.value, at),
            *index_values(plan.keys, number, code, token).values(),
            *(sealed, at),
        ),
    )
    wrapped = wrapped_for(CERTIFICATES, certificate_id, known, key)
    yield "certificate_holders", (known.holder_id, certificate_id, 0, wrapped)
    leaf = json.dumps({"row": certificate_id.hex}).encode()
    digest = hashlib.sha256(leaf).digest()
    yield (
        "documents",
        (certificate_id, "pdf", digest, digest, 42_000, "B-LTA", plan.seal_id, "application/pdf"),
    )
    yield (
        "seal_terms",
        (certificate_id, "pdf", "B-LTA", 0, "resting", _RESTS_UNTIL, _RESTS_UNTIL, 0),
    )
    yield "status_events", (certificate_id, "issue", Status.VALID.value, plan.client_id, at)
    yield "log_leaves", (certificate_id, leaf, digest, "{}")
