"""The process that judging children are forked from: `python -m signing.confined.zygote FD`.

It has one thread, everything imported and nothing secret: no key, no password, no connection. Over FD it gets
one end of a pair of sockets for each child; when FD is closed, it ends, and its children with it.
"""

import importlib
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from datetime import UTC, datetime
from io import BytesIO

import pikepdf

from signing.confined.messages import JOB_MAX_BYTES, answer, read_job
from signing.drawing import page_webp
from signing.examination import examine
from signing.limits import confine
from signing.sm2.engine import chosen_engine
from signing.sm2.message import sm3
from signing.validate import PDF_SIZE_MAX_BYTES, Trust
from signing.wire import receive, send
from vault.errors import DocumentRefused, SignatureError

READY = b"R"
# What is not imported with the judge but by the first date, packed stream, XMP or certificate that it meets
_LOADED_LATE = (
    "_strptime",
    "pyhanko.pdf_utils.filters",
    "lxml.etree",
    "cryptography.hazmat.backends.openssl.backend",
)


def main(descriptor: int) -> None:
    """Forks a child for every socket that comes, until the other end is closed."""
    logging.disable()  # libraries would write pieces of somebody's document
    _warm()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel takes away what has ended
    with socket.socket(fileno=descriptor) as control:
        while True:
            said, descriptors, _, _ = socket.recv_fds(control, 1, 1)
            if not said:
                return
            if os.fork() == 0:
                control.close()
                _serve(descriptors[0])
            os.close(descriptors[0])


def _serve(descriptor: int) -> None:
    """One file, in a child of its own: whatever it did to the process, no other file sees it."""
    status = 1
    try:
        connection = socket.socket(fileno=descriptor)
        # Its own handle, so that the parent kills this process and no other that has its number later
        socket.send_fds(connection, [READY], [os.pidfd_open(os.getpid())])
        encoded = receive(connection, JOB_MAX_BYTES)
        confine()
        content = receive(connection, PDF_SIZE_MAX_BYTES)
        match read_job(encoded):
            case int(side):
                send(connection, page_webp(content, side_max_pixels=side))
            case trust, at:
                send(connection, answer(examine(content, trust=trust, at=at)))
        status = 0
    except (EOFError, DocumentRefused):  # nothing to do any more; no page to be drawn
        status = 0
    finally:
        os._exit(status)


def _warm() -> None:
    """What libraries load with the first file that needs it they load now: children open no files."""
    for name in _LOADED_LATE:
        importlib.import_module(name)
    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(72, 72))
    page = BytesIO()
    pdf.save(page)
    examine(page.getvalue(), trust=Trust(()), at=datetime.now(UTC))
    page_webp(page.getvalue(), side_max_pixels=72)
    examine(b"PK", trust=Trust(()), at=datetime.now(UTC))
    sm3(b"")
    with suppress(SignatureError):  # where there is no engine for SM2, its signatures are undecided
        chosen_engine()


if __name__ == "__main__":
    main(int(sys.argv[1]))
