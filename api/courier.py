"""The one place from which the vault calls strangers: POSTs to receivers of webhooks.

The name is resolved and judged here, and the connection goes to the very address that was judged; certificate
and Host are still those of the name. No redirect is followed, no proxy asked, no answer read beyond its head,
and everything together has one deadline.
"""

import socket
import ssl
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpcore

from vault.errors import InputError, NotPermitted
from vault.model.destinations import Destinations
from vault.webhooks import Parcel, Undelivered

# From the look-up of the name to the head of the answer: a receiver takes the delivery and works later.
DEADLINE_S = 10.0
# What a whole delivery may be; a hundred entries take far less.
BODY_MAX_BYTES = 1024 * 1024
_ACCEPTED = range(200, 300)
_REDIRECTED = range(300, 400)


@dataclass(frozen=True, slots=True)
class Courier:
    """Sends parcels. `tls`: whose certificates are believed; `version` goes into the User-Agent."""

    destinations: Destinations
    tls: ssl.SSLContext
    version: str
    deadline_s: float = DEADLINE_S

    def send(self, parcel: Parcel) -> None:
        """Returns when the receiver has answered with 2xx.

        Raises:
            Undelivered: it has not; `reason` says why in a word.
        """
        try:
            to = self.destinations.read(parcel.url)
        except InputError:  # what was permitted when it was registered need not be now
            raise Undelivered("refused-address") from None
        if len(parcel.body) > BODY_MAX_BYTES:
            raise Undelivered("body-too-large")
        network = _JudgedNetwork(self.destinations, time.monotonic() + self.deadline_s)
        headers = {
            "Host": to.host_header,
            "User-Agent": f"certvault/{self.version}",
            "Content-Length": str(len(parcel.body)),
            "Connection": "close",
            **parcel.headers,
        }
        url = httpcore.URL(
            scheme=to.scheme.encode(), host=to.host.encode(), port=to.port, target=to.target.encode()
        )
        status = _status(network, self.tls, url, headers, parcel.body)
        if status in _REDIRECTED:
            raise Undelivered(f"redirect-{status}")
        if status not in _ACCEPTED:
            raise Undelivered(f"status-{status}")


def _status(
    network: "_JudgedNetwork", tls: ssl.SSLContext, url: httpcore.URL, headers: dict[str, str], body: bytes
) -> int:
    try:
        with (
            httpcore.ConnectionPool(tls, max_connections=1, network_backend=network) as pool,
            # Left at the head of the answer: closing the connection is all that its body is worth.
            pool.stream("POST", url, headers=list(headers.items()), content=body) as answer,
        ):
            return answer.status
    except httpcore.TimeoutException as error:
        raise Undelivered("timeout") from error
    except httpcore.ConnectError as error:
        raise Undelivered("no-connection") from error
    except httpcore.NetworkError as error:
        raise Undelivered("connection-lost") from error
    except httpcore.ProtocolError as error:
        raise Undelivered("not-http") from error


class _JudgedNetwork(httpcore.NetworkBackend):
    """Connects to addresses that are permitted, and to nothing else, until a deadline."""

    def __init__(self, destinations: Destinations, deadline: float) -> None:
        self._destinations = destinations
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
        local_address: str | None = None,
        socket_options: Any = None,  # noqa: ANN401 - passed on
    ) -> httpcore.NetworkStream:
        """A connection to the first permitted address of the host that answers."""
        plain = httpcore.SyncBackend()
        failure: Exception = Undelivered("unresolved")
        for address in _resolved(host, port, _remaining(self._deadline)):
            try:
                admitted = self._destinations.admit(address)
            except NotPermitted:
                failure = Undelivered("refused-address")
                continue
            try:
                left = _remaining(self._deadline)
                stream = plain.connect_tcp(admitted, port, left, local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
                continue
            return _TimedStream(stream, self._deadline)
        raise failure

    def connect_unix_socket(self, *_: object, **__: object) -> httpcore.NetworkStream:
        """Nobody's business here."""
        raise Undelivered("refused-address")


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every wait ends at the deadline: nobody drips an answer for ever."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - the deadline rules
        return self._stream.read(max_bytes, _remaining(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002 - the deadline rules
        self._stream.write(buffer, _remaining(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the deadline rules
    ) -> httpcore.NetworkStream:
        try:
            inner = self._stream.start_tls(ssl_context, server_hostname, _remaining(self._deadline))
        except httpcore.ConnectError as error:
            raise Undelivered("tls") from error
        return _TimedStream(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - as httpcore has it
        return self._stream.get_extra_info(info)


def _remaining(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


def _resolved(host: str, port: int, timeout_s: float) -> list[str]:
    """Every numeric address of a host, as the resolver orders them.

    The resolver takes no deadline: it is asked from a thread, which is left behind where it takes too long.
    """
    found: list[str] = []
    failed: list[Exception] = []

    def resolve() -> None:
        try:
            for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                found.append(str(address[0]))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise Undelivered("timeout")
    if failed:
        raise Undelivered("unresolved") from failed[0]
    return found
