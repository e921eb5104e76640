"""What the public addresses of the log answer: files of the bucket, byte for byte, and proofs."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

from signing.log_note import verifier_key
from storage.db import ReadConnection
from storage.log import LoggedLeaf, NotPublished, logged_leaf, newest_shard, read_tiles, shards
from storage.log_heads import newest_checkpoint, newest_publication
from vault.errors import IntegrityError, NotFound, SignatureError
from vault.model.legal_time import LEGAL_TIME
from vault.model.scope import NOBODY
from vault.tlog.proof_file import ProofFile
from vault.tlog.tiles import Tile, prove_inclusion
from vault.transparency.published import checkpoint_path
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file of the log. `fresh_for`: how long it surely stays as it is at the address it was asked at."""

    content: bytes = field(repr=False)
    fresh_for: timedelta


@dataclass(frozen=True, slots=True)
class ShardState:
    """A shard for everybody who wants to follow the log. `size`: of its published checkpoint."""

    year: int
    origin: str
    verifier_key: str
    size: int
    closed: bool


LEAF_NOT_PUBLISHED = "The log has promised to include this leaf, and has not published it yet."
# A tile never changes; a year is what caches keep at most.
FOR_EVER = timedelta(days=365)
# C2SP tlog-tiles: a checkpoint is not to be cached for longer than a few seconds.
CHECKPOINT_FRESH = timedelta(seconds=3)


def checkpoint(workshop: Workshop, year: int | None) -> LogFile:
    """The newest checkpoint of a shard, or of the shard of today.

    Raises:
        NotFound: the log has no such shard, or nothing is published yet.
        Unavailable: an engine does not answer.
    """
    content = workshop.log_store.read(checkpoint_path(_year(workshop, year)))
    if content is None:
        raise NotFound("The log has published nothing here yet.")
    return LogFile(content, CHECKPOINT_FRESH)


def tile(workshop: Workshop, year: int | None, wanted: Tile, *, entries: bool, at: datetime) -> LogFile:
    """A tile or an entry bundle. Without a year it is one of today's shard, and fresh until that may end.

    Raises:
        NotFound: the log has no such shard, or has not published this.
        Unavailable: an engine does not answer.
    """
    shard = _year(workshop, year)
    content = workshop.log_store.read(f"{shard}/{wanted.entries_path if entries else wanted.path}")
    if content is None:
        raise NotFound("The log has not published this.")
    if year is not None:
        return LogFile(content, FOR_EVER)
    end = datetime(shard + 1, 1, 1, tzinfo=LEGAL_TIME).astimezone(UTC)
    return LogFile(content, min(FOR_EVER, max(end - at, timedelta(0))))


def proof(workshop: Workshop, certificate_id: UUID, leaf_hash: bytes | None) -> tuple[str, bytes]:
    """The proof that a certificate's leaf (with this hash, or of its issue) is in the log: origin and file.

    It leads to the newest published checkpoint, or to the newest one that witnesses have signed, if there is
    one that has the leaf. Its `extra` is the leaf itself.

    Raises:
        NotFound: there is no such leaf, or no published checkpoint has it yet.
        IntegrityError: the tree in the database is damaged.
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(NOBODY) as db:
        return prove_leaf(db, certificate_id, leaf_hash)


def prove_leaf(db: ReadConnection, certificate_id: UUID | None, leaf_hash: bytes | None) -> tuple[str, bytes]:
    """As `proof`; without a certificate for one of the log's own leaves. Two statements.

    Raises:
        NotFound: there is no such leaf, or no published checkpoint has it yet.
        IntegrityError: the tree in the database is damaged.
    """
    match logged_leaf(db, certificate_id, leaf_hash):
        case None:
            raise NotFound("The log has no such leaf.")
        case NotPublished():
            raise NotFound(LEAF_NOT_PUBLISHED)
        case LoggedLeaf() as found:
            try:
                hashes = prove_inclusion(found.index, found.size, partial(read_tiles, db, str(found.year)))
            except SignatureError as error:
                raise IntegrityError(f"The log's tree in the database is damaged: {error.detail}") from error
            note = found.note + "".join(found.lines).encode()
            return found.origin, ProofFile(found.leaf, found.index, hashes, note).encode()


def shard_states(workshop: Workshop) -> tuple[ShardState, ...]:
    """Every shard, oldest first.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(NOBODY) as db:
        known = shards(db)
        published = [newest_publication(db, shard.year) for shard in known]
        newest = [newest_checkpoint(db, shard.year) for shard in known]
    return tuple(
        ShardState(
            shard.year,
            shard.origin,
            str(verifier_key(workshop.log_key, shard.origin)),
            0 if seen is None else seen.size,
            shard is not known[-1] and seen is not None and seen == last,
        )
        for shard, seen, last in zip(known, published, newest, strict=True)
    )


def _year(workshop: Workshop, year: int | None) -> int:
    if year is not None:
        return year
    with workshop.database.reading(NOBODY) as db:
        shard = newest_shard(db)
    if shard is None:
        raise NotFound("The log has published nothing here yet.")
    return shard.year
