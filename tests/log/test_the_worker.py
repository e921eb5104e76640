"""The worker's tick: what stops the log is logged and never raised; a witness's answer is read with a cap."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from api.log_job import WITNESS_ANSWER_MAX_BYTES, _post, sequence_once
from tests.log.conftest import AT, Log
from vault.errors import Unavailable

pytestmark = pytest.mark.engines


def test_a_tick_sequences_and_an_incident_is_told(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.add(3)
    sequence_once(log.workshop, AT)
    assert log.size() == 3
    log.workshop.log_store.remove("2026/checkpoint")
    with caplog.at_level(logging.ERROR):
        sequence_once(log.workshop, AT)
    assert "the log is stopped: The log's bucket has lost the checkpoint" in caplog.text


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that answers every POST so."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that http.server looks for
            """Answers."""
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own signature
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/add-checkpoint"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_witness_is_asked_over_http() -> None:
    with answering(409, b"7\n") as address:
        assert _post(address, b"old 0\n") == (409, b"7\n")
    with (
        answering(200, b"x" * (WITNESS_ANSWER_MAX_BYTES + 1)) as address,
        pytest.raises(Unavailable, match="length"),
    ):
        _post(address, b"")
    with pytest.raises(Unavailable, match="does not answer"):
        _post("http://127.0.0.1:1/add-checkpoint", b"")
    with pytest.raises(Unavailable, match="does not answer"):
        _post("nonsense", b"")
