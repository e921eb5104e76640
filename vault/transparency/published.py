"""What everybody may see of the log, and whether the database still agrees with it.

The log's bucket has the last word: a database that was restored from an older backup knows less than what has
been published, and would sign another history. So nothing is sequenced before both agree.
"""

from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from signing.log_note import SignedCheckpoint, open_checkpoint, verifier_key
from storage.log import ShardRow, shards
from storage.log_heads import checkpoint_at, newest_publication
from storage.log_store import StoredFile
from vault.errors import InputError, IntegrityError, SignatureError
from vault.log import LOG_PATH
from vault.model.legal_time import legal_day
from vault.model.scope import NOBODY
from vault.tlog.note import VerifierKey
from vault.workshop import Workshop

# A shard ends with its year; the one before it may still have its closing checkpoint to publish.
LIVE_SHARDS = 2


@dataclass(frozen=True, slots=True)
class Published:
    """A shard's checkpoint as the bucket has it."""

    file: StoredFile = field(repr=False)
    signed: SignedCheckpoint

    @property
    def size(self) -> int:
        """Its number of leaves."""
        return self.signed.checkpoint.size


def origin_of(workshop: Workshop, year: int) -> str:
    """The origin of a shard that is opened now: the public address without its scheme."""
    parts = urlsplit(workshop.public_url)
    return f"{parts.netloc}{LOG_PATH}/{year}"


def key_of(workshop: Workshop, shard: ShardRow) -> VerifierKey:
    """The key that checks this shard's checkpoints: its name is the shard's origin."""
    return verifier_key(workshop.log_key, shard.origin)


def year_of(at: datetime) -> int:
    """The year whose shard takes what is sequenced now, by China's calendar."""
    return legal_day(at).year


def checkpoint_path(year: int) -> str:
    """Where the bucket has a shard's checkpoint."""
    return f"{year}/checkpoint"


def published(workshop: Workshop, shard: ShardRow) -> Published | None:
    """A shard's checkpoint as the bucket has it; None where there is none.

    Raises:
        IntegrityError: what is there is no checkpoint that this vault's log key has signed.
        Unavailable: the object store does not answer.
    """
    file = workshop.log_store.checkpoint(checkpoint_path(shard.year))
    if file is None:
        return None
    try:
        return Published(file, open_checkpoint(file.content, key_of(workshop, shard)))
    except (InputError, SignatureError) as error:
        raise IntegrityError(
            f"The published checkpoint of {shard.origin} is not one that this log has signed: {error.detail}"
        ) from error


def check_agreement(workshop: Workshop, *, at: datetime, rebuild: bool = False) -> None:
    """Proves that the database knows what has been published, and is no older.

    `rebuild`: a checkpoint that is not there any more is no contradiction.

    Raises:
        IntegrityError: it does not: whatever was sequenced now would fork the log.
        Unavailable: an engine does not answer.
    """
    with workshop.database.reading(NOBODY) as db:
        known = shards(db)
    if not known or known[-1].year < year_of(at):
        _check_unopened(workshop, year_of(at))
    for shard in known[-LIVE_SHARDS:]:
        found = published(workshop, shard)
        with workshop.database.reading(NOBODY) as db:
            if found is None:
                row, newest = None, newest_publication(db, shard.year)
            else:
                row, newest = checkpoint_at(db, shard.year, found.size), None
        if found is None and newest is not None and not rebuild:
            raise IntegrityError(
                f"The log's bucket has lost the checkpoint of {shard.origin} with its {newest.size} leaves. "
                "Bring the bucket back, or write it anew: certvault log sequence --rebuild."
            )
        if found is not None and (row is None or row.root != found.signed.checkpoint.root):
            raise IntegrityError(
                f"The published checkpoint of {shard.origin} has {found.size} leaves and is not known to the "
                "database: it was restored from an older backup. Nothing is sequenced, since that would fork "
                "the log. Bring back a database that is no older than the log."
            )


def _check_unopened(workshop: Workshop, year: int) -> None:
    if workshop.log_store.checkpoint(checkpoint_path(year)) is not None:
        raise IntegrityError(
            f"The log's bucket has a shard of {year} that the database does not know: the database is new or "
            "was restored from an older backup. Nothing is sequenced, since that would fork the log."
        )
