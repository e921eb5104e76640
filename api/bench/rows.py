"""Many certificates' rows, quickly: with envelopes that open and indexes that find them, but no objects.

They go straight into the tables by COPY, as a vault of years would have them; `fsck` would miss their
objects, so they belong into a vault that is thrown away.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing
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
# Rows as if from the past years, one a second: ids sort by time, as real ones do.
_FIRST_AT = datetime(2020, 1, 1, tzinfo=UTC)
_ISSUED_ON, _VALID_TO = date(2020, 1, 1), date(2099, 12, 31)

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
    "status_events": "certificate_id action status actor at",
    "log_leaves": "certificate_id leaf leaf_hash promise",
}
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
    tell: Callable[[str], None],
) -> int:
    """Adds organisations of `ROWS_GROUP` until they have so many certificates; the number of organisations.

    Each has one certificate of every kind given, with the fields of the kind's example.
    """
    keys = file_key_ring(SecretsFolder(settings.secrets).key_ring)
    wanted = -(-certificates // len(kinds))
    with closing(psycopg.connect(settings.database_url.get_secret_value(), autocommit=True)) as db:
        row = db.execute("SELECT count(*) FROM cases WHERE number LIKE %s", [f"{CASE_PREFIX}%"]).fetchone()
        seal = db.execute("SELECT id FROM seals LIMIT 1").fetchone()
        there, seal_id = int(row[0]) if row else 0, str(seal[0]) if seal else ""
        plan = _Plan(keys, kinds, client_id, seal_id)
        for first in range(there, wanted, BATCH_HOLDERS):
            last = min(first + BATCH_HOLDERS, wanted)
            _copy(db, _batch(plan, first, last))
            tell(f"{last * len(kinds):,} of {certificates:,} certificates made.")
        if there < wanted:
            db.execute("ANALYZE")
    return max(there, wanted)


def _copy(db: psycopg.Connection, rows: _Rows) -> None:
    with db.transaction(), db.cursor() as cursor:
        for table, columns in _TABLES.items():
            names = ", ".join(columns.split())
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN".encode()) as copy:  # names from above
                for row in rows[table]:
                    copy.write_row(row)


def _batch(plan: _Plan, first: int, last: int) -> _Rows:
    rows: _Rows = {table: [] for table in _TABLES}
    for n in range(first, last):
        for table, row in _organisation(plan, n):
            rows[table].append(row)
    return rows


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
        (certificate_id, "pdf", digest, digest, 42_000, "B-B", plan.seal_id, "application/pdf"),
    )
    yield "status_events", (certificate_id, "issue", Status.VALID.value, plan.client_id, at)
    yield "log_leaves", (certificate_id, leaf, digest, "{}")
