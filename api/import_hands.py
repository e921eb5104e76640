"""The processes of an import: typesetting and sealing take both cores, and a process of Python has one.

Each is spawned, wires a workshop of its own (one compiler, its own keys in memory, its own connections) and
does chunks of rows one after the other. They end with the process that started them.
"""

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from multiprocessing import get_context

from api.lifeline import die_with_parent
from api.settings import Settings, parse_settings, write_settings
from api.wiring import wire
from vault.errors import VaultError
from vault.importing import ChunkDone, ChunkOrder, FilesPlace, Hands, import_chunk, opened_files
from vault.model.imports import ImportRun
from vault.workshop import Workshop

# While one process waits for the store or the database, another one has work for its core.
PROCESSES_OVER_CORES = 1
# Chunks that wait for a process, beside the one that each does: none of them ever has to wait itself.
WAITING_EACH = 2
# A row makes some thousand objects and drops them all: the collector looks less often, and never again at
# what a process keeps. A tenth less work a row.
COLLECT_AFTER_OBJECTS = 50_000

_workshops: list[Workshop] = []


def default_processes() -> int:
    """How many processes keep this machine's cores busy."""
    return len(os.sched_getaffinity(0)) + PROCESSES_OVER_CORES


@contextmanager
def import_hands(
    settings: Settings, processes: int, tell: Callable[[ImportRun], None] = lambda _run: None
) -> Iterator[Hands]:
    """Processes that import, while the block runs; a chunk that is under way then is waited for."""
    pool = ProcessPoolExecutor(
        processes,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(write_settings(settings), os.getpid()),
    )

    def submit(order: ChunkOrder) -> "Future[ChunkDone]":
        return pool.submit(_do, order)

    def open_files(place: FilesPlace) -> "list[Future[None]]":
        # As a rule each takes one: what takes long is still being done when the last one has started.
        return [pool.submit(_open, place) for _ in range(processes)]

    try:
        yield Hands(submit, open_files, processes * WAITING_EACH, _now, time.sleep, tell)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def own_hands(workshop: Workshop) -> Iterator[Hands]:
    """This process itself: each chunk is done when it is handed in."""

    def submit(order: ChunkOrder) -> "Future[ChunkDone]":
        future: Future[ChunkDone] = Future()
        try:
            future.set_result(import_chunk(workshop, order, at=_now()))
        except VaultError as error:
            future.set_exception(error)
        return future

    yield Hands(submit, partial(open_here, workshop), 1, _now, time.sleep)


def open_here(workshop: Workshop, place: FilesPlace) -> "list[Future[None]]":
    """This process opens the files, at once."""
    future: Future[None] = Future()
    try:
        opened_files(workshop, place)
        future.set_result(None)
    except VaultError as error:
        future.set_exception(error)
    return [future]


def _begin(settings: str, parent: int) -> None:
    """In the new process: it lives as long as its parent, whom Ctrl-C at a terminal asks to end in order."""
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(COLLECT_AFTER_OBJECTS, *gc.get_threshold()[1:])
    _workshops.append(wire(parse_settings(settings), compilers=1).workshop)


def _open(place: FilesPlace) -> None:
    opened_files(_workshops[0], place)


def _do(order: ChunkOrder) -> ChunkDone:
    done = import_chunk(_workshops[0], order, at=_now())
    _keep_what_is_there()
    return done


@cache
def _keep_what_is_there() -> None:
    """Once, after the first chunk: the fonts, templates and statements that it made stay.

    Not by asking how many objects are kept: `gc` counts them one by one, 20 ms a chunk.
    """
    gc.collect()
    gc.freeze()


def _now() -> datetime:
    return datetime.now(UTC)
