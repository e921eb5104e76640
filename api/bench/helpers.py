"""Helper processes: what loads a core must not share this process's interpreter."""

import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor

from api.lifeline import die_with_parent


def helper_process() -> ProcessPoolExecutor:
    """One process that runs what is submitted, in order; it ends with its `with` block or with its parent.

    To be called from the main thread, to whose life the kernel ties the helper's.
    """
    return ProcessPoolExecutor(
        1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(os.getpid(),),
    )


def _begin(parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the parent's to handle
    die_with_parent(parent)
