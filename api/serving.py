"""One server process: uvicorn on a socket that its parent listens on."""

import socket

import uvicorn

from api import logs
from api.accepting import IdlestFirstServer
from api.app import create_app
from api.edge import Mode
from api.settings import Settings
from api.wiring import wire

# Requests under way may end; a deposit takes well under a second.
GRACE_S = 10
# Load balancers keep connections for a minute; ours must not close first, or requests get lost on the way.
KEEP_ALIVE_S = 75


def serve(settings: Settings, descriptor: int) -> None:
    """Answers requests from the listening socket with this descriptor until SIGTERM.

    Raises:
        InputError: a secret, the trust file or the providers' file is missing or unreadable.
    """
    logs.configure(messages=settings.mode is Mode.DEVELOPMENT)
    wired = wire(settings)
    app = create_app(wired.workshop, wired.reader, wired.edge)
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,  # api.logs writes a line for each request
        log_config=None,
        proxy_headers=False,  # api.addresses believes the proxies that are named, and nobody else
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    with socket.socket(fileno=descriptor) as listening:
        IdlestFirstServer(config).run(sockets=[listening])
