"""A log of one's own for each test: a schema, a bucket, and the suite's keys."""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from psycopg import connect
from sqlalchemy import event, text

from migrations.run import upgrade
from signing.log_key import LogKey
from signing.log_note import cosigned_message
from storage.blobs import BlobStore
from storage.db import Database
from storage.embedded import EngineAddresses
from storage.history import AuditRow, LeafRow, insert_audit, insert_leaves
from storage.log import ShardRow, shards
from storage.log_store import LogStore
from storage.s3 import StoreAddress
from tests.conftest import House
from vault.log import promised
from vault.model.scope import VAULT
from vault.tlog.note import COSIGNATURE_V1, Note, NoteSignature, VerifierKey
from vault.transparency.published import key_of, published
from vault.transparency.sequencing import Sequenced, sequence
from vault.workshop import Workshop

AT = datetime(2026, 6, 1, tzinfo=UTC)
"""When these tests' logs begin; each goes on as it says."""
AT_ONCE = timedelta(0)
GUARDED = (
    "audit_events",
    "audit_chain",
    "audit_heads",
    "log_leaves",
    "log_checkpoints",
    "log_publications",
    "log_shards",
)


@dataclass(frozen=True, slots=True)
class Log:
    """A log of one's own."""

    workshop: Workshop
    address: StoreAddress
    name: str

    def add(self, count: int, *, at: datetime = AT, name: str = "leaf") -> list[bytes]:
        """Leaves as deposits would leave them, of nobody's certificate."""
        contents = [
            json.dumps(
                {"event": "issue", "identifier": f"{name}-{n}", "documents": [], "at": at.isoformat()}
            ).encode()
            for n in range(count)
        ]
        leaves = [promised(self.workshop.log_key, c, at + self.workshop.promise_within) for c in contents]
        with self.workshop.database.writing(VAULT) as db:
            insert_leaves(db, [LeafRow(uuid4(), leaf.content, leaf.hash, leaf.promise) for leaf in leaves])
        return contents

    def audit(self, count: int, *, at: datetime = AT, actor: str = "suite") -> None:
        """Audit events as flows would leave them."""
        events = [AuditRow(actor, "view", None, None, {"n": n}) for n in range(count)]
        with self.workshop.database.writing(VAULT) as db:
            insert_audit(db, events, at)

    def sequence(self, *, at: datetime = AT) -> Sequenced:
        """A run of the sequencer that also chains the audit events."""
        return sequence(self.workshop, at=at, heads_apart=AT_ONCE)

    def size(self) -> int:
        """The size of the newest shard's published checkpoint."""
        shard = self.shards()[-1]
        found = published(self.workshop, shard)
        return -1 if found is None else found.size

    def shards(self) -> Sequence[ShardRow]:
        """Every shard."""
        with self.workshop.database.reading(VAULT) as db:
            return shards(db)

    def key(self) -> VerifierKey:
        """The newest shard's verifier key."""
        return key_of(self.workshop, self.shards()[-1])

    def changed(self, *statements: str, **values: object) -> None:
        """What somebody who rules the database does, guards and all."""
        with self.workshop.database.writing(VAULT) as db:
            for table in GUARDED:
                db.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
            for statement in statements:
                assert db.execute(text(statement), values).rowcount != 0
            for table in GUARDED:
                db.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


class SchemaDatabase(Database):
    """A pool whose connections see one schema."""

    def __init__(self, url: str, schema: str) -> None:
        super().__init__(url, pool_size=12)

        def enter(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
            connection.execute(f"SET search_path TO {schema}")
            connection.commit()

        event.listen(self._engine, "connect", enter)


def open_log(house_workshop: Workshop, engines: EngineAddresses, name: str) -> Log:
    """The log of this name, its schema and bucket made already."""
    address = StoreAddress(
        engines.s3_endpoint,
        engines.s3_access_key,
        engines.s3_secret_key,
        log_bucket=name.replace("_", "-"),
    )
    database = SchemaDatabase(engines.owner_database_url, name)
    workshop = replace(house_workshop, database=database, log_store=LogStore(address))
    return Log(workshop, address, name)


@contextmanager
def log_of_ones_own(house: House, engines: EngineAddresses) -> Iterator[Log]:
    """A schema in the vault's database and a bucket beside the vault's."""
    name = f"log_{secrets.token_hex(6)}"
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {name}".encode())
    upgrade(f"{engines.owner_database_url}?options=-csearch_path%3D{name}", service_url=engines.database_url)
    found = open_log(house.wired.workshop, engines, name)
    BlobStore(found.address).prepare()
    with found.workshop.database.writing(VAULT) as db:
        # Leaves of certificates that nobody deposited: the sequencer does not look at more than the leaves.
        db.execute(text("ALTER TABLE log_leaves DROP CONSTRAINT fk_log_leaves_certificate_id"))
    yield found
    found.workshop.database.close()
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(f"DROP SCHEMA {name} CASCADE".encode())


@pytest.fixture
def log(house: House, engines: EngineAddresses) -> Iterator[Log]:
    """A log of the test's own, nothing in it."""
    with log_of_ones_own(house, engines) as found:
        yield found


def cosign(key: LogKey, name: str, text_: str, at: datetime) -> NoteSignature:
    """What a witness would answer: C2SP tlog-cosignature, v1."""
    seconds = int(at.timestamp())
    signed = key.sign_bytes(cosigned_message(text_, seconds))
    named = VerifierKey(name, COSIGNATURE_V1, key.public)
    return NoteSignature(name, named.key_id, seconds.to_bytes(8, "big") + signed)


def cosigned(note: Note, *signatures: NoteSignature) -> bytes:
    """The note with these lines below it."""
    return Note(note.text, (*note.signatures, *signatures)).encode()
