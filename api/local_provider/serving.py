"""The provider as a process: uvicorn on a socket that its parent listens on."""

import socket
from pathlib import Path

import uvicorn

from api import logs
from api.local_provider.app import create_provider

GRACE_S = 5


def serve(descriptor: int, book: Path) -> None:
    """Answers from the listening socket with this descriptor until SIGTERM; `api.child` asked the mode."""
    logs.configure(messages=True)
    config = uvicorn.Config(
        create_provider(book),
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,  # its addresses hold codes
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    with socket.socket(fileno=descriptor) as listening:
        uvicorn.Server(config).run(sockets=[listening])
