"""What an import is told to do with a chunk of rows. Plain values: they go to processes."""

from dataclasses import dataclass, field
from uuid import UUID

from vault.errors import SealCapReached
from vault.importing.files import FilesPlace
from vault.importing.mapping import RegisterMapping
from vault.importing.sheets import ManifestRow
from vault.model.actors import ClientGrant
from vault.model.imports import ImportMode, RowOutcome

# Rows that are reserved, stored and committed together: a transaction of some ten milliseconds, an object of
# some megabytes.
CHUNK_ROWS = 64
# Plain bytes of one such object: what a process holds three times over.
PART_MAX_BYTES = 24 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ChunkOrder:
    """Consecutive rows of a run's manifest; `number` counts chunks from 0."""

    run_id: UUID
    mode: ImportMode
    client: ClientGrant
    mapping: RegisterMapping
    files: FilesPlace
    number: int
    rows: tuple[ManifestRow, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """What became of a chunk's rows; None where another import is at them at this moment.

    `waits`: why some of them are still pending: a grant is used up for today.
    """

    number: int
    outcomes: tuple[RowOutcome, ...] | None
    waits: SealCapReached | None = None
