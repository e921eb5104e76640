"""A template that somebody has edited, set once in a child process with limits: pictures, or what is wrong.

The template is a program that a stranger to the code has written. It gets the shipped templates to import,
our fonts, and nothing else: no other file, no package, no network; a gigabyte, some seconds, some pages.
"""

import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import signing
from signing.wire import receive, send
from vault.errors import Unavailable

# The shipped templates have 12 kB at most.
SOURCE_MAX_CHARS = 60_000
# A photo of a megabyte in base64, and room.
DATA_MAX_BYTES = 2 * 1024 * 1024
# A page takes some milliseconds when the fonts are read; reading them a second on a busy machine.
KILLED_AFTER_S = 12.0
CPU_MAX_S = 6
# To be looked at, on a screen.
PPI = 100
PAGES_MAX = 4
PAGE_MAX_BYTES = 2 * 1024 * 1024
ANSWER_MAX_BYTES = 2 * PAGES_MAX * PAGE_MAX_BYTES
FAULT_MAX_CHARS = 3_000
_PNG = b"\x89PNG\r\n\x1a\n"
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TZ")
# What Typst calls a source that it was given as bytes, and where its own files lie.
_OWN_NAME = re.compile(r"[^\s`]*__typst_py_bytes__\.typ")
_OWN_FOLDER = re.compile(r"(?<![\w.])/?(?:[\w.-]+/)+(?=templates/)")
_SEARCHED = re.compile(r" \(searched at [^)]*\)")


@dataclass(frozen=True, slots=True)
class Pictures:
    """The first pages as PNG, at `PPI`; `page_count` counts all of them."""

    pages: tuple[bytes, ...] = field(repr=False)
    page_count: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is no picture. `line`: of the template, from 1 on; None where the compiler names none.

    `detail`: the compiler's own words with the lines that it shows; they may quote what was typed.
    """

    message: str = field(repr=False)
    line: int | None
    detail: str = field(repr=False)


def try_template(template: str, source: str, data: Mapping[str, Any]) -> Pictures | Fault:
    """Sets a page by the edited `source` of this template; `data` as `Typesetter.typeset` takes it.

    Raises:
        Unavailable: no child can be started.
    """
    wanted = json.dumps({"template": template, "source": source, "data": data}).encode()
    if len(source) > SOURCE_MAX_CHARS or len(wanted) > DATA_MAX_BYTES:
        return Fault("The template or its data are too long.", None, "")
    deadline = time.monotonic() + KILLED_AFTER_S
    ours, theirs = socket.socketpair()
    with ours:
        process = _start(theirs)
        try:
            ours.settimeout(KILLED_AFTER_S)
            send(ours, wanted)
            return _read(json.loads(receive(ours, ANSWER_MAX_BYTES, deadline)), template)
        except TimeoutError:
            return Fault("Setting the page took too long, and was stopped.", None, "")
        except (OSError, EOFError):
            return Fault("Setting the page went beyond its limits, and was stopped.", None, "")
        except (ValueError, KeyError, TypeError, RecursionError):
            return Fault("Setting the page ended in nonsense.", None, "")
        finally:
            with suppress(OSError):
                process.send_signal(signal.SIGKILL)
            process.wait()


def _start(theirs: socket.socket) -> "subprocess.Popen[bytes]":
    environment = {key: os.environ[key] for key in _ENVIRONMENT if key in os.environ}
    environment["PYTHONPATH"] = str(Path(signing.__path__[0]).parent)
    environment["RAYON_NUM_THREADS"] = "1"  # Typst's own pool: one template takes one core
    with theirs:
        try:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "signing.trial.child", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable("No process can be started that sets pages.", retry_after_s=5) from error


def _read(answer: Mapping[str, Any], template: str) -> Pictures | Fault:
    """What the child says, checked like anything from outside: the template may have taken it over."""
    if "message" in answer:
        message, detail = str(answer["message"]), str(answer["detail"])
        f"{message}{detail}".encode()  # half a surrogate pair could not be shown: it raises ValueError
        said = re.search(r"__typst_py_bytes__\.typ:(\d{1,6}):", detail)
        return Fault(
            _ours(message, template)[:FAULT_MAX_CHARS],
            None if said is None else int(said[1]),
            _ours(detail, template)[:FAULT_MAX_CHARS],
        )
    pages = tuple(base64.b64decode(page, validate=True) for page in answer["pages"])
    count = answer["page_count"]
    if type(count) is not int or not 0 < len(pages) <= min(PAGES_MAX, count):
        raise ValueError("Expected a number of pages.")
    if any(not page.startswith(_PNG) or len(page) > PAGE_MAX_BYTES for page in pages):
        raise ValueError("Expected pictures.")
    return Pictures(pages, count)


def _ours(text: str, template: str) -> str:
    """The compiler's words without this machine's folders."""
    named = _OWN_NAME.sub(f"{template}.typ", _SEARCHED.sub("", text))
    return _OWN_FOLDER.sub("", named)
