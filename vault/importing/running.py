"""A whole import: its manifest read as a stream, its chunks handed to processes, some at a time."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from storage.history import AuditRow, defer_job, insert_audit
from storage.imports import begin_run, counted_rows, end_run, looked_at_chunks, note_run, settled_chunks
from vault.errors import SealCapReached, Unavailable, VaultError
from vault.importing.files import FilesPlace
from vault.importing.mapping import RegisterMapping
from vault.importing.orders import CHUNK_ROWS, ChunkDone, ChunkOrder
from vault.importing.reading import find_run
from vault.importing.sheets import Manifest, ManifestRow, count_rows, read_manifest
from vault.model.access import Action, authorize
from vault.model.actors import ClientGrant
from vault.model.imports import ImportMode, ImportRun
from vault.model.scope import VAULT
from vault.workshop import Workshop

# An engine that does not answer is asked again so often before the run stops.
TRIES_MAX = 5
# How often a run says that somebody works on it, and how it stands.
NOTED_EVERY = timedelta(seconds=2)
# How long to wait for another import that is at the same rows before looking again.
TURN_S = 0.5
# Of the digest: enough to tell runs apart. What people call a register may name somebody, and is not kept.
NAME_DIGITS = 12
_READ_BYTES = 1024 * 1024
_UNEXPECTED = "The import was ended by an error that nobody expected: an operator has to look into the log."
_DIED = "A process of the import died; begin it again, and it goes on."
IMPORT_QUEUE = "import"
IMPORT_TASK = "import_stock"


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """What is to be imported for which client, from where."""

    client: ClientGrant
    mode: ImportMode
    manifest: Manifest
    mapping: RegisterMapping
    files: FilesPlace


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does the chunks. `submit`: gives one to a process; `together`: how many it should have at a time.

    `open_files`: the processes open the files, to have them at hand: of a large zip that takes seconds.
    `clock` and `rest` (seconds) are the caller's; `tell` hears how the run stands.
    """

    submit: Callable[[ChunkOrder], "Future[ChunkDone]"]
    open_files: Callable[[FilesPlace], Sequence["Future[None]"]]
    together: int
    clock: Callable[[], datetime]
    rest: Callable[[float], None]
    tell: Callable[[ImportRun], None] = field(default=lambda _run: None)


@dataclass(slots=True)
class _Walked:
    """What is left of a walk over the chunks.

    `busy`: those at which another import was. `waits`: those with rows whose grant is used up, and why.
    """

    busy: set[int] = field(default_factory=set)
    waits: dict[int, SealCapReached] = field(default_factory=dict)


def begin(
    workshop: Workshop, order: ImportOrder, *, at: datetime, source: Mapping[str, object] | None = None
) -> UUID:
    """The run of this manifest under this mapping: a new one, or the one that was broken off and goes on.

    `source`: where the worker finds all of it, for a run that is the worker's: its job commits with the run.

    Raises:
        NotPermitted: the client may not deposit.
        InputError: the manifest is not readable.
        Unavailable: the database does not answer.
    """
    authorize(order.client, Action.DEPOSIT)
    digest = digest_of(order.manifest, order.mapping)
    with workshop.database.writing(VAULT) as db:
        run_id = begin_run(
            db,
            client_id=order.client.client_id,
            mode=order.mode,
            digest=digest,
            name=f"{digest.hex()[:NAME_DIGITS]}{order.manifest.ending}",
            source=source,
            at=at,
        )
        details = {"run": str(run_id), "mode": order.mode.value, "manifest": digest.hex()}
        insert_audit(db, [AuditRow(order.client.client_id, "import-begin", None, None, details)], at)
        if source is not None:
            arguments = {"run_id": str(run_id)}
            defer_job(db, queue=IMPORT_QUEUE, task=IMPORT_TASK, arguments=arguments, at=at)
    return run_id


def run_import(workshop: Workshop, order: ImportOrder, hands: Hands) -> ImportRun:
    """Imports every row that is not held yet, or in a check looks at every row; how the run stands then.

    1. begin: the run of this manifest and mapping; what was done of it stays done. 2. the processes open the
    files; meanwhile its rows are counted, where they were not before. 3. hand out chunks of rows, a bounded
    number at a time, without those that are held. 4. what another import was at, look at again until it has
    an outcome: whoever held it may have died. 5. the run is done.

    Raises:
        NotPermitted: the client may not deposit.
        InputError: manifest, mapping or files cannot be read.
        SealCapReached: a grant is used up for today; its rows are pending, all others have their outcome, and
            the run goes on when it is begun again.
        Unavailable: an engine does not answer, again and again, or a process died.
    """
    began = hands.clock()
    run_id = begin(workshop, order, at=began)  # 1
    try:
        _prepare(workshop, order, hands, run_id)  # 2
        with workshop.database.reading(VAULT) as db:
            # A check looks at every row anew, whatever an earlier one found.
            held = settled_chunks(db, run_id) if order.mode is ImportMode.IMPORT else frozenset[int]()
        walked = _walk(workshop, order, hands, run_id, held)  # 3
        waits = dict(walked.waits)
        while walked.busy:  # 4
            hands.rest(TURN_S)
            with workshop.database.reading(VAULT) as db:
                done = looked_at_chunks(db, run_id, began)
                if order.mode is ImportMode.IMPORT:
                    done |= settled_chunks(db, run_id)
            walked = _walk(workshop, order, hands, run_id, done | waits.keys())
            waits |= walked.waits
        _check_waits(waits)
    except VaultError as error:
        _end(workshop, run_id, hands.clock(), error.detail)
        raise
    except Exception:
        _end(workshop, run_id, hands.clock(), _UNEXPECTED)
        raise
    _end(workshop, run_id, hands.clock(), None)  # 5
    run = find_run(workshop, run_id, at=hands.clock())
    hands.tell(run)
    return run


def digest_of(manifest: Manifest, mapping: RegisterMapping) -> bytes:
    """SHA-256 over the manifest's bytes and the mapping: what makes a run this run.

    Raises:
        InputError: the manifest is not readable.
    """
    digest = hashlib.sha256()
    with manifest.opened() as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
    written = json.dumps(asdict(mapping), sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(digest.digest() + written.encode()).digest()


def _prepare(workshop: Workshop, order: ImportOrder, hands: Hands, run_id: UUID) -> None:
    """Step 2. A run is of one manifest, so what an earlier try counted holds."""
    opening = hands.open_files(order.files)
    with workshop.database.reading(VAULT) as db:
        total = counted_rows(db, run_id)
    if total is None:
        total = count_rows(order.manifest, order.mapping)
        with workshop.database.writing(VAULT) as db:
            note_run(db, run_id, hands.clock(), total=total)
    for each in opening:
        _finished(each)


def _finished(opening: "Future[None]") -> None:
    try:
        opening.result()
    except BrokenExecutor as error:
        raise Unavailable(_DIED) from error


def _walk(
    workshop: Workshop, order: ImportOrder, hands: Hands, run_id: UUID, done: frozenset[int]
) -> _Walked:
    """Hands out every chunk that is not done.

    Where it raises, chunks may be under way or waiting: they are for whoever gave the hands out to take back.
    Cancelled here while a pool tells its futures of a process that died, one would end the pool's thread
    before it has ended the other processes.
    """
    under_way: dict[Future[ChunkDone], tuple[ChunkOrder, int]] = {}
    walked = _Walked()
    noted = hands.clock()
    for chunk in _chunks(order, run_id):
        if chunk.number in done:
            continue
        while len(under_way) >= hands.together:
            _collect(hands, under_way, walked)
        under_way[_submitted(hands, chunk)] = (chunk, 1)
        if hands.clock() - noted > NOTED_EVERY:
            noted = hands.clock()
            _note(workshop, run_id, hands)
    while under_way:
        _collect(hands, under_way, walked)
    _note(workshop, run_id, hands)
    return walked


def _chunks(order: ImportOrder, run_id: UUID) -> Iterator[ChunkOrder]:
    rows: Iterator[ManifestRow] = read_manifest(order.manifest, order.mapping)
    template = ChunkOrder(run_id, order.mode, order.client, order.mapping, order.files, 0, ())
    number = 0
    while some := tuple(islice(rows, CHUNK_ROWS)):
        yield replace(template, number=number, rows=some)
        number += 1


def _check_waits(waits: Mapping[int, SealCapReached]) -> None:
    """Every other row has its outcome by now; the run goes on when the last of these grants may."""
    if waits:
        raise max(waits.values(), key=lambda each: each.retry_after_s)


def _submitted(hands: Hands, chunk: ChunkOrder) -> "Future[ChunkDone]":
    """A pool whose process died says so to whoever waits, or to whoever hands in the next chunk."""
    try:
        return hands.submit(chunk)
    except BrokenExecutor as error:
        raise Unavailable(_DIED) from error


def _collect(
    hands: Hands, under_way: dict["Future[ChunkDone]", tuple[ChunkOrder, int]], walked: _Walked
) -> None:
    """Waits for some chunk, and notes what is left of it. What an engine refused is tried again."""
    done, _ = wait(under_way, return_when=FIRST_COMPLETED)
    for future in done:
        chunk, tries = under_way.pop(future)
        try:
            found = future.result()
            if found.outcomes is None:
                walked.busy.add(chunk.number)
            if found.waits is not None:
                walked.waits[chunk.number] = found.waits
        except Unavailable as error:
            if tries >= TRIES_MAX:
                raise
            hands.rest(min(error.retry_after_s, 2**tries))
            under_way[_submitted(hands, chunk)] = (chunk, tries + 1)
        except BrokenExecutor as error:
            raise Unavailable(_DIED) from error


def _note(workshop: Workshop, run_id: UUID, hands: Hands) -> None:
    at = hands.clock()
    with workshop.database.writing(VAULT) as db:
        note_run(db, run_id, at)
    hands.tell(find_run(workshop, run_id, at=at))


def _end(workshop: Workshop, run_id: UUID, at: datetime, failure: str | None) -> None:
    try:
        with workshop.database.writing(VAULT) as db:
            end_run(db, run_id, at, failure=failure)
    except Exception:
        if failure is None:
            raise  # else the first error tells more
