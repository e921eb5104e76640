"""Uploads on their way to a deposit: under the key of the client that handed them in."""

import hashlib

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from storage.blobs import BlobStore
from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey, KeyRing, decrypted, encrypted, tag_under
from storage.tables import upload_keys
from vault.errors import IntegrityError, NotFound

FAN_OUT_CHARS = 2


def find_upload_key(db: ReadConnection, keys: KeyRing, client_id: str) -> DataKey | None:
    """The client's upload key, if it ever handed anything in."""
    query = select(upload_keys.c.data_key).where(upload_keys.c.id == client_id)
    wrapped = db.execute(query).scalar_one_or_none()
    return None if wrapped is None else keys.data_key(wrapped, key_place(client_id))


def make_upload_key(db: WriteConnection, keys: KeyRing, client_id: str) -> None:
    """Makes the client's upload key, once. It may be used when this transaction has been committed."""
    wrapped = keys.new_data_key(key_place(client_id)).wrapped
    db.execute(insert(upload_keys).values(id=client_id, data_key=wrapped).on_conflict_do_nothing())


def key_place(client_id: str) -> str:
    """What a client's upload key is bound to."""
    return f"upload_keys.data_key:{client_id}"


def put_upload(blobs: BlobStore, key: DataKey, client_id: str, sha256: str, content: bytes) -> None:
    """Keeps an uploaded file until a deposit names it.

    Raises:
        Unavailable: the store does not answer.
    """
    sealed = b"".join(encrypted(key, content, _place(client_id, sha256)))
    blobs.put_upload(upload_name(key, client_id, sha256), sealed)


def read_upload(blobs: BlobStore, key: DataKey, client_id: str, sha256: str) -> bytes:
    """An uploaded file, checked against its digest.

    Raises:
        NotFound: this client handed in no such file.
        IntegrityError: it does not open, or the bytes are not those of the digest.
        Unavailable: the store does not answer.
    """
    parts = blobs.upload_parts(upload_name(key, client_id, sha256))
    try:
        content = b"".join(decrypted(key, parts, _place(client_id, sha256)))
    except NotFound:
        raise NotFound(f"No upload {sha256}: send it first with PUT /v1/uploads/{{sha256}}.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise IntegrityError(f"The object store answers upload {sha256} with other bytes.")
    return content


def remove_upload(blobs: BlobStore, key: DataKey, client_id: str, sha256: str) -> None:
    """Takes an uploaded file away; one that is not there is no error.

    Raises:
        Unavailable: the store does not answer.
    """
    blobs.remove_upload(upload_name(key, client_id, sha256))


def upload_name(key: DataKey, client_id: str, sha256: str) -> str:
    """The name in the store of a client's upload with this digest: only that client's key gives it."""
    tag = tag_under(key, f"name/{_place(client_id, sha256)}").hex()
    return f"{client_id}/{tag[:FAN_OUT_CHARS]}/{tag[FAN_OUT_CHARS:]}"


def _place(client_id: str, sha256: str) -> str:
    return f"intake:{client_id}:{sha256}"
