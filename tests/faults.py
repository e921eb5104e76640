"""Real wires with faults in them: proxies that lose what a store acknowledged, or a commit's answer."""

import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit


class LyingStore(ThreadingHTTPServer):
    """In front of a real S3 server: while `lose_puts` is above zero, PUTs get a 200 and go nowhere.

    `puts_before`: so many PUTs are passed on first.
    `deletes`: "refused" answers a DELETE with 503 and does nothing (failed); "done" does it and answers 503
    all the same (failed but happened). One DELETE each time it is set.
    """

    daemon_threads = True

    def __init__(self, endpoint: str) -> None:
        super().__init__(("127.0.0.1", 0), _StoreHandler)
        self.behind = urlsplit(endpoint).netloc
        self.lose_puts = self.puts_before = 0
        self.deletes: str | None = None
        self.lost: list[str] = []


class _StoreHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: LyingStore
    hop_by_hop: ClassVar[set[str]] = {"connection", "transfer-encoding", "content-length", "date", "server"}

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.command == "PUT" and self.server.puts_before > 0:
            self.server.puts_before -= 1
        elif self.command == "PUT" and self.server.lose_puts > 0:
            self.server.lose_puts -= 1
            self.server.lost.append(self.path)
            self.send_response(200)
            self.send_header("ETag", '"00000000000000000000000000000000"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        fault = None
        if self.command == "DELETE":
            fault, self.server.deletes = self.server.deletes, None
        if fault == "refused":
            self._answer_busy()
            return
        behind = HTTPConnection(self.server.behind, timeout=20)
        # The client signed the Host header that it saw: it is passed on as it came.
        behind.request(self.command, self.path, body=body or None, headers=dict(self.headers))
        answer = behind.getresponse()
        content = answer.read()
        if fault == "done":
            self._answer_busy()
            behind.close()
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in self.hop_by_hop:
                self.send_header(name, value)
        size = answer.getheader("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", size or "0")
        self.end_headers()
        self.wfile.write(content)
        behind.close()

    def _answer_busy(self) -> None:
        content = b"<Error><Code>SlowDown</Code><Message>busy</Message></Error>"
        self.send_response(503)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = _pass_on  # noqa: N815 - names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own signature
        """Quiet."""


@contextmanager
def lying_store(endpoint: str) -> Iterator[LyingStore]:
    """A lying store in front of `endpoint`."""
    server = LyingStore(endpoint)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class CuttingWire:
    """In front of a real PostgreSQL: cuts the connection at a COMMIT, before or after the server did it.

    `cut` None passes everything on; "before" drops the COMMIT (failed); "after" lets the server do it and
    drops its answer (failed but happened). One cut each time it is armed.
    """

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut: str | None = None
        self.cuts = 0
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops accepting."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._behind) as server:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    if end is client and self.cut is not None and b"COMMIT\x00" in data:
                        how, self.cut = self.cut, None
                        self.cuts += 1
                        if how == "after":
                            server.sendall(data)
                            server.recv(65536)  # the server has committed when it answers
                        return
                    (server if end is client else client).sendall(data)


class Wire:
    """In front of any TCP server: passes everything on until it is cut, and again when it is mended."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Ends every connection; new ones are refused."""
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        with self._lock:
            for end in self._open:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """Listens again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._behind)
        except OSError:
            client.close()
            return
        with client, server:
            with self._lock:
                self._open |= {client, server}
            back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
            back.start()
            self._pump(client, server)
            back.join()
            with self._lock:
                self._open -= {client, server}

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
