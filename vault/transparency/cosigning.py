"""Witnesses: their cosignatures are taken when they bring them, and asked for where they have an address.

Only the keys of configured witnesses count (C2SP tlog-cosignature, v1), and only on a checkpoint that this
log has published, byte for byte. What they assert: at that time this was the largest tree they had seen, and
it was an extension of every smaller one.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus

from signing.log_note import Cosignature, read_cosignature
from storage.log import ShardRow, newest_shard, read_tiles, shards
from storage.log_heads import (
    CheckpointRow,
    CosignatureRow,
    checkpoint_at,
    insert_cosignature,
    largest_cosigned_by,
    newest_publication,
)
from vault.errors import InputError, SignatureError, VaultError
from vault.model.scope import NOBODY
from vault.tlog.checkpoint import parse_checkpoint, parse_decimal
from vault.tlog.note import Note, key_named, parse_note, parse_signatures
from vault.tlog.tiles import prove_consistency
from vault.tlog.witness import Witness
from vault.transparency.publishing import put_cosignatures
from vault.workshop import Workshop

# Clocks of witnesses may be so far ahead of ours.
SKEW = timedelta(minutes=5)

Post = Callable[[str, bytes], tuple[int, bytes]]
"""Sends a body to an address by POST: status and body of the answer. Raises `Unavailable`."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Cosignatures on a checkpoint of `size` leaves: the witnesses' names, and how many were new."""

    origin: str
    size: int
    witnesses: tuple[str, ...]
    new: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a witness answered: its cosignature was taken, or a sentence why not."""

    witness: str
    refusal: str | None


def take_cosignatures(workshop: Workshop, content: bytes, *, at: datetime) -> Taken:
    """Keeps what known witnesses have signed: `content` is the checkpoint with their lines below it.

    1. the checkpoint must be one that this log published; 2. every line of a known witness must hold, and its
    time must not lie ahead; lines of others are not looked at; 3. keep them; 4. publish them beside it.
    Sent again, the same is answered again.

    Raises:
        InputError: it is no such note, the checkpoint is not ours, or no line of a known witness is in it.
        IntegrityError: what is published is no checkpoint of this log.
        Unavailable: an engine does not answer.
    """
    note = parse_note(content)
    shard, row = _ours(workshop, note)  # 1
    known = [witness.key for witness in workshop.witnesses]
    lines = [line for line in note.signatures if key_named(known, line) is not None]
    if not lines:
        raise InputError("No line is of a witness that this log knows.")
    try:
        cosignatures = [read_cosignature(note.text, line, known) for line in lines]  # 2
    except SignatureError as error:
        raise InputError(error.detail) from error
    if any(each.at > at + SKEW for each in cosignatures):
        raise InputError("A cosignature's time lies in the future.")
    new = _keep(workshop, row, cosignatures, at)  # 3
    put_cosignatures(workshop, shard, row.size)  # 4
    names = tuple(sorted({each.witness for each in cosignatures}))
    return Taken(shard.origin, row.size, names, new)


def ask_witnesses(workshop: Workshop, post: Post, *, at: datetime) -> tuple[Asked, ...]:
    """Shows the newest checkpoint to witnesses with an address that have not signed it (C2SP tlog-witness).

    A witness that fails costs nothing but its line: it is asked again after the next checkpoint.

    Raises:
        IntegrityError: the tree in the database is damaged.
        Unavailable: an engine of the vault does not answer.
    """
    with workshop.database.reading(NOBODY) as db:
        shard = newest_shard(db)
        row = None if shard is None else newest_publication(db, shard.year)
    if shard is None or row is None:
        return ()
    asked = []
    for witness in workshop.witnesses:
        if witness.url is None:
            continue
        with workshop.database.reading(NOBODY) as db:
            old = largest_cosigned_by(db, shard.year, witness.key.name)
        if old < row.size:
            try:
                _ask(workshop, witness, shard, row, old, post, at)
                asked.append(Asked(witness.key.name, None))
            except VaultError as error:
                asked.append(Asked(witness.key.name, error.detail))
    return tuple(asked)


def _ask(
    workshop: Workshop,
    witness: Witness,
    shard: ShardRow,
    row: CheckpointRow,
    old: int,
    post: Post,
    at: datetime,
) -> None:
    """One request; a second one where the witness remembers another size than we do."""
    address = f"{witness.url}/add-checkpoint"
    status, body = post(address, _request(workshop, shard, row, old))
    if status == HTTPStatus.CONFLICT:
        old = parse_decimal(body.decode("ascii", "replace").removesuffix("\n"))
        status, body = post(address, _request(workshop, shard, row, old))
    if status != HTTPStatus.OK:
        raise InputError(f"It answered {status}.")
    lines = parse_signatures(body.decode("utf-8", "replace"))
    own = tuple(line for line in lines if witness.key.made(line))
    note = parse_note(row.note)
    take_cosignatures(workshop, Note(note.text, note.signatures + own).encode(), at=at)


def _request(workshop: Workshop, shard: ShardRow, row: CheckpointRow, old: int) -> bytes:
    with workshop.database.reading(NOBODY) as db:
        read = partial(read_tiles, db, str(shard.year))
        proof = () if old == 0 else prove_consistency(old, row.size, read)
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof)]
    return ("\n".join(lines) + "\n\n").encode() + row.note


def _ours(workshop: Workshop, note: Note) -> tuple[ShardRow, CheckpointRow]:
    checkpoint = parse_checkpoint(note.text)
    with workshop.database.reading(NOBODY) as db:
        shard = next((s for s in shards(db) if s.origin == checkpoint.origin), None)
        row = None if shard is None else checkpoint_at(db, shard.year, checkpoint.size)
        newest = None if shard is None else newest_publication(db, shard.year)
    if shard is None or row is None or newest is None or row.size > newest.size:
        raise InputError("This log has published no such checkpoint.")
    if parse_note(row.note).text != note.text:
        raise InputError("This log has published another checkpoint of this size.")
    return shard, row


def _keep(workshop: Workshop, row: CheckpointRow, cosignatures: list[Cosignature], at: datetime) -> int:
    with workshop.database.writing(NOBODY) as db:
        return sum(
            insert_cosignature(
                db, CosignatureRow(row.year, row.size, each.witness, each.signature.line, each.at), at
            )
            for each in cosignatures
        )
