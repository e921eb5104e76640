"""A server that answers a byte at a time: no single read takes long, and there is no end to them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

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


@contextmanager
def dripping() -> Iterator[str]:
    """Its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
