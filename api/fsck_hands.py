"""The processes of fsck: it opens and hashes everything there is, and a process of Python has one core.

Each is spawned, wires a workshop of its own and does parts one after the other. They only read: whatever ends
fsck ends them at once, wherever they are, and they end with the process that started them.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context

from api.lifeline import die_with_parent
from api.settings import Settings, parse_settings, write_settings
from api.wiring import wire
from vault.fsck import Hands, Part, PartDone, examine
from vault.workshop import Workshop

# Parts that wait for a process, beside the one that each does: none of them ever has to wait itself.
WAITING_EACH = 2

_workshops: list[Workshop] = []


def default_processes() -> int:
    """How many processes keep this machine's cores busy."""
    return len(os.sched_getaffinity(0))


@contextmanager
def fsck_hands(settings: Settings, processes: int) -> Iterator[Hands]:
    """Processes that look at parts, while the block runs; if it raises, what is under way is broken off."""
    others = set(active_children())
    pool = ProcessPoolExecutor(
        processes,
        mp_context=get_context("spawn"),
        initializer=_begin,
        initargs=(write_settings(settings), os.getpid()),
    )

    def submit(part: Part) -> "Future[PartDone]":
        return pool.submit(_do, part)

    try:
        yield Hands(submit, processes * WAITING_EACH)
    except BaseException:  # also where somebody stops it
        for each in set(active_children()) - others:
            each.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(settings: str, parent: int) -> None:
    """In the new process: Ctrl-C at a terminal is its parent's to answer."""
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _workshops.append(wire(parse_settings(settings), compilers=1).workshop)


def _do(part: Part) -> PartDone:
    return examine(_workshops[0], part)
