"""Real receivers of webhooks: they answer as they are told, and keep what they got."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """Its body."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver(ThreadingHTTPServer):
    """Answers each request by the next of `answers`, and by the last one for ever.

    A number is a status; "hang" answers nothing until the end; "reset" cuts the connection; "drip" sends its
    head a byte at a time; "endless" sends a body without end; any other text is where it redirects to.
    """

    daemon_threads = True

    def __init__(self, *answers: int | str) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.answers = list(answers or (200,))
        self.received: list[Received] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.arrived = threading.Semaphore(0)
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Where it is found."""
        return f"http://{LOOPBACK}:{self.server_address[1]}/hook?x=1"

    def get_request(self) -> tuple[socket.socket, Any]:
        """Counts connections, whatever comes of them."""
        found = super().get_request()
        self.connections += 1
        return found

    def handle_error(self, *_: object) -> None:
        """Who hangs up is nothing to tell about."""

    def take(self, request: Received) -> int | str:
        """Keeps a request; how to answer it."""
        with self.lock:
            self.received.append(request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.arrived.release()
        return answer


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        match self.server.take(Received(self.path, dict(self.headers), body)):
            case int() as status:
                self._answer(status)
            case "hang":
                self.server.over.wait()
            case "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
            case "drip":
                for byte in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000:
                    self.wfile.write(bytes([byte]))
                    if self.server.over.wait(0.02):
                        return
            case "endless":
                self.send_response(200)
                self.end_headers()
                while not self.server.over.is_set():
                    self.wfile.write(b"x" * 65536)
            case str() as target:
                self._answer(307, target)

    def _answer(self, status: int, target: str | None = None) -> None:
        self.send_response(status)
        if target is not None:
            self.send_header("Location", target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def receiver(*answers: int | str, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver while the block runs."""
    server = Receiver(*answers)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
