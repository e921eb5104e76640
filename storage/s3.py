"""The object store's address and connection, and its client library's errors as ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from vault.errors import NotFound, Unavailable

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 20.0
# One upload thread each for the deposits that a process runs at once.
CONNECTIONS_MAX = 64
# What S3 servers call an object that is not there.
ABSENT = frozenset({"NoSuchKey", "NoSuchObject"})


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where the object store is and whose buckets: `endpoint` as `http(s)://host:port`."""

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    documents_bucket: str = "certvault-documents"
    intake_bucket: str = "certvault-intake"
    copies_bucket: str = "certvault-copies"
    log_bucket: str = "certvault-log"


def connection_options() -> dict[str, Any]:
    """What every pool of connections to the store is made with."""
    timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
    return {"timeout": timeout, "maxsize": CONNECTIONS_MAX, "retries": False}


def client_of(address: StoreAddress, http: urllib3.PoolManager) -> Minio:
    """A client of this address over these connections."""
    parts = urlsplit(address.endpoint)
    return Minio(
        parts.netloc,
        access_key=address.access_key,
        secret_key=address.secret_key,
        secure=parts.scheme == "https",
        region="us-east-1",
        http_client=http,
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turns the client library's errors into ours: absent is NotFound, everything else Unavailable."""
    try:
        yield
    except S3Error as error:
        if error.code in ABSENT:
            raise NotFound("The object store has no such object.") from error
        raise Unavailable(f"The object store refused: {error.code}.") from error
    except (MinioException, HTTPError, OSError) as error:
        raise Unavailable("The object store does not answer; try again shortly.") from error
