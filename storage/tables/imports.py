"""Imports of a register's stock: their runs, and what became of each row, a chunk of rows to a row."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import metadata, moment

import_runs = Table(
    "import_runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    # check: every row is looked at and nothing stored; import
    Column("mode", Text, nullable=False),
    # SHA-256 of manifest and mapping: the same again is the same run, which goes on.
    Column("digest", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    # Where manifest, mapping and files are, for the worker; null where a terminal runs it.
    Column("source", JSONB),
    # Rows of the manifest; null until they are counted.
    Column("total", Integer),
    moment("started_at"),
    # When somebody last worked on it: long past and not finished means that it was broken off.
    moment("seen_at"),
    moment("finished_at", nullable=True),
    # Why it could not be begun or ended, in words.
    Column("failure", Text),
    UniqueConstraint("client_id", "mode", "digest"),
    CheckConstraint("mode IN ('check', 'import')", name="mode_known"),
)


# What became of consecutive rows. Nothing of a row itself: its number, its state, and why in words that hold
# no value.
import_chunks = Table(
    "import_chunks",
    metadata,
    Column("run_id", Uuid, ForeignKey("import_runs.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    # Each row's number in the manifest, and its state: a byte each (storage.imports).
    Column("rows", ARRAY(Integer), nullable=False),
    Column("states", LargeBinary, nullable=False),
    # Each row's certificate; null where it has none.
    Column("certificates", ARRAY(Uuid), nullable=False),
    # Of rejected rows, by number.
    Column("reasons", JSONB, nullable=False),
    Column("imported", Integer, nullable=False),
    Column("already_there", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    moment("done_at"),
)
