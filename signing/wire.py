"""What a process and its child say to each other: parts with a length in front, over a pair of sockets."""

import socket
import time

LENGTH_BYTES = 8


def send(connection: socket.socket, *parts: bytes) -> None:
    """Each part with its length in front.

    Raises:
        OSError: the other end is gone, or too slow.
    """
    for part in parts:
        connection.sendall(len(part).to_bytes(LENGTH_BYTES, "big"))
        connection.sendall(part)


def receive(connection: socket.socket, max_bytes: int, deadline: float | None = None) -> bytes:
    """One part. `deadline`: by the monotonic clock, for all of it together.

    Raises:
        EOFError: the other end is gone.
        ValueError: it is longer than it may be.
        TimeoutError: it is too slow.
    """
    length = int.from_bytes(_exactly(connection, LENGTH_BYTES, deadline), "big")
    if length > max_bytes:
        raise ValueError(f"A message of {length} bytes, expected at most {max_bytes}.")
    return _exactly(connection, length, deadline)


def _exactly(connection: socket.socket, length: int, deadline: float | None) -> bytes:
    held = bytearray(length)
    view, got = memoryview(held), 0
    while got < length:
        if deadline is not None:
            connection.settimeout(max(0.001, deadline - time.monotonic()))
        count = connection.recv_into(view[got:])
        if not count:
            raise EOFError("The other end is gone.")
        got += count
    return bytes(held)
