"""Rotation of the vault's own keys, while it goes on working.

Every process finds by all index keys and opens by all wrapping keys of its ring, and writes under those that
the database says are active (`storage.key_state`). So the new keys have to be in every process's ring first:
**distribute, then rotate**. A process whose ring lacks a key in use answers 503; it never misses a row.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from storage.envelope import KeyRing, Suite, add_versions, drop_versions
from storage.envelope.ring import REREAD_AFTER_S
from storage.filed_objects import in_clear_page, move_object
from storage.inspection import PAGE_ROWS
from storage.key_state import KeyState, activate, current_state, finish
from storage.objects import (
    FiledObject,
    new_object,
    prove_object,
    put_copy,
    put_object,
    read_copy,
    read_object,
)
from storage.record_keys import CERTIFICATES, MATERIALS, USES, RecordKind
from storage.renewal import may_renew, outdated_in_page, renew_page, rows_estimated
from storage.renewal_of_records import RENEWED
from vault.errors import Conflict, IntegrityError, NotPermitted, Unavailable
from vault.workshop import Workshop

ROTATION_LOCK = 0x6B657973  # "keys"
# Processes of this machine look at the key ring's file that often; twice, and some.
TAKEN_UP_AFTER_S = 2 * REREAD_AFTER_S + 0.5
# Rows that somebody holds are passed over and come back to; more passes mean that something is stuck.
PASSES_MAX = 50
PAUSE_S = 0.2

_ROLE = (
    "The service's database role may not write into the histories: run this as the tables' owner, as for "
    "`certvault db upgrade`."
)
_REFUSAL = "Another rotation is under way."
Progress = Callable[[int, int], None]


class KeyUse(StrEnum):
    """What a key of the ring is for at this moment."""

    PREPARED = "prepared"  # in the file, not in use yet
    ACTIVE = "active"  # what is written now
    IN_USE = "in use"  # a rotation is leaving it
    UNUSED = "unused"  # nothing should refer to it: `retire` makes sure


@dataclass(frozen=True, slots=True)
class RingEntry:
    """One key of the ring as an operator sees it."""

    kind: str
    version: int
    suite: str
    use: KeyUse


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation came to: the versions that are active now, and how many files it put as cipher text."""

    index_version: int
    wrapping_version: int
    files: int


def prepare(workshop: Workshop, suite: Suite) -> tuple[int, int]:
    """Adds a new version of both keys to the key ring's file, unless it has one that is not in use yet.

    Raises:
        Conflict: another rotation is under way, or one is not finished.
        Unavailable: the database does not answer.
    """
    with workshop.database.alone(ROTATION_LOCK, _REFUSAL):
        with workshop.database.reading() as db:
            state = current_state(db)
        if state.rotating:
            raise Conflict("A rotation is not finished: `certvault keys rotate` goes on with it.")
        return _prepared(workshop.keys, state) or add_versions(workshop.keys.path, suite)


def rotate(
    workshop: Workshop,
    suite: Suite,
    *,
    at: datetime,
    wait: Callable[[float], None],
    progress: Progress,
) -> Rotated:
    """Makes new keys the active ones and renews everything under them; goes on with one that was cut off.

    1. alone: of two rotations the second is refused. 2. make: new versions in the key ring's file, unless it
    has prepared ones; wait until this machine's processes have read it. 3. activate: one moment at which
    nobody writes. 4. renew: table after table, in short transactions that wait for nobody, until a pass finds
    nothing left. 5. files in clear from before revision 0010 are put as cipher text. 6. finish.

    Killed anywhere, the same command goes on: 2 finds the prepared versions, 3 the active ones, 4 and 5 pass
    over what is done. `progress` hears rows done so far, and about how many there are.

    Raises:
        Conflict: another rotation is under way.
        NotPermitted: this process's database role may not write the histories' wrapped keys.
        IntegrityError: a row's envelope does not open, so that it cannot be renewed; fsck says which.
        Unavailable: an engine does not answer, or this process's key ring is old; the same command goes on.
    """
    with workshop.database.alone(ROTATION_LOCK, _REFUSAL):  # 1
        with workshop.database.reading() as db:
            if not may_renew(db):
                raise NotPermitted(_ROLE)
            state = current_state(db)
            total = rows_estimated(db, [what.table for what in RENEWED])
        if not state.rotating:
            versions = _prepared(workshop.keys, state)
            if versions is None:
                versions = add_versions(workshop.keys.path, suite)  # 2
                wait(TAKEN_UP_AFTER_S)
            with workshop.database.writing() as db:
                activate(db, *versions, at)  # 3
        with workshop.database.writing() as db:
            state = current_state(db)  # and this process's ring has taken it up
        _renew(workshop, wait, lambda done: progress(done, max(total, done)))  # 4
        files = _seal_files(workshop, at)  # 5
        with workshop.database.writing() as db:
            finish(db, at)  # 6
    return Rotated(state.index_version, state.wrapping_version, files)


def retire(workshop: Workshop) -> tuple[RingEntry, ...]:
    """Takes the keys that nothing refers to out of the key ring's file, after a look at every row.

    Raises:
        Conflict: a rotation is under way or not finished, or rows still refer to an older key.
        Unavailable: the database does not answer.
    """
    with workshop.database.alone(ROTATION_LOCK, _REFUSAL):
        with workshop.database.writing() as db:
            state = current_state(db)
        if state.rotating:
            raise Conflict("A rotation is not finished: `certvault keys rotate` goes on with it.")
        left = {name: rows for name, rows in outdated_rows(workshop).items() if rows}
        if left:
            named = ", ".join(f"{name} {rows}" for name, rows in left.items())
            raise Conflict(f"Rows still refer to older keys: {named}. Run `certvault keys rotate`.")
        unused = tuple(entry for entry in _entries(workshop.keys, state) if entry.use is KeyUse.UNUSED)
        drop_versions(
            workshop.keys.path,
            index={entry.version for entry in unused if entry.kind == "index"},
            wrapping={entry.version for entry in unused if entry.kind == "wrapping"},
        )
    return unused


def ring_entries(workshop: Workshop) -> tuple[RingEntry, ...]:
    """Every key of the ring and what it is for.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading() as db:
        return _entries(workshop.keys, current_state(db))


def outdated_rows(workshop: Workshop) -> dict[str, int]:
    """How many rows of each table refer to other keys than the active ones: a look at all of them.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.writing():  # this process's ring takes up the active versions
        pass
    found: dict[str, int] = {}
    for what in RENEWED:
        after: object | None = None
        found[what.table.name] = 0
        while True:
            with workshop.database.reading() as db:
                after, rows = outdated_in_page(db, workshop.keys, what, after)
            if after is None:
                break
            found[what.table.name] += rows
    return found


def _renew(workshop: Workshop, wait: Callable[[float], None], tell: Callable[[int], None]) -> None:
    for _ in range(PASSES_MAX):
        done = 0
        for what in RENEWED:
            after: object | None = None
            while True:
                with workshop.database.writing() as db:
                    after, rows = renew_page(db, workshop.keys, what, after)
                if after is None:
                    break
                done += rows
                tell(done)
        if not any(outdated_rows(workshop).values()):
            return
        wait(PAUSE_S)
    raise Unavailable("Some rows are held by others all the time; run it again to go on.")


def _seal_files(workshop: Workshop, at: datetime) -> int:
    """Puts every file that lies in clear as cipher text, too, locked for as long as the one in clear."""
    sealed = 0
    for use_id, in_clear in _in_clear(workshop, USES):
        sealed += _seal_copy(workshop, use_id, in_clear)
    for kind in (CERTIFICATES, MATERIALS):
        for record_id, in_clear in _in_clear(workshop, kind):
            if in_clear.key is None:  # erased
                continue
            content = read_object(workshop.blobs, in_clear)
            fresh = new_object(record_id, in_clear.place, in_clear.key, in_clear.sha256, in_clear.size_bytes)
            until = workshop.blobs.retained_until(in_clear.stored_name)
            put_object(
                workshop.blobs,
                fresh,
                content,
                retain_until=until or at + timedelta(days=1),
                origin={"renewed": str(record_id)},
            )
            prove_object(workshop.blobs, fresh)
            with workshop.database.writing() as db:
                move_object(db, kind, record_id, fresh)
            sealed += 1
    return sealed


def _seal_copy(workshop: Workshop, use_id: UUID, in_clear: FiledObject) -> int:
    """Puts a copy that lies in clear as cipher text, and takes the one in clear away; how many it was."""
    if in_clear.key is None:  # erased at this moment
        return 0
    try:
        content = read_copy(workshop.blobs, in_clear)
    except IntegrityError:  # revoked at this moment, or lost: fsck tells
        return 0
    fresh = new_object(use_id, in_clear.place, in_clear.key, in_clear.sha256, in_clear.size_bytes)
    put_copy(workshop.blobs, fresh, content, origin={"use": str(use_id)})
    read_copy(workshop.blobs, fresh)
    with workshop.database.writing() as db:
        move_object(db, USES, use_id, fresh)
    workshop.blobs.discard_copy(in_clear.stored_name)
    return 1


def _in_clear(workshop: Workshop, kind: RecordKind) -> Iterator[tuple[UUID, FiledObject]]:
    after: UUID | None = None
    while True:
        with workshop.database.reading() as db:
            after, found = in_clear_page(db, workshop.keys, kind, after, PAGE_ROWS)
        if after is None:
            return
        yield from found


def _prepared(keys: KeyRing, state: KeyState) -> tuple[int, int] | None:
    keys.reread()
    held = keys.keys
    index, wrapping = max(held.index), max(held.wrapping)
    if index > state.index_version and wrapping > state.wrapping_version:
        return index, wrapping
    return None


def _entries(keys: KeyRing, state: KeyState) -> tuple[RingEntry, ...]:
    held = keys.keys
    return tuple(
        RingEntry(kind, version, ring_key.suite.label, _use(version, active, oldest))
        for kind, of_kind, active, oldest in (
            ("index", held.index, state.index_version, state.index_oldest),
            ("wrapping", held.wrapping, state.wrapping_version, state.wrapping_oldest),
        )
        for version, ring_key in sorted(of_kind.items())
    )


def _use(version: int, active: int, oldest: int) -> KeyUse:
    if version > active:
        return KeyUse.PREPARED
    if version == active:
        return KeyUse.ACTIVE
    return KeyUse.IN_USE if version >= oldest else KeyUse.UNUSED
