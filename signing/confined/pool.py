"""A process's pool of judging children: some stand ready, each looks at one file, another takes its place."""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Self

import signing
from signing.confined.messages import ANSWER_MAX_BYTES, PICTURE_MAX_BYTES, job, picture_job, read_answer
from signing.examination import Examined, not_judged
from signing.judge.trust import Trust
from signing.limits import KILLED_AFTER_S
from signing.validate import PDF_SIZE_MAX_BYTES
from signing.wire import receive, send
from vault.errors import DocumentRefused, Unavailable

# The first child waits for imports, which take a second; later ones are there in milliseconds.
READY_WITHIN_S = 10.0
ENDS_WITHIN_S = 5.0
# A child knows where its libraries are and what language they speak, and nothing else of our environment.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")

_WEBP = (b"RIFF", b"WEBP")  # RFC 9649, 2.4: where the size is left out

_log = logging.getLogger("certvault.judges")


@dataclass(frozen=True, slots=True)
class _Child:
    connection: socket.socket

    def ready(self, deadline: float) -> int:
        """Its process, as a descriptor; waits until it is there, or until then by the monotonic clock.

        Raises:
            OSError: it does not come.
        """
        self.connection.settimeout(max(0.001, deadline - time.monotonic()))
        _, descriptors, _, _ = socket.recv_fds(self.connection, 1, 1)
        if not descriptors:
            raise ConnectionError("The judging child ended before it began.")
        return descriptors[0]


class Judges:
    """A pool of `standing` children. Nothing is started before it is entered, nothing is left behind it.

    For many threads. Whatever happens to a child is the report on its file; the pool mends itself.
    """

    def __init__(self, standing: int, *, killed_after_s: float = KILLED_AFTER_S) -> None:
        self._standing = standing
        self._killed_after_s = killed_after_s
        self._children: deque[_Child] = deque()
        self._lock = Lock()
        self._drawing = BoundedSemaphore(standing)
        self._entered = False
        self._zygote: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def __enter__(self) -> Self:
        """Starts the children; they are ready a second later, and whoever comes before then waits.

        Raises:
            OSError: they cannot be started; nothing is left behind.
        """
        with self._lock:
            self._start()
            self._entered = True
        return self

    def __exit__(self, *_error: object) -> None:
        """Ends them all."""
        with self._lock:
            self._entered = False
            self._stop()

    def examine(self, content: bytes, *, trust: Trust, at: datetime) -> Examined:
        """`signing.examination.examine` in a child: killed after `killed_after_s`.

        Raises:
            Unavailable: no child can be started.
        """
        if len(content) > PDF_SIZE_MAX_BYTES:
            return not_judged(f"The file is over {PDF_SIZE_MAX_BYTES} bytes.", name="readable")
        try:
            return read_answer(self._asked(job(trust, at), content, ANSWER_MAX_BYTES))
        except TimeoutError:
            return not_judged("Judging the file took too long, and was stopped.")
        except (ConnectionResetError, EOFError):
            return not_judged("Judging the file went beyond its limits, and was stopped.")
        except (ValueError, KeyError, TypeError, RecursionError):
            return not_judged("Judging the file ended in nonsense.")

    def picture(self, content: bytes, /, *, side_max_pixels: int) -> bytes:
        """`signing.drawing.page_webp` in a child. As many at a time as stand ready; others wait their turn.

        Raises:
            DocumentRefused: there is no page that can be drawn, in the time and memory that a child has.
            Unavailable: no child can be started, or the turn does not come.
        """
        if not self._drawing.acquire(timeout=READY_WITHIN_S):
            raise Unavailable("Too many pages are being drawn.", retry_after_s=5)
        try:
            drawn = self._asked(picture_job(side_max_pixels), content, PICTURE_MAX_BYTES)
        except (TimeoutError, ConnectionResetError, EOFError, ValueError) as error:
            raise DocumentRefused("The file has no page that can be drawn.") from error
        finally:
            self._drawing.release()
        if (drawn[:4], drawn[8:12]) != _WEBP:
            raise DocumentRefused("The file has no page that can be drawn.")
        return drawn

    def _asked(self, order: bytes, content: bytes, answer_max_bytes: int) -> bytes:
        """What a child answers.

        Raises:
            TimeoutError, ConnectionResetError, EOFError, ValueError: there is no answer within the bounds.
            Unavailable: no child can be started.
        """
        deadline = time.monotonic() + READY_WITHIN_S
        for _ in range(self._standing + 2):  # those that stood ready may all have been killed meanwhile
            child, process = self._take(deadline)
            until = time.monotonic() + self._killed_after_s
            try:
                child.connection.settimeout(self._killed_after_s)
                send(child.connection, order, content)
                return receive(child.connection, answer_max_bytes, until)
            except BrokenPipeError:  # it was gone before it had the whole file: not this file's doing
                continue
            finally:
                with suppress(OSError):
                    signal.pidfd_send_signal(process, signal.SIGKILL)
                os.close(process)
                child.connection.close()
        raise Unavailable("No process can be started that judges files.", retry_after_s=5)

    def _take(self, deadline: float) -> tuple[_Child, int]:
        """A child that is ready; another is on its way at once.

        Raises:
            Unavailable: there is none, and none can be started.
        """
        while time.monotonic() < deadline:
            with self._lock:
                if not self._entered:
                    raise Unavailable("Nobody judges files here now.", retry_after_s=1)
                self._mend()
                try:
                    self._children.append(self._fork())
                except OSError:
                    self._stop_zygote()
                    continue
                child = self._children.popleft()
            try:
                return child, child.ready(deadline)
            except OSError:
                # Of this child alone: others of the same zygote judge for other threads
                child.connection.close()
        raise Unavailable("No process can be started that judges files.", retry_after_s=5)

    def _mend(self) -> None:
        """Starts again what has ended, or could not be started before."""
        if self._zygote is not None and self._zygote.poll() is None:
            return
        _log.warning("The process that judges are forked from had ended; starting it again.")
        self._stop()
        try:
            self._start()
        except OSError as error:
            raise Unavailable("No process can be started that judges files.", retry_after_s=5) from error

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        self._control = ours
        environment = {key: os.environ[key] for key in _ENVIRONMENT if key in os.environ}
        # The very code that runs here, wherever it was imported from
        environment["PYTHONPATH"] = str(Path(signing.__path__[0]).parent)
        try:
            with theirs:
                self._zygote = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                    [sys.executable, "-P", "-m", "signing.confined.zygote", str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # a terminal's Ctrl-C reaches the parent, which ends them
                )
            for _ in range(self._standing):
                self._children.append(self._fork())
        except OSError:
            self._stop()
            raise

    def _fork(self) -> _Child:
        if self._control is None:
            raise ConnectionError("There is nothing to fork from.")
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"+"], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return _Child(ours)

    def _stop(self) -> None:
        while self._children:
            self._children.popleft().connection.close()
        self._stop_zygote()
        self._zygote = None

    def _stop_zygote(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._zygote is not None:
            try:
                self._zygote.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._zygote.kill()
                self._zygote.wait()
