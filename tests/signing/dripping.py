"""A server that answers a byte at a time: no single read takes long, and there is no end to them."""

import time
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler

from tests.signing.answering import answering

EVERY_S = 0.1
DRIPS = 40  # some end there is: a client without one would hang here


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Drips."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", str(DRIPS))
        self.end_headers()
        for _ in range(DRIPS):
            try:
                self.wfile.write(b"\x30")
            except OSError:  # the client had enough
                return
            time.sleep(EVERY_S)

    do_GET = do_POST  # noqa: N815 - its name in the standard library

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def dripping() -> AbstractContextManager[str]:
    """Its address."""
    return answering(_Handler)
